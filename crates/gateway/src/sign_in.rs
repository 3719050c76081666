//! The way of a browser from a route that wants a session to the sign-in, and back.

use std::fmt::Write as _;

use bartizan_policy::{CredentialKind, Denial};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode, Uri};

use crate::config::SignIn;
use crate::refusal::Refusal;
use crate::route::CompiledRoute;

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
/// The longest path and query that a browser is led back to; a longer one is led to the sign-in alone.
const LONGEST: usize = 3072;

/// Where a browser wanted to go, if the request is one that it shows as a page. A script that fetches could do nothing with a page: it
/// gets 401 and a problem document.
pub(crate) fn destination(head: &Parts) -> Option<Box<Uri>> {
    if head.method != Method::GET {
        return None;
    }
    let is_navigation = match head.headers.get(SEC_FETCH_MODE) {
        Some(mode) => mode.as_bytes() == b"navigate",
        None => accepts_pages(&head.headers),
    };
    is_navigation.then(|| Box::new(head.uri.clone()))
}

/// A browser without Fetch Metadata asks for HTML by name; a script asks for anything, or for JSON.
fn accepts_pages(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept
        .split(',')
        .any(|range| range.split(';').next().is_some_and(|range| range.trim().eq_ignore_ascii_case("text/html")))
}

/// The answer to a browser that a sign-in would help on; `None` where a refusal stays one.
pub(crate) fn redirection(
    refusal: &Refusal,
    route: &CompiledRoute,
    destination: &Uri,
    sign_in: &SignIn,
) -> Option<Response<Bytes>> {
    if !route.accepts(CredentialKind::Session) {
        return None;
    }
    let wanted = match refusal {
        Refusal::Denied(Denial::SignInRequired) | Refusal::CredentialRefused("unknown-session" | "revoked") => {
            String::new()
        }
        Refusal::Denied(Denial::StepUpRequired(step_up)) => {
            let mut wanted = String::new();
            if let Some(max_age) = step_up.max_age {
                let _ = write!(wanted, "&max_age={}", max_age.as_secs());
            }
            let multi_factor = step_up.multi_factor.then_some(&sign_in.multi_factor);
            let classes: Vec<&str> = step_up.acr.iter().chain(multi_factor).map(AsRef::as_ref).collect();
            if !classes.is_empty() {
                let _ = write!(wanted, "&acr_values={}", encoded(&classes.join(" ")));
            }
            wanted
        }
        _ => return None,
    };
    // The canonical path, as it was judged: it begins with one slash, so that it leads nowhere else.
    let target = destination.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let target = if target.len() <= LONGEST && !target.starts_with("//") { target } else { "/" };
    let location = format!("{}?return_to={}{wanted}", sign_in.path, encoded(target));
    let mut response = Response::new(Bytes::new());
    // Never 307: what was sent here is not for the sign-in (`RFC 9700 §4.12`).
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, HeaderValue::from_str(&location).ok()?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(response)
}

/// `text` as the value of a query's parameter.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(byte.into());
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn destination_of(fields: &[(&str, &str)], method: Method) -> Option<String> {
        let mut request = Request::builder().method(method).uri("/orders?page=2");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        destination(&request.body(()).unwrap().into_parts().0).map(|uri| uri.to_string())
    }

    #[test]
    fn a_browser_that_goes_somewhere_is_told_from_a_script_that_fetches() {
        let page = Some("/orders?page=2".to_owned());
        let html = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
        assert_eq!(destination_of(&[("sec-fetch-mode", "navigate")], Method::GET), page);
        assert_eq!(destination_of(&[html], Method::GET), page);
        assert_eq!(destination_of(&[("sec-fetch-mode", "cors"), html], Method::GET), None);
        assert_eq!(destination_of(&[("accept", "*/*")], Method::GET), None);
        assert_eq!(
            destination_of(&[("sec-fetch-mode", "navigate")], Method::POST),
            None,
            "a form's fields would be lost"
        );
    }

    #[test]
    fn what_is_led_back_to_is_one_parameter_and_nothing_more() {
        assert_eq!(encoded("/a?b=c&d=é#\""), "/a%3Fb%3Dc%26d%3D%C3%A9%23%22");
    }
}
