//! What is declared, compiled for look-up.

use std::sync::Arc;

use aho_corasick::BuildError;
use bartizan_policy::CredentialKind;
use http::Method;

use crate::answer::cookies::CookieRules;
use crate::answer::cors::CorsPolicy;
use crate::answer::headers::SecurityHeaders;
use crate::answer::mask::Mask;
use crate::config::{AnswerRules, Route};
use crate::path::CanonicalPath;
use crate::ports::LocalService;
use crate::upstream::{Remote, Split};

/// A route as the pipeline sees it.
pub(crate) struct CompiledRoute {
    pub(crate) name: Arc<str>,
    pub(crate) rules: Route,
    pub(crate) target: Target,
    pub(crate) answer: Answer,
    /// Distinguishes this route's counters and cached assertions from all others'.
    pub(crate) index: u32,
}

/// What is done to a route's answers, compiled.
pub(crate) struct Answer {
    pub(crate) headers: SecurityHeaders,
    pub(crate) cors: CorsPolicy,
    pub(crate) cookies: CookieRules,
    /// What is masked, if anything is.
    pub(crate) mask: Option<Mask>,
}

impl Answer {
    pub(crate) fn compile(rules: &AnswerRules) -> Result<Self, BuildError> {
        let mask = rules.mask.any().then(|| Mask::compile(rules.mask)).transpose()?;
        Ok(Self {
            headers: SecurityHeaders::compile(rules.headers.clone()),
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
    /// This route, with its path parameters as they stand in the path (still percent-encoded).
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
        for route in routes {
            let path = route.rules.path.clone();
            let route = Arc::new(route);
            match by_path.iter_mut().find(|(held, _)| *held == path) {
                Some((_, routes)) => routes.push(route),
                None => by_path.push((path, vec![route])),
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
        let parameters = found.params.iter().map(|(name, value)| (Arc::from(name), value.to_owned())).collect();
        Found::Route(route.clone(), parameters)
    }
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
    fn a_pattern_that_no_normalized_path_can_meet_is_answered_with_the_one_that_is_meant() {
        assert_eq!(other_spelling("/a%3Ab/{id}/caf%c3%a9"), Some("/a:b/{id}/caf%C3%A9".to_owned()));
        assert_eq!(other_spelling("/orders/{id}/{*rest}"), None);
    }
}
