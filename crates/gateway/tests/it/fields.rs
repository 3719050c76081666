//! What crosses the gate in header fields and trailers, and what does not.

use std::time::Duration;

use bartizan_testkit::{Answer, Upstream};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use serde_json::Value;

use crate::harness::{Gated, config, route};
use crate::wire::exchange;

fn hello() -> Upstream {
    Upstream::answering(StatusCode::OK, "hello")
}

#[tokio::test]
async fn what_a_client_says_in_the_gates_name_never_reaches_the_upstream() {
    let upstream = hello();
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let forged = [
        "Forwarded: for=6.6.6.6",
        "X-Forwarded-For: 6.6.6.6",
        "X-Forwarded-Host: evil.test",
        "X-Forwarded-Proto: gopher",
        "X-Forwarded-Prefix: /evil",
        "X_Forwarded_For: 6.6.6.6",
        "X-Real-IP: 6.6.6.6",
        "X-Request-Id: forged",
        "Bartizan-Assertion: forged",
        "X-Original-URL: /admin",
        "X-HTTP-Method-Override: DELETE",
    ];
    let bytes = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n\r\n", forged.join("\r\n"));
    assert_eq!(exchange(gate.address(), bytes).await.status, 200);
    let headers = upstream.only_request().headers;
    let all = format!("{headers:?}");
    for value in ["6.6.6.6", "evil", "gopher", "forged", "/admin", "DELETE"] {
        assert!(!all.contains(value), "{value}: {all}");
    }
    assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["x-forwarded-host"], "localhost");
    assert_eq!(headers["forwarded"], r#"for=127.0.0.1;host="localhost";proto=http"#);
    assert_eq!(headers["host"], "localhost");
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_and_nobody_else() {
    let upstream = hello();
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.server.public_url = "https://api.test".parse().unwrap();
    let strict = Gated::start(rules.clone());
    rules.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let behind_a_proxy = Gated::start(rules);
    let bytes = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.9\r\n\r\n";
    assert_eq!(exchange(strict.address(), bytes).await.status, 200);
    assert_eq!(exchange(behind_a_proxy.address(), bytes).await.status, 200);
    let contradictory = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 1.1.1.1\r\nForwarded: for=2.2.2.2\r\n\r\n";
    assert_eq!(exchange(behind_a_proxy.address(), contradictory).await.status, 400);
    let seen: Vec<_> = upstream.received().iter().map(|request| request.headers["x-forwarded-for"].clone()).collect();
    assert_eq!(seen, ["127.0.0.1", "203.0.113.9"]);
    assert_eq!(upstream.received()[1].headers["x-forwarded-proto"], "https", "the proxy ended TLS");
    let event = behind_a_proxy.events().remove(0);
    assert_eq!((&event["client"]["ip"], &event["source"]["ip"]), (&"203.0.113.9".into(), &"127.0.0.1".into()));
}

#[tokio::test]
async fn hop_by_hop_fields_end_at_the_gate_in_both_directions() {
    let upstream = Upstream::start(|_| {
        let response = Response::builder()
            .header("connection", "x-internal, keep-alive")
            .header("x-internal", "secret")
            .header("keep-alive", "timeout=5")
            .header("proxy-authenticate", "Basic")
            .header("upgrade", "h2c")
            .header("x-kept", "yes");
        Answer::Respond(response.body(Bytes::from("hello")).unwrap())
    });
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let bytes = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: X-Private, keep-alive\r\nX-Private: 1\r\nKeep-Alive: 5\r\n\
                 Proxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\nUpgrade: h2c\r\nTE: gzip\r\nX-Kept: 1\r\n\r\n";
    let reply = exchange(gate.address(), bytes).await;
    assert_eq!(reply.status, 200);
    for name in ["x-internal", "keep-alive", "proxy-authenticate", "upgrade"] {
        assert_eq!(reply.field(name), None, "{name}");
    }
    assert_eq!(reply.field("x-kept"), Some("yes"));
    let headers = upstream.only_request().headers;
    for name in ["connection", "x-private", "keep-alive", "proxy-authorization", "proxy-connection", "upgrade", "te"] {
        assert!(!headers.contains_key(name), "{name}: {headers:?}");
    }
    assert!(headers.contains_key("x-kept"));
}

#[tokio::test]
async fn connection_cannot_take_a_credential_away_from_the_upstream() {
    let upstream = hello();
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let bytes = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close, Authorization, Cookie, Host, X-Forwarded-For, Bartizan-Assertion\r\n\
                 Authorization: Basic eA==\r\nCookie: a=1\r\n\r\n";
    assert_eq!(exchange(gate.address(), bytes).await.status, 200);
    let headers = upstream.only_request().headers;
    for name in ["authorization", "cookie", "host", "x-forwarded-for", "bartizan-assertion"] {
        assert!(headers.contains_key(name), "{name}: {headers:?}");
    }
}

#[tokio::test]
async fn trailers_pass_in_both_directions_but_none_that_would_act_as_a_field() {
    let upstream = Upstream::start(|_| {
        let trailers = [("x-sum", "7"), ("set-cookie", "a=1"), ("content-length", "9")];
        Answer::Stream {
            head: Response::builder().header("trailer", "x-sum, set-cookie").body(()).unwrap(),
            pieces: vec![(Duration::ZERO, Bytes::from("one "))],
            trailers: HeaderMap::from_iter(
                trailers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())),
            ),
        }
    });
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let bytes = "POST / HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\nTrailer: x-check, authorization, x-forwarded-for\r\n\
                 Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nx-check: 1\r\nauthorization: forged\r\nx-forwarded-for: 6.6.6.6\r\n\r\n";
    let reply = exchange(gate.address(), bytes).await;
    assert_eq!((reply.status, reply.body.as_str(), reply.is_whole), (200, "one ", true));
    assert_eq!(reply.trailers, "x-sum: 7\r\n");
    let request = upstream.only_request();
    assert_eq!((&*request.body, &request.headers["te"]), (&b"body"[..], &"trailers".parse().unwrap()));
    let trailers = request.trailers.unwrap();
    assert_eq!((trailers.len(), &trailers["x-check"]), (1, &"1".parse().unwrap()));
}

#[tokio::test]
async fn the_assertion_says_who_calls_and_for_whom() {
    let upstream = hello();
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    assert_eq!(gate.send(Method::GET, "/", &[], "").await.status, StatusCode::OK);
    let request = upstream.only_request();
    let assertion = request.headers["bartizan-assertion"].to_str().unwrap();
    let payload = BASE64_URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((&claims["aud"], &claims["route"]), (&"backend".into(), &"/".into()));
    assert_eq!((&claims["decision"], &claims["credential"]), (&"allowed".into(), &"none".into()));
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 60);
}

#[tokio::test]
async fn a_get_with_a_body_is_forwarded_with_it() {
    let upstream = hello();
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let chunked = "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
    assert_eq!(exchange(gate.address(), chunked).await.status, 200);
    let measured = "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody";
    assert_eq!(exchange(gate.address(), measured).await.status, 200);
    assert!(upstream.received().iter().all(|request| request.body == "body"), "{:?}", upstream.received());
}

#[tokio::test]
async fn an_expected_continue_is_answered_by_the_gate_once() {
    let upstream = hello();
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let mut wire = crate::wire::Wire::open(gate.address()).await;
    wire.send("POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n").await;
    assert!(wire.until("HTTP/1.1 100 Continue\r\n\r\n").await.is_some());
    wire.send("body").await;
    assert_eq!(wire.reply().await.status, 200);
    let request = upstream.only_request();
    assert_eq!(request.body, "body");
    assert!(!request.headers.contains_key("expect"));
}
