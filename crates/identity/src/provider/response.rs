//! Answers, in the shapes that the standards give them. None is ever cached: they carry codes, tokens, or what a person is.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use serde::Serialize;

use super::oauth_error::OAuthError;

/// A document as JSON.
pub(super) fn json(status: StatusCode, document: &impl Serialize) -> Response<Bytes> {
    let body = serde_json::to_vec(document).unwrap_or_default();
    text(status, "application/json", body.into())
}

/// A public document that may be kept for `seconds`.
pub(super) fn public_json(document: String, content_type: &'static str, seconds: u32) -> Response<Bytes> {
    let mut response = text(StatusCode::OK, content_type, document.into());
    let headers = response.headers_mut();
    if let Ok(caching) = HeaderValue::from_str(&format!("public, max-age={seconds}")) {
        headers.insert(header::CACHE_CONTROL, caching);
    }
    // What is published for everybody may be read by pages of everybody.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.remove(header::PRAGMA);
    response
}

/// An error of the token endpoint and its neighbours (`RFC 6749 §5.2`).
pub(super) fn error(fault: OAuthError) -> Response<Bytes> {
    #[derive(Serialize)]
    struct Document {
        error: &'static str,
        error_description: &'static str,
    }
    let status = if fault.code == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
    let mut response = json(status, &Document { error: fault.code, error_description: fault.description });
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="clients""#));
    }
    response
}

/// This node cannot do its work at the moment.
pub(super) fn unavailable() -> Response<Bytes> {
    let fault = OAuthError::new("temporarily_unavailable", "failed", "this cannot be done at the moment; try again");
    let mut response = error(fault);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// Sends the browser on, by GET whatever it came with (`RFC 9700 §4.12`: never 307, which would post a password again).
pub(super) fn see_other(location: &str) -> Response<Bytes> {
    let mut response = text(StatusCode::SEE_OTHER, "text/plain", Bytes::new());
    response.headers_mut().remove(header::CONTENT_TYPE);
    match HeaderValue::from_str(location) {
        Ok(location) => drop(response.headers_mut().insert(header::LOCATION, location)),
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The method is not for this endpoint.
pub(super) fn method_not_allowed(allow: &'static str) -> Response<Bytes> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "text/plain", Bytes::new());
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

pub(super) fn text(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // `RFC 6749 §5.1` asks for it beside.
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
