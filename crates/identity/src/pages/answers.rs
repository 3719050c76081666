//! Answers that are no pages of somebody's: redirects, failures, documents.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use maud::Markup;

use crate::IdentityError;

/// What a page may do: show our own styles and pictures, run our own files, and send its forms to us.
const PAGE_POLICY: &str = "default-src 'none'; base-uri 'none'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
     img-src 'self' data:; script-src 'self'; style-src 'self'; require-trusted-types-for 'script'";
const FORMS_TO_US: &str = "form-action 'self'";
/// Passkeys are what these pages are for; every other power of a browser is left where it is.
const PERMISSIONS: &str = "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), \
     geolocation=(), payment=(), usb=(), hid=(), serial=(), display-capture=(), clipboard-read=()";

pub(crate) fn page(status: StatusCode, markup: Markup) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(markup.into_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    // Links of mails and codes stand in URLs of these pages (`RFC 9700 §4.2`).
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("permissions-policy", HeaderValue::from_static(PERMISSIONS));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A page whose forms go to `origin`, and nowhere else.
pub(crate) fn sending_to(origin: &str, mut page: Response<Bytes>) -> Response<Bytes> {
    if let Ok(policy) = HeaderValue::from_str(&PAGE_POLICY.replace(FORMS_TO_US, &format!("form-action {origin}"))) {
        page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    page
}

/// A page that leads on by itself, without a script.
pub(crate) fn leading_on(mut page: Response<Bytes>, to: &str) -> Response<Bytes> {
    if let Ok(refresh) = HeaderValue::from_str(&format!("0;url={to}")) {
        page.headers_mut().insert("refresh", refresh);
    }
    page
}

/// 303: whatever was sent, the next request is a GET (`RFC 9110 §15.4.4`), and a reload sends nothing again.
pub(crate) fn redirect(to: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 429 with the time to wait.
pub(crate) fn wait(wait: Duration, mut answer: Response<Bytes>) -> Response<Bytes> {
    *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    answer
}

/// Before there is anything to render a page with.
pub(crate) fn failed(cause: &IdentityError) -> Response<Bytes> {
    tracing::error!(%cause, "a request to the sign-in could not be answered");
    let mut response = Response::new(Bytes::from_static(b"the sign-in is out of order; try again in a moment\n"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}
