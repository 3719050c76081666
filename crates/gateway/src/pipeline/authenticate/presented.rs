use bartizan_token::looks_like_api_key;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::refusal::Refusal;

/// The field in which an API key may stand beside `Authorization`.
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// The field of a proof of possession.
pub(super) const DPOP: HeaderName = HeaderName::from_static("dpop");
/// The cookie of the gate's own sessions.
const SESSION_COOKIE: &str = "__Host-bartizan";

/// A credential as it stands in the request.
#[derive(PartialEq)]
pub(super) enum Presented {
    Bearer(String),
    /// A token with a proof beside it (`RFC 9449 §7.1`).
    Dpop(String),
    ApiKey(String),
    Session(String),
    /// Something in `Authorization` that the gate cannot judge.
    OtherScheme,
}

pub(super) fn remove_credentials(headers: &mut HeaderMap) {
    headers.remove(header::AUTHORIZATION);
    headers.remove(X_API_KEY);
    headers.remove(DPOP);
}

/// Takes the gate's own cookies out of a request; what else there is stays as it is.
pub(super) fn remove_session(headers: &mut HeaderMap) {
    let kept: Vec<&str> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .map(str::trim)
        .filter(|cookie| !cookie.starts_with(SESSION_COOKIE) && !cookie.is_empty())
        .collect();
    let kept = kept.join("; ");
    headers.remove(header::COOKIE);
    if let Ok(cookies) = HeaderValue::from_str(&kept)
        && !kept.is_empty()
    {
        headers.insert(header::COOKIE, cookies);
    }
}

/// The one credential of a request. With two, gate and upstream could each look at another one.
pub(super) fn presented(headers: &HeaderMap) -> Result<Option<Presented>, Refusal> {
    let candidates = [
        sole(headers, &header::AUTHORIZATION, "repeated-authorization")?.map(authorization),
        sole(headers, &X_API_KEY, "repeated-api-key")?.map(|key| Presented::ApiKey(text(key))),
        session_cookie(headers)?.map(Presented::Session),
    ];
    let mut found = candidates.into_iter().flatten();
    let first = found.next();
    if found.any(|other| Some(&other) != first.as_ref()) {
        return Err(Refusal::AmbiguousCredentials("different-credentials"));
    }
    Ok(first)
}

fn sole<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    fault: &'static str,
) -> Result<Option<&'a HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(Refusal::AmbiguousCredentials(fault)) } else { Ok(first) }
}

fn authorization(value: &HeaderValue) -> Presented {
    let value = text(value);
    let Some((scheme, token)) = value.split_once(' ') else { return Presented::OtherScheme };
    let token = token.trim_start_matches(' ').to_owned();
    if scheme.eq_ignore_ascii_case("dpop") {
        return Presented::Dpop(token);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Presented::OtherScheme;
    }
    if looks_like_api_key(&token) { Presented::ApiKey(token) } else { Presented::Bearer(token) }
}

/// A field as text; one that is no text cannot be a credential, and matches none.
fn text(value: &HeaderValue) -> String {
    value.to_str().unwrap_or_default().to_owned()
}

fn session_cookie(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut found = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, value)| value.to_owned());
    let first = found.next();
    // Cookie tossing: a second cookie of the name, set by a sibling domain, must not win.
    if found.next().is_some() { Err(Refusal::AmbiguousCredentials("repeated-session-cookie")) } else { Ok(first) }
}
