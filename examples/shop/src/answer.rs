use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::{ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, SERVER};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::State;
use crate::error::Failure;

const X_POWERED_BY: HeaderName = HeaderName::from_static("x-powered-by");

/// VULNERABLE (API8:2023, CWE-200, CWE-942, CWE-693): every answer names the software and its version, lets any web site read it,
/// and carries not one security header.
pub(crate) async fn add_banners(_: axum::extract::State<Arc<State>>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(SERVER, HeaderValue::from_static("Shop/0.1.0 (axum/0.8; SQLite)"));
    headers.insert(X_POWERED_BY, HeaderValue::from_static("Shop Framework 0.1.0"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    response
}

pub(crate) async fn not_found() -> Response {
    Failure::client(StatusCode::NOT_FOUND, "nothing here").into_response()
}
