//! What leaves: protected, in order, and without what leaked by mistake.

use std::time::Duration;

use bartizan_gateway::{Cors, Credentials, MaskKinds, Origins};
use bartizan_policy::Access;
use bartizan_testkit::{Algorithm, Answer, Issuer, Upstream};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use serde_json::json;

use crate::harness::{AUDIENCE, Gated, config, guarded, route, trusting};
use crate::wire::{Wire, exchange};

/// An upstream that answers everything with this.
fn answering(status: u16, fields: &'static [(&'static str, &'static str)], body: &'static str) -> Upstream {
    Upstream::start(move |_| {
        let mut response = Response::builder().status(status);
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        Answer::Respond(response.body(Bytes::from(body)).unwrap())
    })
}

#[tokio::test]
async fn answers_and_refusals_carry_security_headers_and_not_the_servers_name() {
    let fields = &[("server", "leaky/1.2.3"), ("x-powered-by", "Express"), ("content-type", "text/html")];
    let upstream = answering(200, fields, "<p>hello");
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    for path in ["/", "/undeclared"] {
        let answer = gate.get(path).await;
        for name in ["x-content-type-options", "content-security-policy", "referrer-policy", "x-frame-options"] {
            assert!(answer.header(name).is_some(), "{path} {name}: {:?}", answer.headers);
        }
        for name in ["server", "x-powered-by", "strict-transport-security"] {
            assert_eq!(answer.header(name), None, "{path} {name}");
        }
    }
    // What hyper refuses by itself says no name either.
    assert_eq!(exchange(gate.address(), "nonsense\r\n\r\n").await.field("server"), None);
}

#[tokio::test]
async fn a_server_error_becomes_a_problem_with_the_id_that_upstream_and_log_know() {
    let fields = &[("content-type", "application/json"), ("retry-after", "7"), ("x-debug", "yes")];
    let upstream = answering(500, fields, r#"{"error":"SELECT * FROM users WHERE password = 'hunter2'"}"#);
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let answer = gate.get("/").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert_eq!(answer.header("x-debug"), None);
    let problem = answer.json();
    assert_eq!((&problem["type"], &problem["status"]), (&"urn:bartizan:refusal:upstream-error".into(), &500.into()));
    assert!(!answer.text().contains("hunter2"));
    let id = upstream.only_request().headers["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(problem["request_id"], *id);
    let event = gate.only_event();
    assert_eq!(event["http"]["request"]["id"], *id);
    assert_eq!(
        (&event["bartizan"]["outcome"], &event["http"]["response"]["status_code"]),
        (&"answered".into(), &500.into())
    );
    assert_eq!(event["bartizan"]["observed"][0]["code"], "upstream-error-body");
}

#[tokio::test]
async fn a_stack_trace_in_a_client_error_is_replaced_and_an_ordinary_message_is_not() {
    let trace = "Error: no\n    at handle (/app/server.js:10:5)\n    at next (/app/node_modules/router.js:20:7)\n";
    let upstream = Upstream::start(move |request| {
        let (kind, body) = match request.target.as_str() {
            "/trace" => ("text/html", trace),
            "/binary" => ("application/octet-stream", trace),
            _ => ("application/json", r#"{"error":"the name is missing"}"#),
        };
        let response = Response::builder().status(400).header("content-type", kind);
        Answer::Respond(response.body(Bytes::from(body)).unwrap())
    });
    let gate = Gated::start(config(vec![route("/{*rest}", upstream.address())]));
    let traced = gate.get("/trace").await;
    assert_eq!(
        (traced.status, traced.header("content-type")),
        (StatusCode::BAD_REQUEST, Some("application/problem+json"))
    );
    assert!(!traced.text().contains("server.js"));
    assert_eq!(gate.get("/message").await.json()["error"], "the name is missing");
    assert_eq!(gate.get("/binary").await.text(), trace, "what nobody shows as text is not looked at");
}

#[tokio::test]
async fn a_client_error_that_streams_keeps_its_pieces_and_its_trailers() {
    let upstream = Upstream::start(|_| Answer::Stream {
        head: Response::builder()
            .status(404)
            .header("trailer", "x-sum")
            .header("content-type", "text/plain")
            .body(())
            .unwrap(),
        pieces: vec![(Duration::ZERO, Bytes::from("no ")), (Duration::from_millis(20), Bytes::from("such thing"))],
        trailers: HeaderMap::from_iter([("x-sum".parse().unwrap(), "7".parse().unwrap())]),
    });
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let reply = exchange(gate.address(), "GET / HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\n\r\n").await;
    assert_eq!((reply.status, reply.body.as_str(), reply.is_whole), (404, "no such thing", true));
    assert_eq!(reply.trailers, "x-sum: 7\r\n");
}

#[tokio::test]
async fn cookies_of_the_upstream_are_hardened_and_it_cannot_sign_anybody_in() {
    let fields = &[("set-cookie", "sid=1; Path=/"), ("set-cookie", "__Host-bartizan=forged; Secure; Path=/")];
    let upstream = answering(200, fields, "");
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.server.public_url = "https://api.test".parse().unwrap();
    let gate = Gated::start(rules);
    let answer = gate.get("/").await;
    assert_eq!(answer.header("set-cookie"), Some("sid=1; Path=/; Secure; HttpOnly; SameSite=Lax"));
    assert!(answer.header("cache-control").unwrap().contains("no-store"), "an answer with a cookie is one person's");
}

#[tokio::test]
async fn an_answer_for_one_person_is_not_to_be_stored() {
    let issuer = Issuer::start(Algorithm::Es256);
    let upstream = answering(200, &[], "hello");
    let mut rules =
        config(vec![guarded("/", upstream.address(), Access::SignedIn), route("/open", upstream.address())]);
    rules.issuers = vec![trusting(&issuer)];
    let gate = Gated::start(rules);
    let token = format!("Bearer {}", issuer.token(json!({ "sub": "ada", "aud": AUDIENCE })));
    let answer = gate.send(Method::GET, "/", &[("authorization", &token)], "").await;
    assert!(answer.header("cache-control").unwrap().contains("no-store"));
    assert_eq!(gate.get("/open").await.header("cache-control"), None);
}

#[tokio::test]
async fn secrets_are_masked_across_pieces_and_the_length_stays() {
    let body = "card 4111 1111 1111 1111, token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlMTIzNDU2Nzg5MA, end";
    let upstream = Upstream::start(move |request| {
        let pieces = body.as_bytes().chunks(7).map(|piece| (Duration::from_millis(1), Bytes::copy_from_slice(piece)));
        let mut head = Response::builder().header("content-digest", "sha-256=:x:");
        if request.target == "/measured" {
            head = head.header("content-length", body.len());
        }
        Answer::Stream { head: head.body(()).unwrap(), pieces: pieces.collect(), trailers: HeaderMap::new() }
    });
    let mut route = route("/{*rest}", upstream.address());
    route.answer.mask = MaskKinds::ALL;
    let gate = Gated::start(config(vec![route]));
    let mut wire = Wire::open(gate.address()).await;
    for path in ["/measured", "/chunked", "/measured"] {
        wire.send(format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nRange: bytes=0-9\r\n\r\n"
        ))
        .await;
        let reply = wire.reply().await;
        assert_eq!((reply.status, reply.is_whole, reply.body.len()), (200, true, body.len()), "{path}: {reply:?}");
        assert!(
            reply.body.starts_with("card **** **** **** 1111, token *") && reply.body.ends_with("*, end"),
            "{}",
            reply.body
        );
        assert!(!reply.body.contains("eyJ"), "{}", reply.body);
        assert_eq!(reply.field("content-digest"), None, "it no longer fits");
    }
    assert_eq!(upstream.connections(), 1, "a masked answer gives its connection back");
    let headers = &upstream.received()[0].headers;
    assert!(!headers.contains_key("accept-encoding") && !headers.contains_key("range"), "{headers:?}");
}

#[tokio::test]
async fn an_encoded_answer_that_cannot_be_masked_does_not_leave() {
    let upstream = answering(200, &[("content-encoding", "gzip")], "4111111111111111");
    let mut route = route("/", upstream.address());
    route.answer.mask = MaskKinds::ALL;
    let gate = Gated::start(config(vec![route]));
    assert_eq!(gate.get("/").await.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn a_preflight_is_answered_by_the_gate_and_never_forwarded() {
    let upstream = answering(200, &[("access-control-allow-origin", "*")], "hello");
    let mut route = route("/", upstream.address());
    route.methods = vec![Method::GET, Method::PUT];
    route.body_bytes = 10;
    route.answer.cors = Some(Cors {
        origins: Origins::Listed(vec!["https://app.test".parse().unwrap()], Credentials::Include),
        methods: vec![Method::GET, Method::PUT],
        ..Cors::default()
    });
    let gate = Gated::start(config(vec![route]));
    let ask = async |origin: &str, method: &str| {
        let fields = [("origin", origin), ("access-control-request-method", method)];
        gate.send(Method::OPTIONS, "/", &fields, "").await
    };
    let allowed = ask("https://app.test", "PUT").await;
    assert_eq!(allowed.status, StatusCode::NO_CONTENT);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.test"));
    assert!(allowed.header("access-control-allow-methods").unwrap().contains("PUT"));
    for origin in ["https://evil.test", "null", "https://app.test.evil.test"] {
        let refused = ask(origin, "PUT").await;
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (StatusCode::FORBIDDEN, None));
    }
    assert!(upstream.received().is_empty());
    let own = gate.send(Method::GET, "/", &[("origin", "https://app.test")], "").await;
    assert_eq!(own.header("access-control-allow-origin"), Some("https://app.test"));
    let foreign = gate.send(Method::GET, "/", &[("origin", "https://evil.test")], "").await;
    assert_eq!(foreign.header("access-control-allow-origin"), None, "the upstream's `*` is taken off");
    // A page that may ask has to be able to read that it was refused.
    let too_large = gate.send(Method::PUT, "/", &[("origin", "https://app.test")], "more than the route takes").await;
    assert_eq!(too_large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(too_large.header("access-control-allow-origin"), Some("https://app.test"));
    assert_eq!(gate.events().len(), 7);
}

#[tokio::test]
async fn head_of_a_refusal_has_fields_and_no_body() {
    let upstream = answering(200, &[], "");
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let mut wire = Wire::open(gate.address()).await;
    wire.send("HEAD /undeclared HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let head = wire.head().await.unwrap();
    assert_eq!((head.status, head.field("content-type")), (404, Some("application/problem+json")));
    assert_eq!(wire.reply().await.status, 200, "the next answer follows at once");
}
