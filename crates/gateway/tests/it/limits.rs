//! Rates, guessing and load: what is too much is refused at once, and ends.

use std::num::NonZeroUsize;

use bartizan_policy::{Access, Rate};
use bartizan_testkit::{Algorithm, Answer, HttpClient, Issuer, Upstream};
use http::{Method, StatusCode};
use serde_json::json;

use crate::harness::{AUDIENCE, Gated, config, count, eventually, guarded, rate, route, trusting};
use crate::wire::{Wire, exchange};

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_when_to_come_back() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.limits.address = rate("3/hour");
    let gate = Gated::start(rules);
    for _ in 0..3 {
        assert_eq!(gate.get("/").await.status, StatusCode::OK);
    }
    let refused = gate.get("/").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=1200).contains(&wait), "{wait}");
    assert_eq!(refused.header("ratelimit-policy"), Some(r#""address";q=3;w=3600"#));
    assert!(refused.header("ratelimit").unwrap().starts_with(r#""address";r=0;t="#));
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert_eq!(upstream.received().len(), 3);
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_counted_apart_and_ipv6_by_prefix() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.limits.address = rate("1/hour");
    rules.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let gate = Gated::start(rules);
    for (client, status) in [
        ("203.0.113.1", 200),
        ("203.0.113.1", 429),
        ("203.0.113.2", 200),
        ("2001:db8:0:1::1", 200),
        ("2001:db8:0:1::2", 429),
        ("2001:db8:0:1:ffff::", 429),
        ("2001:db8:0:2::1", 200),
        ("::ffff:203.0.113.2", 429),
    ] {
        let bytes = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}\r\n\r\n");
        assert_eq!(exchange(gate.address(), bytes).await.status, status, "{client}");
    }
}

#[tokio::test]
async fn one_identity_counts_once_whatever_token_it_shows() {
    let issuer = Issuer::start(Algorithm::Es256);
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let mut rules = config(vec![guarded("/", upstream.address(), Access::SignedIn)]);
    rules.issuers = vec![trusting(&issuer)];
    rules.limits.identity = Rate::per_minute(count(2));
    let gate = Gated::start(rules);
    let token = |subject: &str, number: u32| issuer.token(json!({ "sub": subject, "aud": AUDIENCE, "jti": number.to_string() }));
    assert_eq!(gate.status_with("/", &token("ada", 1)).await, StatusCode::OK);
    assert_eq!(gate.status_with("/", &token("ada", 2)).await, StatusCode::OK);
    assert_eq!(gate.status_with("/", &token("ada", 3)).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(gate.status_with("/", &token("bob", 4)).await, StatusCode::OK);
}

#[tokio::test]
async fn a_routes_limit_is_shown_with_every_answer_and_holds_for_that_route_alone() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let mut routes = vec![route("/a", upstream.address()), route("/b", upstream.address())];
    routes[0].limit = Some(rate("2/hour"));
    let gate = Gated::start(config(routes));
    let first = gate.get("/a").await;
    assert_eq!(first.header("ratelimit-policy"), Some(r#""route";q=2;w=3600"#));
    assert!(first.header("ratelimit").unwrap().starts_with(r#""route";r=1;t="#), "{:?}", first.headers);
    assert_eq!(gate.get("/a").await.status, StatusCode::OK);
    assert_eq!(gate.get("/a").await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(gate.get("/b").await.status, StatusCode::OK);
}

#[tokio::test]
async fn guessing_is_cut_off_before_a_guess_is_looked_at() {
    let issuer = Issuer::start(Algorithm::Es256);
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let mut rules = config(vec![guarded("/", upstream.address(), Access::SignedIn), route("/public", upstream.address())]);
    rules.issuers = vec![trusting(&issuer)];
    rules.limits.failed_authentication = rate("3/hour");
    let gate = Gated::start(rules);
    let good = issuer.token(json!({ "sub": "ada", "aud": AUDIENCE }));
    assert_eq!(gate.status_with("/", &good).await, StatusCode::OK);
    for guess in 0..3 {
        assert_eq!(gate.status_with("/", &format!("guess-{guess}")).await, StatusCode::UNAUTHORIZED);
    }
    let refused = gate.send(Method::GET, "/", &[("authorization", "Bearer guess")], "").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.header("ratelimit-policy").unwrap().starts_with(r#""failed-authentication""#));
    assert_eq!(gate.get("/public").await.status, StatusCode::OK, "who shows no credential is not meant");
}

#[tokio::test]
async fn beyond_the_concurrency_limit_the_answer_is_503_at_once_and_the_gate_recovers() {
    let upstream = Upstream::start(|request| match request.target.as_str() {
        "/slow" => Answer::Hang,
        _ => Answer::Respond(http::Response::new("hello".into())),
    });
    let mut rules = config(vec![route("/{*rest}", upstream.address())]);
    rules.limits.concurrency = NonZeroUsize::new(2).unwrap();
    let gate = Gated::start(rules);
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut wire = Wire::open(gate.address()).await;
        wire.send("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        held.push(wire);
    }
    eventually("both reach the upstream", || upstream.received().len() == 2).await;
    let shed = gate.get("/quick").await;
    assert_eq!((shed.status, shed.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, Some("1")));
    assert_eq!(upstream.received().len(), 2);
    held.clear();
    let mut recovered = false;
    for _ in 0..500 {
        recovered = HttpClient::plain().get(&gate.url("/quick")).await.unwrap().status == StatusCode::OK;
        if recovered {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(recovered);
}

#[tokio::test]
async fn an_answer_that_still_flows_counts_as_in_flight() {
    let upstream = bartizan_testkit::RawUpstream::start(vec![
        bartizan_testkit::Step::ReadHead,
        bartizan_testkit::Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf.".to_vec()),
        bartizan_testkit::Step::Hold,
    ]);
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.limits.concurrency = NonZeroUsize::MIN;
    let gate = Gated::start(rules);
    let mut wire = Wire::open(gate.address()).await;
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(wire.until("half.").await.is_some());
    assert_eq!(gate.get("/").await.status, StatusCode::SERVICE_UNAVAILABLE);
}
