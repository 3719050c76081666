//! What is declared, compiled for look-up.

use std::collections::HashMap;
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
    paths: matchit::Router<Vec<Arc<CompiledRoute>>>,
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
        let mut paths = matchit::Router::new();
        for (path, routes) in by_path {
            let name = routes.first().map_or_else(|| Arc::from(""), |route| route.name.clone());
            let fault = |fault: String| RouteConflict { route: name.clone(), path: path.clone(), fault };
            if let Some(canonical) = other_spelling(&path) {
                return Err(fault(format!("is never met, since paths are normalized first: write `{canonical}`")));
            }
            if let Some(method) = declared_twice(&routes) {
                return Err(fault(format!("is declared twice for {method}")));
            }
            paths.insert(path.as_ref(), routes).map_err(|cause| fault(format!("cannot be added: {cause}")))?;
        }
        Ok(Self { paths })
    }

    pub(crate) fn find(&self, path: &str, method: &Method) -> Found {
        let Ok(found) = self.paths.at(path) else { return Found::Nothing };
        let Some(route) = found.value.iter().find(|route| route.serves(method)) else {
            return Found::OtherMethods(found.value.clone());
        };
        // *admit* let only escapes pass that decode to UTF-8 and to no delimiter: this reads a segment as the upstream will.
        let values = found.params.iter().map(|(_, value)| decoded(value).into_owned());
        Found::Route(route.clone(), route.parameters.iter().cloned().zip(values).collect())
    }
}

/// The names of a pattern's parameters, in their order: `{name}` and `{*name}`; doubled braces are braces.
pub(crate) fn parameter_names(pattern: &str) -> Vec<Arc<str>> {
    let plain = pattern.replace("{{", "").replace("}}", "");
    let names = plain.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    names.map(|(name, _)| Arc::from(name.trim_start_matches('*'))).collect()
}

/// How a request's path would be spelled where the pattern is spelled otherwise (`:` for `%3A`, `%C3` for `%c3`). Patterns that no
/// path can have are the router's own to refuse.
fn other_spelling(pattern: &str) -> Option<String> {
    let literal: Vec<&str> =
        pattern.split('/').map(|segment| if segment.contains('{') { "x" } else { segment }).collect();
    let literal = literal.join("/");
    let canonical = CanonicalPath::parse(&literal).ok()?;
    if canonical.as_str() == literal {
        return None;
    }
    let segments = pattern.split('/').zip(canonical.as_str().split('/'));
    let spelled: Vec<&str> = segments.map(|(own, canonical)| if own.contains('{') { own } else { canonical }).collect();
    Some(spelled.join("/"))
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
        assert_eq!(named("/{{literal}}/x"), Vec::<String>::new());
    }

    #[test]
    fn a_pattern_that_no_normalized_path_can_meet_is_answered_with_the_one_that_is_meant() {
        assert_eq!(other_spelling("/a%3Ab/{id}/caf%c3%a9"), Some("/a:b/{id}/caf%C3%A9".to_owned()));
        assert_eq!(other_spelling("/orders/{id}/{*rest}"), None);
    }
}
