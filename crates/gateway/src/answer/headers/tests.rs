use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::{Caller, HeaderConfig, HeaderRuleFault, HeaderRules, Hsts, SecurityHeaders, Transport, lists};

fn head(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

fn filtered(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = head(lines);
    SecurityHeaders::default().apply(&mut headers, Transport::Tls, Caller::Authenticated);
    headers
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

const HTML: (&str, &str) = ("content-type", "Text/HTML; charset=utf-8");
const JSON: (&str, &str) = ("content-type", "application/json");

/// The OWASP project's list of headers to add, as of July 2026.
const OWASP_ADDS: [(&str, &str); 13] = [
    ("cache-control", "no-store, max-age=0"),
    ("clear-site-data", "\"cache\",\"cookies\",\"storage\""),
    (
        "content-security-policy",
        "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; upgrade-insecure-requests",
    ),
    ("cross-origin-embedder-policy", "require-corp"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "accelerometer=(), autoplay=(), camera=(), cross-origin-isolated=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), keyboard-map=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), sync-xhr=(self), usb=(), web-share=(), xr-spatial-tracking=(), clipboard-read=(), clipboard-write=(), gamepad=(), hid=(), idle-detection=(), interest-cohort=(), serial=(), unload=()",
    ),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("x-dns-prefetch-control", "off"),
    ("x-frame-options", "deny"),
    ("x-permitted-cross-domain-policies", "none"),
];

#[test]
fn every_header_that_owasp_adds_is_on_a_page() {
    let headers = filtered(&[HTML]);
    for (name, expected) in OWASP_ADDS {
        match name {
            "clear-site-data" => assert!(!headers.contains_key(name), "only a logout clears the site's data"),
            "content-security-policy" => {
                for directive in expected.split("; ") {
                    assert!(value(&headers, name).split("; ").any(|ours| ours == directive), "{directive}");
                }
            }
            _ => assert_eq!(value(&headers, name).to_lowercase(), expected.to_lowercase(), "{name}"),
        }
    }
}

#[test]
fn every_header_that_helmet_adds_is_on_a_page() {
    let headers = filtered(&[HTML]);
    for (name, expected) in
        [("origin-agent-cluster", "?1"), ("x-download-options", "noopen"), ("x-xss-protection", "0")]
    {
        assert_eq!(value(&headers, name), expected);
    }
}

#[test]
fn every_header_that_owasp_removes_is_gone() {
    let mut headers = head(&[JSON, ("etag", "\"1\""), ("x-total-count", "7")]);
    let listed = lists::REMOVED_BY_OWASP.into_iter().chain(lists::REMOVED_BESIDES);
    for name in listed.clone() {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static("leak/1.0"));
        headers.append(HeaderName::from_static(name), HeaderValue::from_static("leak/2.0"));
    }
    SecurityHeaders::default().apply(&mut headers, Transport::Tls, Caller::Anonymous);
    for name in listed {
        assert!(!headers.contains_key(name), "{name}");
    }
    assert_eq!(value(&headers, "x-total-count"), "7");
    assert_eq!(value(&headers, "etag"), "\"1\"");
}

#[test]
fn an_upstream_may_choose_among_values_that_protect() {
    for (name, chosen) in [
        ("content-security-policy", "default-src 'self' https://cdn.example"),
        ("x-frame-options", "SAMEORIGIN"),
        ("referrer-policy", "no-referrer, strict-origin-when-cross-origin"),
        ("cross-origin-opener-policy", "same-origin-allow-popups; report-to=\"a\""),
        ("cross-origin-embedder-policy", "credentialless"),
        ("cross-origin-resource-policy", "same-site"),
        ("permissions-policy", "camera=(self)"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
        ("cache-control", "private, max-age=60"),
    ] {
        assert_eq!(value(&filtered(&[HTML, (name, chosen)]), name), chosen);
    }
}

#[test]
fn a_value_that_switches_a_protection_off_is_replaced() {
    let defaults = filtered(&[HTML]);
    for (name, weak) in [
        ("content-security-policy", ""),
        ("content-security-policy", " ; "),
        ("x-frame-options", "ALLOWALL"),
        ("x-frame-options", "ALLOW-FROM https://evil.example"),
        ("x-content-type-options", "sniff"),
        ("referrer-policy", "unsafe-url"),
        ("referrer-policy", "no-referrer, origin"),
        ("cross-origin-opener-policy", "unsafe-none"),
        ("cross-origin-embedder-policy", "unsafe-none"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("permissions-policy", ""),
        ("strict-transport-security", "max-age=0"),
        ("strict-transport-security", "max-age=86400"),
        ("strict-transport-security", "includeSubDomains"),
        ("x-permitted-cross-domain-policies", "all"),
        ("x-xss-protection", "1; mode=block"),
        ("x-dns-prefetch-control", "on"),
        ("origin-agent-cluster", "?0"),
    ] {
        assert_eq!(value(&filtered(&[HTML, (name, weak)]), name), value(&defaults, name), "{name}: {weak}");
    }
}

#[test]
fn lines_that_contradict_each_other_are_replaced_by_one() {
    let headers = filtered(&[HTML, ("x-frame-options", "DENY"), ("x-frame-options", "ALLOWALL")]);
    assert_eq!(headers.get_all("x-frame-options").iter().collect::<Vec<_>>(), ["DENY"]);
}

#[test]
fn data_and_media_run_no_script_and_a_page_runs_its_own() {
    assert_eq!(value(&filtered(&[JSON]), "content-security-policy"), lists::DATA_POLICY);
    assert_eq!(value(&filtered(&[]), "content-security-policy"), lists::DATA_POLICY);
    assert_eq!(value(&filtered(&[("content-type", "image/svg+xml")]), "content-security-policy"), lists::MEDIA_POLICY);
    assert_eq!(value(&filtered(&[("content-type", "text/htmlx")]), "content-security-policy"), lists::DATA_POLICY);
    for policy in [lists::DATA_POLICY, lists::MEDIA_POLICY, lists::PAGE_POLICY_OVER_TLS, lists::PAGE_POLICY_OVER_PLAIN]
    {
        assert!(
            !policy.contains("unsafe-eval") && !policy.contains("script-src 'unsafe") && !policy.contains("  "),
            "{policy}"
        );
    }
}

#[test]
fn a_page_with_a_policy_of_its_own_is_not_cut_off_from_what_that_allows() {
    let headers = filtered(&[HTML, ("content-security-policy", "img-src https:")]);
    assert!(!headers.contains_key("cross-origin-embedder-policy"));
    assert_eq!(value(&headers, "x-frame-options"), "DENY");
}

#[test]
fn plain_http_carries_no_transport_security_and_no_upgrade() {
    let mut headers = head(&[HTML, ("strict-transport-security", "max-age=63072000")]);
    SecurityHeaders::default().apply(&mut headers, Transport::Plain, Caller::Anonymous);
    assert!(!headers.contains_key("strict-transport-security"));
    assert_eq!(value(&headers, "content-security-policy"), lists::PAGE_POLICY_OVER_PLAIN);
}

#[test]
fn preloading_is_said_only_where_the_operator_says_it() {
    let sent = |hsts| {
        let mut headers = head(&[JSON]);
        let route = SecurityHeaders::compile(&HeaderConfig { hsts, ..HeaderConfig::default() });
        route.apply(&mut headers, Transport::Tls, Caller::Anonymous);
        value(&headers, "strict-transport-security").to_owned()
    };
    assert!(sent(Hsts::Preload).ends_with("; preload"));
    assert!(!sent(Hsts::default()).contains("preload"));
    assert_eq!(sent(Hsts::Off), "");
}

#[test]
fn a_personal_answer_that_says_nothing_is_not_stored() {
    let cached = |caller, lines| {
        let mut headers = head(lines);
        SecurityHeaders::default().apply(&mut headers, Transport::Tls, caller);
        value(&headers, "cache-control").to_owned()
    };
    assert_eq!(cached(Caller::Authenticated, &[JSON]), "no-store, max-age=0");
    assert_eq!(cached(Caller::Anonymous, &[JSON, ("set-cookie", "a=b")]), "no-store, max-age=0");
    assert_eq!(cached(Caller::Anonymous, &[JSON]), "");
    assert_eq!(cached(Caller::Authenticated, &[JSON, ("expires", "0")]), "");
}

#[test]
fn a_route_outranks_the_defaults_and_the_upstream() {
    let csp = HeaderName::from_static("content-security-policy");
    let frame = HeaderName::from_static("x-frame-options");
    let server = HeaderName::from_static("server");
    let rules = HeaderRules {
        set: vec![(csp, HeaderValue::from_static("default-src *")), (server, HeaderValue::from_static("shop"))],
        remove: vec![frame, HeaderName::from_static("x-internal")],
    };
    assert_eq!(rules.faults().count(), 0);
    let route = SecurityHeaders::compile(&HeaderConfig { hsts: Hsts::Off, rules });
    let mut headers = head(&[HTML, ("x-frame-options", "DENY"), ("server", "nginx/1.2"), ("x-internal", "10.0.0.7")]);
    route.apply(&mut headers, Transport::Tls, Caller::Anonymous);
    assert_eq!(value(&headers, "content-security-policy"), "default-src *");
    assert_eq!(value(&headers, "server"), "shop");
    for gone in ["x-frame-options", "x-internal", "strict-transport-security"] {
        assert!(!headers.contains_key(gone), "{gone}");
    }
}

#[test]
fn a_rule_cannot_break_the_framing_or_go_round_other_stages() {
    let name = HeaderName::from_static;
    let rules = HeaderRules {
        set: vec![
            (name("transfer-encoding"), HeaderValue::from_static("chunked")),
            (name("set-cookie"), HeaderValue::from_static("a=b")),
        ],
        remove: vec![name("content-length")],
    };
    let faults: Vec<_> = rules.faults().collect();
    assert_eq!(faults.len(), 3);
    assert!(faults.contains(&HeaderRuleFault::OwnSettings(name("set-cookie"))));
}

/// MDN HTTP Observatory's tests that give or take points, over the defaults on a page.
#[test]
fn the_defaults_meet_what_the_observatory_scores() {
    let headers = filtered(&[HTML]);
    let csp = value(&headers, "content-security-policy");
    let script = csp.split("; ").find(|directive| directive.starts_with("script-src ")).expect("script-src");
    assert!(
        !["unsafe-inline", "unsafe-eval", "data:", "http:", "https:", "*"].iter().any(|broad| script.contains(broad))
    );
    assert!(csp.contains("object-src 'none'") && csp.contains("frame-ancestors 'none'"));
    assert!(csp.contains("base-uri 'self'") && csp.contains("form-action 'self'"));
    assert_eq!(value(&headers, "referrer-policy"), "no-referrer");
    assert_eq!(value(&headers, "cross-origin-resource-policy"), "same-origin");
    assert_eq!(value(&headers, "cross-origin-embedder-policy"), "require-corp");
    assert_eq!(value(&headers, "cross-origin-opener-policy"), "same-origin");
    assert!(!headers.contains_key("access-control-allow-origin"));
}
