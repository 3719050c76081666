//! Requests that a page of another site makes a browser send: it adds the session's cookie on its own (CWE-352).

use bartizan_token::form_token;
use bartizan_vault::Secret;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method};

use crate::exchange::Exchange;
use crate::gate::Gate;
use crate::refusal::Refusal;
use crate::route::CompiledRoute;
use crate::websocket::is_own_origin;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// Refuses a request that could change something, is known by its cookie alone, and does not come from a page of this origin.
///
/// `SameSite=Lax` on the cookie stops most of it in the browser. What is left: a sibling domain is the same *site*, and whoever holds one
/// of those may post here. So the page has to be of the same origin, or of one that the route's CORS policy trusts with cookies.
/// Browsers say so in `Sec-Fetch-Site` (Fetch Metadata), older ones in `Origin`. Where neither is there, the request carries the
/// session's form token, which pages of other origins cannot read.
pub(super) fn check(cookie: &str, exchange: &Exchange, route: &CompiledRoute, gate: &Gate) -> Result<(), Refusal> {
    let (method, headers) = (&exchange.head.method, &exchange.head.headers);
    if [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method) {
        return Ok(());
    }
    let origin = headers.get(header::ORIGIN);
    if origin.is_some_and(|origin| route.answer.cors.trusts_with_cookies(origin)) {
        return Ok(());
    }
    match (headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes), origin) {
        // `none`: the user's own doing, such as a form that a bookmark opened. No page asked for it.
        (Some(b"same-origin" | b"none"), _) => Ok(()),
        (Some(_), _) => Err(Refusal::CrossSite("sec-fetch-site")),
        (None, Some(origin)) if origin.to_str().is_ok_and(|origin| is_own_origin(origin, exchange, gate)) => Ok(()),
        (None, Some(_)) => Err(Refusal::CrossSite("other-origin")),
        (None, None) if has_form_token(headers, cookie) => Ok(()),
        (None, None) => Err(Refusal::CrossSite("no-origin-and-no-form-token")),
    }
}

fn has_form_token(headers: &HeaderMap, cookie: &str) -> bool {
    let expected = Secret::new(form_token(cookie));
    headers.get(X_CSRF_TOKEN).is_some_and(|shown| expected.matches(shown.as_bytes()))
}
