use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use proptest::prelude::*;

use super::{Cookie, CookieRules, GateCookie, Hardened, SameSite, Transport};

fn hardened(rules: &CookieRules, transport: Transport, cookies: &[&str]) -> Vec<String> {
    let mut headers = HeaderMap::new();
    for cookie in cookies {
        headers.append(SET_COOKIE, HeaderValue::from_bytes(cookie.as_bytes()).expect(cookie));
    }
    rules.harden(&mut headers, transport);
    headers.get_all(SET_COOKIE).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}

fn over_tls(cookie: &str) -> String {
    hardened(&CookieRules::default(), Transport::Tls, &[cookie]).concat()
}

#[test]
fn a_bare_cookie_is_made_secure_and_hidden_from_scripts_and_other_sites() {
    assert_eq!(over_tls("sid=1"), "sid=1; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(over_tls("sid=1; Path=/; "), "sid=1; Path=/;; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(over_tls("sid=; Max-Age=0"), "sid=; Max-Age=0; Secure; HttpOnly; SameSite=Lax");
}

#[test]
fn what_the_upstream_said_already_stays_byte_for_byte() {
    for cookie in [
        "sid=a b;secure ;HTTPONLY; samesite = Strict",
        "a=\"x=y\"; Expires=Thu, 01 Jan 2032 00:00:00 GMT; Secure; HttpOnly; SameSite=None",
    ] {
        assert_eq!(over_tls(cookie), cookie);
    }
}

#[test]
fn only_listed_names_are_readable_by_scripts() {
    assert_eq!(over_tls("XSRF-TOKEN=1"), "XSRF-TOKEN=1; Secure; SameSite=Lax");
    assert_eq!(over_tls("xsrf-token=1"), "xsrf-token=1; Secure; HttpOnly; SameSite=Lax");
    let rules = CookieRules { readable: vec!["theme".to_owned()], ..CookieRules::default() };
    assert_eq!(hardened(&rules, Transport::Tls, &["theme=dark"]), ["theme=dark; Secure; SameSite=Lax"]);
}

#[test]
fn an_unclear_same_site_ends_as_lax() {
    for said in
        ["SameSite", "SameSite=", "SameSite=Foo", "SameSite=Strict; SameSite=None", "SameSite=None; SameSite=Lax"]
    {
        assert_eq!(
            over_tls(&format!("a=1; Secure; HttpOnly; {said}")),
            format!("a=1; Secure; HttpOnly; {said}; SameSite=Lax")
        );
    }
}

#[test]
fn plain_http_gets_no_secure_and_no_same_site_none() {
    let plain = |cookie| hardened(&CookieRules::default(), Transport::Plain, &[cookie]);
    assert_eq!(plain("a=1"), ["a=1; HttpOnly; SameSite=Lax"]);
    assert_eq!(plain("a=1; SameSite=None"), ["a=1; SameSite=None; HttpOnly; SameSite=Lax"]);
    assert_eq!(plain("a=1; Secure; SameSite=None"), ["a=1; Secure; SameSite=None; HttpOnly"]);
    assert!(plain("__Secure-a=1").is_empty());
}

#[test]
fn an_upstream_never_sets_the_gates_own_cookie() {
    for forged in [
        "__Host-bartizan=stolen; Secure; Path=/",
        "__host-BARTIZAN=stolen; Secure; Path=/",
        " \t__Host-bartizan \t=stolen; Secure; Path=/",
        "__Host-bartizan-csrf=1; Secure; Path=/",
        "=__Host-bartizan=stolen",
        "= __Host-bartizan=stolen",
        "__Host-bartizan",
    ] {
        assert_eq!(over_tls(forged), "", "{forged}");
    }
    let own = CookieRules { gate_cookie: GateCookie::Allowed, ..CookieRules::default() };
    let cookie = "__Host-bartizan=1; Secure; HttpOnly; SameSite=Lax; Path=/";
    assert_eq!(hardened(&own, Transport::Tls, &[cookie]), [cookie]);
}

#[test]
fn a_cookie_that_breaks_the_promise_of_its_prefix_is_dropped() {
    for broken in [
        "__Host-a=1; Path=/app",
        "__Host-a=1",
        "__Host-a=1; Path=/; Domain=example.com",
        "__Host-a=1; Path=/; Path=/app",
        "__HOST-a=1; Path=/x",
        "=__Secure-a=1",
        "__Host-a",
    ] {
        assert_eq!(over_tls(broken), "", "{broken}");
    }
    assert_eq!(over_tls("__Secure-a=1"), "__Secure-a=1; Secure; HttpOnly; SameSite=Lax");
    assert_eq!(over_tls("__Host-a=1; Path=/"), "__Host-a=1; Path=/; Secure; HttpOnly; SameSite=Lax");
}

#[test]
fn what_browsers_ignore_is_dropped() {
    assert_eq!(over_tls(""), "");
    assert_eq!(over_tls("=; Path=/"), "");
    assert_eq!(over_tls(&format!("a={}", "x".repeat(4096))), "");
}

#[test]
fn the_other_cookies_of_an_answer_keep_their_order() {
    let mut headers = HeaderMap::new();
    for cookie in ["a=1", "__Host-bartizan=x; Path=/", "b=2; Secure; HttpOnly; SameSite=Lax", "a=3"] {
        headers.append(SET_COOKIE, HeaderValue::from_static(cookie));
    }
    assert_eq!(CookieRules::default().harden(&mut headers, Transport::Tls), Hardened { changed: 2, dropped: 1 });
    let names: Vec<_> = headers.get_all(SET_COOKIE).iter().map(|value| &value.as_bytes()[..3]).collect();
    assert_eq!(names, [b"a=1", b"b=2", b"a=3"]);
}

proptest! {
    #[test]
    fn a_hardened_cookie_is_the_same_cookie_to_a_browser(
        raw in prop_oneof!["[ -~\\t]{0,40}", "[a-zA-Z_=; ]{0,12}(; ?(Secure|HttpOnly|SameSite=(Lax|None|x)|Path=/|Domain=d)){0,4}"],
        is_tls in any::<bool>(),
    ) {
        let transport = if is_tls { Transport::Tls } else { Transport::Plain };
        let out = hardened(&CookieRules::default(), transport, &[&raw]);
        let Some(out) = out.first() else { return Ok(()) };
        let (before, after) = (Cookie::parse(raw.as_bytes()), Cookie::parse(out.as_bytes()));
        prop_assert_eq!((before.name, before.value), (after.name, after.value));
        prop_assert!(after.attributes.http_only || after.name == b"XSRF-TOKEN");
        prop_assert!(after.attributes.secure || !is_tls);
        prop_assert!(out.to_ascii_lowercase().contains("samesite"));
        let once_more = hardened(&CookieRules::default(), transport, &[out]);
        prop_assert!(after.attributes.same_site == SameSite::Unclear || once_more == [out.as_str()]);
    }
}
