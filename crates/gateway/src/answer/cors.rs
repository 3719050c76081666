//! Cross-origin resource sharing (Fetch standard, "HTTP CORS protocol"): who may read answers from another origin's page.
//!
//! - Origins are compared whole, byte for byte. There are no patterns: `https://example.com.evil.net`, `https://evilexample.com` and
//!   `http://example.com` are how patterns are got round.
//! - `null`, which sandboxed frames and local files send, is never an allowed origin: anybody can send it.
//! - `*` goes with credentials in no case; the type has no such value.
//! - A preflight is answered by the gate. It carries no credentials by design, so it could never pass authentication, and the
//!   upstream has nothing to add.
//! - Where a policy stands, the upstream's CORS headers are taken off. Where none stands the upstream's own stay, but for the two
//!   that can only be a mistake: credentials for `*`, and for `null`.

use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::{Method, StatusCode};

pub(crate) mod origin;
#[cfg(test)]
mod tests;

use origin::WebOrigin;

/// Longest time that browsers keep a preflight's answer (Firefox's cap; Chromium's is two hours).
const MAX_AGE_CAP: Duration = Duration::from_hours(24);

/// Whether a page may send cookies and client certificates along, and read the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Credentials {
    /// `Authorization` set by the page itself still works, where listed in the headers.
    #[default]
    Omit,
    /// Risk: a script on a listed origin acts as whoever is signed in.
    Include,
}

/// Whose pages may read the answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// `*`: every page, without credentials. For public data.
    Any,
    /// These, exactly.
    Listed(Vec<WebOrigin>, Credentials),
}

/// Whether pages from the public internet may reach a server in a private network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrivateNetwork {
    /// A preflight that asks for it is refused.
    #[default]
    Refused,
    /// Risk: opens an inner server to requests that a visited page makes.
    Allowed,
}

/// A route's settings. A route without them has no CORS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    /// Whose pages.
    pub origins: Origins,
    /// With which methods.
    pub methods: Vec<Method>,
    /// Request headers beyond the safelisted ones.
    pub headers: Vec<HeaderName>,
    /// Response headers that scripts may read beyond the safelisted ones.
    pub expose: Vec<HeaderName>,
    /// How long a preflight's answer may be kept; a day at most.
    pub max_age: Duration,
    /// Requests from public pages into a private network.
    pub private_network: PrivateNetwork,
}

impl Default for Cors {
    /// Nobody, with safe methods and the headers an API needs.
    fn default() -> Self {
        Self {
            origins: Origins::Listed(Vec::new(), Credentials::Omit),
            methods: vec![Method::GET, Method::HEAD],
            headers: vec![http::header::AUTHORIZATION, http::header::CONTENT_TYPE],
            expose: Vec::new(),
            max_age: Duration::from_mins(10),
            private_network: PrivateNetwork::Refused,
        }
    }
}

/// [`Cors`] compiled, once for each route.
#[derive(Debug, Clone, Default)]
pub(crate) struct CorsPolicy(Option<Compiled>);

#[derive(Debug, Clone)]
struct Compiled {
    config: Cors,
    methods: HeaderValue,
    headers: Option<HeaderValue>,
    expose: Option<HeaderValue>,
    max_age: HeaderValue,
}

impl CorsPolicy {
    /// Compiles a route's settings.
    pub(crate) fn compile(config: Cors) -> Self {
        let max_age = config.max_age.min(MAX_AGE_CAP).as_secs();
        Self(Some(Compiled {
            methods: list(config.methods.iter().map(Method::as_str)).unwrap_or(HeaderValue::from_static("")),
            headers: list(config.headers.iter().map(HeaderName::as_str)),
            expose: list(config.expose.iter().map(HeaderName::as_str)),
            max_age: HeaderValue::from(max_age),
            config,
        }))
    }

    /// Whether pages of `origin` may send cookies along and read the answer.
    pub(crate) fn trusts_with_cookies(&self, origin: &HeaderValue) -> bool {
        let Some(policy) = self.0.as_ref() else { return false };
        let request = HeaderMap::from_iter([(ORIGIN, origin.clone())]);
        matches!(policy.config.origins, Origins::Listed(_, Credentials::Include)) && policy.admitted(&request).is_some()
    }

    /// Answers a preflight: 204 with what is allowed, 403 without a CORS header. `None` when the request is no preflight, or the
    /// route has no policy: then it goes the way of every request.
    pub(crate) fn preflight(&self, method: &Method, request: &HeaderMap) -> Option<(StatusCode, HeaderMap)> {
        let policy = self.0.as_ref()?;
        if method != Method::OPTIONS
            || !request.contains_key(ORIGIN)
            || !request.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        {
            return None;
        }
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(
            VARY,
            HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
        );
        let Some(origin) = policy.admitted(request).filter(|_| policy.admits_preflight(request)) else {
            return Some((StatusCode::FORBIDDEN, headers));
        };
        policy.admit(origin, &mut headers);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, policy.methods.clone());
        if let Some(allowed) = &policy.headers {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone());
        }
        headers.insert(ACCESS_CONTROL_MAX_AGE, policy.max_age.clone());
        if asks_for_private_network(request) {
            headers.insert(allow_private_network(), HeaderValue::from_static("true"));
        }
        Some((StatusCode::NO_CONTENT, headers))
    }

    /// Puts the headers on the answer of a request that is no preflight, and takes the upstream's off.
    pub(crate) fn apply(&self, method: &Method, request: &HeaderMap, answer: &mut HeaderMap) {
        let Some(policy) = &self.0 else { return strip_mistakes(answer) };
        remove_all(answer);
        if matches!(policy.config.origins, Origins::Listed(..)) {
            // Also on answers without an origin: a cache must not serve those to a page that asks with one.
            vary_by_origin(answer);
        }
        let Some(origin) = policy.admitted(request).filter(|_| policy.config.methods.contains(method)) else { return };
        policy.admit(origin, answer);
        if let Some(expose) = &policy.expose {
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
    }
}

impl Compiled {
    /// The value for `Access-Control-Allow-Origin`, if the request's origin may read.
    fn admitted(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let mut origins = request.get_all(ORIGIN).iter();
        let origin = origins.next().filter(|origin| origin.as_bytes() != b"null")?;
        if origins.next().is_some() {
            return None;
        }
        match &self.config.origins {
            Origins::Any => Some(HeaderValue::from_static("*")),
            Origins::Listed(listed, _) => {
                listed.iter().any(|listed| listed.as_str().as_bytes() == origin.as_bytes()).then(|| origin.clone())
            }
        }
    }

    fn admits_preflight(&self, request: &HeaderMap) -> bool {
        let mut methods = request.get_all(ACCESS_CONTROL_REQUEST_METHOD).iter();
        let method = methods.next().and_then(|value| Method::from_bytes(value.as_bytes()).ok());
        method.is_some_and(|method| self.config.methods.contains(&method))
            && methods.next().is_none()
            && request.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter().all(|value| self.admits_headers(value))
            && (self.config.private_network == PrivateNetwork::Allowed || !asks_for_private_network(request))
    }

    fn admits_headers(&self, requested: &HeaderValue) -> bool {
        let mut names =
            requested.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty());
        names.all(|name| {
            self.config.headers.iter().any(|allowed| allowed.as_str().as_bytes().eq_ignore_ascii_case(name))
        })
    }

    fn admit(&self, origin: HeaderValue, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if matches!(self.config.origins, Origins::Listed(_, Credentials::Include)) {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

/// Credentials for everybody: browsers refuse `*` with credentials, but not every client is a browser, and `null` is anybody.
fn strip_mistakes(answer: &mut HeaderMap) {
    if !answer.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS) {
        return;
    }
    let mut origins = answer.get_all(ACCESS_CONTROL_ALLOW_ORIGIN).iter();
    if origins.any(|origin| matches!(origin.as_bytes().trim_ascii(), b"*" | b"null")) {
        remove_all(answer);
    }
}

fn remove_all(answer: &mut HeaderMap) {
    while let Some(name) = answer.keys().find(|name| name.as_str().starts_with("access-control-")).cloned() {
        answer.remove(name);
    }
}

fn vary_by_origin(answer: &mut HeaderMap) {
    let mut fields = answer.get_all(VARY).iter().flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    if !fields.any(|field| matches!(field.trim_ascii(), b"*") || field.trim_ascii().eq_ignore_ascii_case(b"origin")) {
        answer.append(VARY, HeaderValue::from_static("Origin"));
    }
}

fn asks_for_private_network(request: &HeaderMap) -> bool {
    request.contains_key("access-control-request-private-network")
}

fn allow_private_network() -> HeaderName {
    HeaderName::from_static("access-control-allow-private-network")
}

/// A comma-separated list of tokens, which are header text by their types.
fn list<'a>(tokens: impl Iterator<Item = &'a str>) -> Option<HeaderValue> {
    let text = tokens.collect::<Vec<_>>().join(", ");
    HeaderValue::try_from(text).ok().filter(|value| !value.is_empty())
}
