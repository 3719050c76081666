//! What is declared, compiled for look-up.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use aho_corasick::BuildError;
use bartizan_policy::CredentialKind;
use http::Method;

use crate::answer::cookies::CookieRules;
use crate::answer::cors::CorsPolicy;
use crate::answer::headers::{HeaderConfig, SecurityHeaders};
use crate::answer::mask::Mask;
use crate::config::{AnswerRules, Route};
use crate::graphql::Endpoint;
use crate::path::pattern::{Meeting, Pattern, Reading};
use crate::path::{CanonicalPath, decoded};
use crate::pipeline::WebhookCaller;
use crate::ports::LocalService;
use crate::upstream::{Remote, Split};

/// A route as the pipeline sees it.
pub(crate) struct CompiledRoute {
    pub(crate) name: Arc<str>,
    pub(crate) rules: Route,
    pub(crate) target: Target,
    pub(crate) answer: Answer,
    /// The GraphQL endpoint that it is, if it is one.
    pub(crate) graphql: Option<Arc<Endpoint>>,
    /// The sender whose signed messages it takes, if it takes those.
    pub(crate) webhook: Option<Arc<WebhookCaller>>,
    /// Names of the path's parameters, in their order.
    pub(crate) parameters: Vec<Arc<str>>,
    /// Distinguishes this route's counters and cached assertions from all others'.
    pub(crate) index: u32,
}

/// What is done to a route's answers, compiled.
pub(crate) struct Answer {
    pub(crate) headers: Arc<SecurityHeaders>,
    pub(crate) cors: CorsPolicy,
    pub(crate) cookies: CookieRules,
    /// What is masked, if anything is.
    pub(crate) mask: Option<Mask>,
}

impl Answer {
    /// `headers` holds what earlier routes compiled: thousands of routes have a handful of settings.
    pub(crate) fn compile(
        rules: &AnswerRules,
        headers: &mut HashMap<HeaderConfig, Arc<SecurityHeaders>>,
    ) -> Result<Self, BuildError> {
        let mask = rules.mask.any().then(|| Mask::compile(rules.mask)).transpose()?;
        let headers = headers.entry(rules.headers.clone());
        Ok(Self {
            headers: headers.or_insert_with_key(|config| Arc::new(SecurityHeaders::compile(config))).clone(),
            cors: rules.cors.clone().map(CorsPolicy::compile).unwrap_or_default(),
            cookies: rules.cookies.clone(),
            mask,
        })
    }
}

/// Whom a request is for.
pub(crate) enum Target {
    /// A backend over the network.
    Remote(Arc<Remote>),
    /// Several of them, each with its part.
    Split(Split),
    /// A room of this process.
    Local(Arc<dyn LocalService>),
}

impl CompiledRoute {
    pub(crate) fn upstream_name(&self) -> &Arc<str> {
        self.rules.upstream.name()
    }

    pub(crate) fn accepts(&self, credential: CredentialKind) -> bool {
        self.rules.credentials.contains(&credential)
    }

    fn serves(&self, method: &Method) -> bool {
        self.rules.methods.contains(method) || (*method == Method::HEAD && self.rules.methods.contains(&Method::GET))
    }
}

/// All routes, by path and method.
#[derive(Default)]
pub(crate) struct RouteTable {
    /// By the router's form of their patterns; of those that one path can match, the narrower first.
    paths: matchit::Router<Vec<OfPattern>>,
}

/// The routes of one pattern.
struct OfPattern {
    pattern: Pattern,
    routes: Vec<Arc<CompiledRoute>>,
}

/// How a path matches a pattern.
enum Fit<'p> {
    /// Each parameter of the router is one of the pattern.
    Whole,
    /// These are the parameters of the pattern.
    Apart(Vec<&'p str>),
    /// It could be read in two ways. It is no other pattern's either: the upstream may read it as this one.
    Ambiguous,
}

impl OfPattern {
    fn fit<'p>(&self, found: &matchit::Params<'_, 'p>) -> Option<Fit<'p>> {
        if self.pattern.templates.iter().all(Option::is_none) {
            return Some(Fit::Whole);
        }
        let (mut values, mut is_ambiguous) = (Vec::new(), false);
        for ((_, segment), template) in found.iter().zip(&self.pattern.templates) {
            match template {
                Some(template) => match template.split(segment) {
                    Reading::One(found) => values.extend(found),
                    Reading::Several => is_ambiguous = true,
                    Reading::Other => return None,
                },
                None => values.push(segment),
            }
        }
        Some(if is_ambiguous { Fit::Ambiguous } else { Fit::Apart(values) })
    }
}

/// What the table knows of a request.
pub(crate) enum Found {
    /// This route, with its path parameters, decoded.
    Route(Arc<CompiledRoute>, Vec<(Arc<str>, String)>),
    /// The path with other methods.
    OtherMethods(Vec<Arc<CompiledRoute>>),
    /// Nothing.
    Nothing,
}

/// A route that cannot stand beside the others.
#[derive(Debug, thiserror::Error)]
#[error("route `{route}`: the path `{path}` {fault}")]
pub struct RouteConflict {
    /// The later of the two.
    pub route: Arc<str>,
    /// Its path pattern.
    pub path: Arc<str>,
    /// What is wrong.
    pub fault: String,
}

impl RouteTable {
    pub(crate) fn build(routes: Vec<CompiledRoute>) -> Result<Self, RouteConflict> {
        let mut by_path: Vec<(Arc<str>, Vec<Arc<CompiledRoute>>)> = Vec::new();
        let mut places: HashMap<Arc<str>, usize> = HashMap::new();
        for route in routes {
            let path = route.rules.path.clone();
            let place = *places.entry(path.clone()).or_insert(by_path.len());
            match by_path.get_mut(place) {
                Some((_, routes)) => routes.push(Arc::new(route)),
                None => by_path.push((path, vec![Arc::new(route)])),
            }
        }
        let mut by_form: Vec<(String, Vec<OfPattern>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (path, routes) in by_path {
            let name = routes.first().map_or_else(|| Arc::from(""), |route| route.name.clone());
            let fault = |fault: String| RouteConflict { route: name.clone(), path: path.clone(), fault };
            if let Some(canonical) = other_spelling(&path) {
                return Err(fault(format!("is never met, since paths are normalized first: write `{canonical}`")));
            }
            if let Some(method) = declared_twice(&routes) {
                return Err(fault(format!("is declared twice for {method}")));
            }
            let pattern = Pattern::read(&path).map_err(|cause| fault(format!("is no pattern: {cause}")))?;
            let form = pattern.router_form().to_owned();
            let place = *places.entry(form.clone()).or_insert(by_form.len());
            let new = OfPattern { pattern, routes };
            match by_form.get_mut(place) {
                Some((_, others)) => put(others, new).map_err(fault)?,
                None => by_form.push((form, vec![new])),
            }
        }
        let mut paths = matchit::Router::new();
        for (form, patterns) in by_form {
            let first = patterns.first().and_then(|it| it.routes.first()).cloned();
            paths.insert(form, patterns).map_err(|cause| RouteConflict {
                route: first.as_ref().map_or_else(|| Arc::from(""), |route| route.name.clone()),
                path: first.map_or_else(|| Arc::from(""), |route| route.rules.path.clone()),
                fault: format!("cannot be added: {cause}"),
            })?;
        }
        Ok(Self { paths })
    }

    pub(crate) fn find(&self, path: &str, method: &Method) -> Found {
        let Ok(found) = self.paths.at(path) else { return Found::Nothing };
        let fitting = found.value.iter().find_map(|it| Some((&it.routes, it.fit(&found.params)?)));
        let Some((routes, fit)) = fitting.filter(|(_, fit)| !matches!(fit, Fit::Ambiguous)) else {
            return Found::Nothing;
        };
        let Some(route) = routes.iter().find(|route| route.serves(method)) else {
            return Found::OtherMethods(routes.clone());
        };
        // *admit* let only escapes pass that decode to UTF-8 and to no delimiter: this reads a segment as the upstream will.
        let names = route.parameters.iter().cloned();
        let parameters = match fit {
            Fit::Whole => names.zip(found.params.iter().map(|(_, value)| decoded(value).into_owned())).collect(),
            Fit::Ambiguous => Vec::new(),
            Fit::Apart(values) => names.zip(values.into_iter().map(|value| decoded(value).into_owned())).collect(),
        };
        Found::Route(route.clone(), parameters)
    }
}

/// Puts a pattern before those that match whatever it matches. Of two that one path matches, the order of the file must not decide.
fn put(others: &mut Vec<OfPattern>, new: OfPattern) -> Result<(), String> {
    let ambiguous =
        others.iter().find(|it| matches!(new.pattern.meets(&it.pattern), Meeting::Ambiguous | Meeting::Same));
    if let Some(other) = ambiguous.and_then(|it| it.routes.first()) {
        return Err(format!("cannot be added: `{}` could match the same path", other.rules.path));
    }
    let wider = |it: &OfPattern| new.pattern.meets(&it.pattern) == Meeting::Within(Ordering::Less);
    let at = others.iter().position(wider).unwrap_or(others.len());
    others.insert(at, new);
    Ok(())
}

/// The names of a pattern's parameters, in their order: `{name}` and `{*name}`.
pub(crate) fn parameter_names(pattern: &str) -> Vec<Arc<str>> {
    let names = pattern.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    names.map(|(name, _)| Arc::from(name.trim_start_matches('*'))).collect()
}

/// How a request's path would be spelled where the pattern is spelled otherwise (`:` for `%3A`, `%C3` for `%c3`). Patterns that no
/// path can have are the router's own to refuse.
fn other_spelling(pattern: &str) -> Option<String> {
    // A letter stands for each parameter: nothing that is normalized goes over it.
    let mut spelled = String::new();
    for (at, piece) in pattern.split('{').enumerate() {
        let (parameter, text) = if at == 0 { ("", piece) } else { piece.split_once('}')? };
        let literal = format!("/x{text}x");
        let canonical = CanonicalPath::parse(&literal).ok()?;
        if at > 0 {
            let _ = write!(spelled, "{{{parameter}}}");
        }
        spelled.push_str(canonical.as_str().strip_prefix("/x")?.strip_suffix('x')?);
    }
    (spelled != pattern).then_some(spelled)
}

fn declared_twice(routes: &[Arc<CompiledRoute>]) -> Option<&Method> {
    routes.iter().enumerate().find_map(|(at, route)| {
        let earlier = routes.iter().take(at);
        route.rules.methods.iter().find(|method| earlier.clone().any(|other| other.rules.methods.contains(method)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_named_in_the_order_of_the_pattern() {
        let named = |pattern| parameter_names(pattern).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(named("/orders/{id}/items-{item}/{*rest}"), ["id", "item", "rest"]);
        assert_eq!(named("/compare/{base}...{head}"), ["base", "head"]);
    }

    #[test]
    fn a_pattern_that_no_normalized_path_can_meet_is_answered_with_the_one_that_is_meant() {
        assert_eq!(other_spelling("/a%3Ab/{id}/caf%c3%a9"), Some("/a:b/{id}/caf%C3%A9".to_owned()));
        assert_eq!(other_spelling("/orders/{id}/{*rest}"), None);
    }
}
