use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

use super::origin::{OriginFault, WebOrigin};
use super::{Cors, CorsPolicy, Credentials, Origins, PrivateNetwork};

const APP: &str = "https://app.example.com";

fn head(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect(value));
    }
    headers
}

fn listed(credentials: Credentials) -> CorsPolicy {
    CorsPolicy::compile(Cors {
        origins: Origins::Listed(vec![APP.parse().expect("origin")], credentials),
        methods: vec![Method::GET, Method::PUT],
        expose: vec![HeaderName::from_static("x-total-count")],
        ..Cors::default()
    })
}

fn anyone() -> CorsPolicy {
    CorsPolicy::compile(Cors { origins: Origins::Any, ..Cors::default() })
}

fn answered(policy: &CorsPolicy, origin: &str, upstream: &[(&'static str, &str)]) -> HeaderMap {
    let mut answer = head(upstream);
    policy.apply(&Method::GET, &head(&[("origin", origin)]), &mut answer);
    answer
}

fn allowed_origin(headers: &HeaderMap) -> Option<&str> {
    headers.get("access-control-allow-origin").map(|value| value.to_str().expect("text"))
}

/// What gets round comparisons by prefix, suffix, pattern or case.
const CONFUSIONS: [&str; 13] = [
    "https://app.example.com.evil.net",
    "https://evilapp.example.com",
    "https://evil-app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com:443",
    "http://app.example.com",
    "https://app.example.com/",
    "https://app.example.com@evil.net",
    "https://app_example.com",
    "https://appXexample.com",
    "https://APP.example.com",
    "https://example.com",
    "null",
];

#[test]
fn an_origin_that_only_looks_like_a_listed_one_reads_nothing() {
    for origin in CONFUSIONS {
        let answer = answered(&listed(Credentials::Include), origin, &[]);
        assert_eq!(allowed_origin(&answer), None, "{origin}");
        assert!(!answer.contains_key("access-control-allow-credentials"));
        let request = head(&[("origin", origin), ("access-control-request-method", "PUT")]);
        let (status, headers) =
            listed(Credentials::Include).preflight(&Method::OPTIONS, &request).expect("a preflight");
        assert_eq!((status, allowed_origin(&headers)), (StatusCode::FORBIDDEN, None), "{origin}");
    }
}

#[test]
fn a_listed_origin_reads_and_caches_keep_it_apart() {
    let answer = answered(&listed(Credentials::Include), APP, &[("vary", "Accept")]);
    assert_eq!(allowed_origin(&answer), Some(APP));
    assert_eq!(answer["access-control-allow-credentials"], "true");
    assert_eq!(answer["access-control-expose-headers"], "x-total-count");
    assert_eq!(answer.get_all("vary").iter().collect::<Vec<_>>(), ["Accept", "Origin"]);
    let mut without_origin = head(&[("vary", "accept, origin")]);
    listed(Credentials::Omit).apply(&Method::GET, &HeaderMap::new(), &mut without_origin);
    assert_eq!(without_origin, head(&[("vary", "accept, origin")]));
}

#[test]
fn everybody_reads_without_credentials_and_null_not_at_all() {
    let answer = answered(&anyone(), "https://anywhere.example", &[]);
    assert_eq!(allowed_origin(&answer), Some("*"));
    assert!(!answer.contains_key("access-control-allow-credentials"));
    assert_eq!(allowed_origin(&answered(&anyone(), "null", &[])), None);
}

#[test]
fn two_origins_on_one_request_are_nobodys() {
    let mut answer = HeaderMap::new();
    listed(Credentials::Include).apply(
        &Method::GET,
        &head(&[("origin", APP), ("origin", "https://evil.net")]),
        &mut answer,
    );
    assert_eq!(allowed_origin(&answer), None);
}

#[test]
fn a_method_that_is_not_listed_is_not_shown() {
    let mut answer = HeaderMap::new();
    listed(Credentials::Omit).apply(&Method::POST, &head(&[("origin", APP)]), &mut answer);
    assert_eq!(allowed_origin(&answer), None);
}

#[test]
fn the_upstreams_own_headers_give_way_to_a_policy() {
    let upstream = [
        ("access-control-allow-origin", "https://evil.net"),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-private-network", "true"),
    ];
    let answer = answered(&listed(Credentials::Omit), "https://evil.net", &upstream);
    assert!(answer.keys().all(|name| !name.as_str().starts_with("access-control-")));
}

#[test]
fn without_a_policy_only_credentials_for_everybody_are_taken_away() {
    let off = CorsPolicy::default();
    for origin in ["*", "null", " * "] {
        let mistake = [("access-control-allow-origin", origin), ("access-control-allow-credentials", "true")];
        assert!(answered(&off, APP, &mistake).is_empty());
    }
    let own = [("access-control-allow-origin", APP), ("access-control-allow-credentials", "true")];
    assert_eq!(answered(&off, APP, &own), head(&own));
    assert!(answered(&off, APP, &[]).is_empty());
    assert!(
        off.preflight(&Method::OPTIONS, &head(&[("origin", APP), ("access-control-request-method", "GET")])).is_none()
    );
}

#[test]
fn a_preflight_is_answered_with_what_is_allowed() {
    let request = head(&[
        ("origin", APP),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "authorization,, Content-Type"),
    ]);
    let (status, headers) = listed(Credentials::Include).preflight(&Method::OPTIONS, &request).expect("a preflight");
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(allowed_origin(&headers), Some(APP));
    assert_eq!(headers["access-control-allow-methods"], "GET, PUT");
    assert_eq!(headers["access-control-allow-headers"], "authorization, content-type");
    assert_eq!(headers["access-control-max-age"], "600");
    assert!(headers["vary"].to_str().expect("text").starts_with("Origin"));
}

#[test]
fn a_preflight_for_more_than_is_allowed_is_refused() {
    let preflight = |lines: &[(&'static str, &str)]| {
        listed(Credentials::Omit).preflight(&Method::OPTIONS, &head(lines)).expect("a preflight").0
    };
    let (origin, put) = (("origin", APP), ("access-control-request-method", "PUT"));
    assert_eq!(preflight(&[origin, ("access-control-request-method", "DELETE")]), StatusCode::FORBIDDEN);
    assert_eq!(preflight(&[origin, ("access-control-request-method", "put")]), StatusCode::FORBIDDEN);
    assert_eq!(preflight(&[origin, put, put]), StatusCode::FORBIDDEN);
    assert_eq!(
        preflight(&[origin, put, ("access-control-request-headers", "authorization, x-admin")]),
        StatusCode::FORBIDDEN
    );
    assert_eq!(preflight(&[origin, put, ("access-control-request-private-network", "true")]), StatusCode::FORBIDDEN);
}

#[test]
fn a_private_network_is_opened_only_where_that_is_said() {
    let policy = CorsPolicy::compile(Cors {
        origins: Origins::Listed(vec![APP.parse().expect("origin")], Credentials::Omit),
        private_network: PrivateNetwork::Allowed,
        max_age: Duration::from_secs(u64::MAX),
        ..Cors::default()
    });
    let request = head(&[
        ("origin", APP),
        ("access-control-request-method", "GET"),
        ("access-control-request-private-network", "true"),
    ]);
    let (status, headers) = policy.preflight(&Method::OPTIONS, &request).expect("a preflight");
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(headers["access-control-allow-private-network"], "true");
    assert_eq!(headers["access-control-max-age"], "86400");
}

#[test]
fn an_ordinary_options_request_goes_on_to_the_upstream() {
    assert!(anyone().preflight(&Method::OPTIONS, &head(&[("origin", APP)])).is_none());
    assert!(
        anyone().preflight(&Method::GET, &head(&[("origin", APP), ("access-control-request-method", "GET")])).is_none()
    );
}

#[test]
fn an_origin_that_no_browser_sends_is_a_fault_of_the_configuration() {
    for good in [
        APP,
        "http://localhost:5173",
        "https://[::1]:8443",
        "https://xn--caf-dma.example",
        "chrome-extension://abcdefgh",
    ] {
        assert_eq!(good.parse::<WebOrigin>().expect(good).to_string(), good);
    }
    assert_eq!("null".parse::<WebOrigin>(), Err(OriginFault::Null));
    for (bad, is_expected) in [
        ("https://*.example.com", (|fault| matches!(fault, OriginFault::Pattern(_))) as fn(OriginFault) -> bool),
        ("*", |fault| matches!(fault, OriginFault::Pattern(_))),
        ("https://App.example.com", |fault| matches!(fault, OriginFault::UpperCase(_))),
        ("https://app.example.com:443", |fault| matches!(fault, OriginFault::DefaultPort(_))),
        ("https://app.example.com/", |fault| matches!(fault, OriginFault::Malformed(_))),
        ("https://user@app.example.com", |fault| matches!(fault, OriginFault::Malformed(_))),
        ("app.example.com", |fault| matches!(fault, OriginFault::Malformed(_))),
        ("https://", |fault| matches!(fault, OriginFault::Malformed(_))),
        ("https://a b", |fault| matches!(fault, OriginFault::Malformed(_))),
        ("https://a:+1", |fault| matches!(fault, OriginFault::Malformed(_))),
        ("https://a:99999", |fault| matches!(fault, OriginFault::Malformed(_))),
        ("https://café.example", |fault| matches!(fault, OriginFault::Malformed(_))),
    ] {
        assert!(is_expected(bad.parse::<WebOrigin>().expect_err(bad)), "{bad}");
    }
}
