use bartizan_vault::Secret;
use http::header::{COOKIE, HeaderMap, HeaderValue};

/// The cookie of a session. Its prefix makes browsers refuse it from anybody but this very host, over TLS, for the whole of it
/// (`RFC 6265bis §4.1.3.2`): no sibling domain can plant one.
pub const SESSION_COOKIE: &str = "__Host-bartizan";

/// The one value of a cookie; none if there are two, of which nobody could say which is right.
pub(crate) fn cookie_value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let fields = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut found = fields
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value);
    let first = found.next()?;
    found.next().is_none().then_some(first).filter(|value| (1..=4096).contains(&value.len()))
}

/// `Set-Cookie` of a session, or of its end. It goes with the browser's own session: how long it counts is decided here.
pub(crate) fn session_cookie(token: Option<&Secret<String>>) -> HeaderValue {
    let cookie = match token {
        Some(token) => format!("{SESSION_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax", token.expose()),
        None => format!("{SESSION_COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"),
    };
    let mut value = HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|cookie| (COOKIE, HeaderValue::from_str(cookie).unwrap())).collect()
    }

    #[test]
    fn a_tossed_second_cookie_makes_both_worth_nothing() {
        assert_eq!(cookie_value(&headers(&["a=1; __Host-bartizan=x"]), SESSION_COOKIE), Some("x"));
        assert_eq!(cookie_value(&headers(&["__Host-bartizan=x; __Host-bartizan=y"]), SESSION_COOKIE), None);
        assert_eq!(cookie_value(&headers(&["__Host-bartizan=x", "__Host-bartizan=y"]), SESSION_COOKIE), None);
        assert_eq!(cookie_value(&headers(&["__Host-bartizan=", "__host-bartizan=y"]), SESSION_COOKIE), None);
    }

    #[test]
    fn the_cookie_is_short_and_out_of_reach_of_scripts_and_other_sites() {
        let cookie = session_cookie(Some(&Secret::new("t".repeat(43))));
        let text = cookie.to_str().unwrap();
        assert!(text.split(';').next().unwrap().len() <= 128);
        for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
            assert!(text.contains(attribute), "{attribute}");
        }
        assert!(!text.contains("Domain"));
    }
}
