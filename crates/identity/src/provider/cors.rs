//! Pages of other origins that speak to the provider by script (`Fetch §3.2`): those of public clients, by the origins of the redirect URIs
//! that they registered, at the endpoints that such clients need. No cookie goes along: what they show is a token, a code, or nothing.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue,
    ORIGIN, VARY,
};
use http::{Request, Response, StatusCode};

use super::client::ClientKind;
use super::{Provider, response};

/// Who may read what an endpoint answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readers {
    /// Everybody: it says the same to everybody.
    Everybody,
    /// Pages of public clients.
    PublicClients,
}

fn readers(endpoint: &str) -> Option<Readers> {
    match endpoint {
        "/jwks" | "/.well-known/openid-configuration" => Some(Readers::Everybody),
        "/token" | "/userinfo" | "/revoke" | "/device" => Some(Readers::PublicClients),
        _ => None,
    }
}

impl Provider {
    /// The answer to a browser that asks whether a page may send what it wants to send; `None` for an endpoint that no page may send to.
    pub(super) fn preflight(&self, endpoint: &str, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let readers = readers(endpoint)?;
        let asks = request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let Some(origin) = self.admitted(readers, request.headers()).filter(|_| asks) else {
            let mut refused = response::text(StatusCode::FORBIDDEN, "text/plain", Bytes::new());
            refused.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
            return Some(refused);
        };
        let mut allowed = Response::new(Bytes::new());
        *allowed.status_mut() = StatusCode::NO_CONTENT;
        let headers = allowed.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Authorization, Content-Type"));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        headers.append(VARY, HeaderValue::from_static("Origin"));
        Some(allowed)
    }

    /// Lets the page read the answer that sent the request, if it may.
    pub(super) fn share(&self, endpoint: &str, request: &HeaderMap, mut answer: Response<Bytes>) -> Response<Bytes> {
        let Some(readers) = readers(endpoint) else { return answer };
        let headers = answer.headers_mut();
        if readers == Readers::PublicClients {
            // Also without an origin: no cache serves one page's answer to another.
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = self.admitted(readers, request) {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("WWW-Authenticate"));
        }
        answer
    }

    fn admitted(&self, readers: Readers, request: &HeaderMap) -> Option<HeaderValue> {
        if readers == Readers::Everybody {
            return Some(HeaderValue::from_static("*"));
        }
        let origin = request.get(ORIGIN)?;
        let text = origin.to_str().ok()?;
        let is_registered = self.clients.all().iter().any(|client| {
            let is_public =
                client.is_enabled && !client.is_confidential() && client.registration.kind == ClientKind::Web;
            is_public && client.registration.redirect_uris.iter().any(|uri| uri.origin().as_deref() == Some(text))
        });
        is_registered.then(|| origin.clone())
    }
}
