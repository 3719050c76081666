//! Exactly one audit event for each request, whatever becomes of it.

use std::time::Duration;

use bartizan_gateway::config::Server;
use bartizan_gateway::listen::Bound;
use bartizan_policy::Access;
use bartizan_testkit::{Answer, HttpClient, Upstream};
use http::{Method, StatusCode};

use crate::harness::{Gated, config, eventually, guarded, rate, request, route, rule};
use crate::wire::{Wire, exchange};

#[tokio::test]
async fn an_answered_request_leaves_one_event_that_says_who_what_and_how() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let gate = Gated::start(config(vec![route("/things/{id}", upstream.address())]));
    let fields = [("user-agent", "curl/8"), ("content-type", "text/plain")];
    let answer = gate.send(Method::POST, "/things/7?secret=hunter2", &fields, "four").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, "hello"));
    let sent = upstream.only_request();
    let event = gate.only_event();
    assert_eq!(event["http"]["response"]["status_code"], 200);
    assert_eq!(event["http"]["request"]["method"], "POST");
    assert_eq!(event["http"]["request"]["bytes"], 4);
    assert_eq!(event["url"]["path"], "/things/7");
    assert_eq!(event["bartizan"]["route"], "/things/{id}");
    assert_eq!(event["bartizan"]["outcome"], "answered");
    assert_eq!(event["bartizan"]["has_query"], true);
    assert_eq!(event["user_agent"]["original"], "curl/8");
    assert_eq!(event["http"]["request"]["id"], sent.headers["x-request-id"].to_str().unwrap());
    assert!(!event.to_string().contains("hunter2"), "{event}");
}

#[tokio::test]
async fn a_refusal_leaves_one_event_with_the_stage_and_the_reason() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let mut routes = vec![
        guarded("/signed-in", upstream.address(), Access::SignedIn),
        guarded("/staff", upstream.address(), rule(|rule| rule.roles = vec!["staff".into()])),
        route("/often", upstream.address()),
    ];
    routes[2].limit = Some(rate("1/hour"));
    let cases = [
        ("GET /a/../b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "admit", "ambiguous-path"),
        ("GET /undeclared HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "route", "not-found"),
        ("PATCH /often HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "route", "method-not-allowed"),
        (
            "GET /signed-in HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer x\r\n\r\n",
            401,
            "authenticate",
            "credential-refused",
        ),
        ("GET /staff HTTP/1.1\r\nHost: localhost\r\n\r\n", 401, "authorize", "sign-in-required"),
        ("GET /often HTTP/1.1\r\nHost: localhost\r\n\r\n", 200, "filter", ""),
        ("GET /often HTTP/1.1\r\nHost: localhost\r\n\r\n", 429, "limit-identity", "rate-limited"),
    ];
    let gate = Gated::start(config(routes));
    for (bytes, status, ..) in cases {
        assert_eq!(exchange(gate.address(), bytes).await.status, status, "{bytes}");
    }
    let events = gate.events();
    assert_eq!(events.len(), cases.len(), "{events:#?}");
    for (event, (bytes, status, stage, code)) in events.iter().zip(cases) {
        assert_eq!(event["http"]["response"]["status_code"], status, "{bytes}");
        assert_eq!(event["bartizan"]["stage"], stage, "{bytes}");
        assert_eq!(event["event"]["code"].as_str().unwrap_or_default(), code, "{bytes}");
    }
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn an_upstream_that_fails_leaves_one_event_that_blames_it() {
    let upstream = Upstream::start(|_| Answer::Close);
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    assert_eq!(gate.get("/").await.status, StatusCode::BAD_GATEWAY);
    let event = gate.only_event();
    assert_eq!(event["bartizan"]["outcome"], "failed");
    assert_eq!(event["bartizan"]["stage"], "forward");
    assert_eq!(event["event"]["reason"], "closed-before-its-answer");
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_leaves_one_event_with_499() {
    let upstream = Upstream::start(|_| Answer::Hang);
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let mut wire = Wire::open(gate.address()).await;
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    eventually("the request reaches the upstream", || upstream.received().len() == 1).await;
    wire.reset();
    eventually("the gate notices", || gate.recorder().metrics().render().contains("cancelled")).await;
    let event = gate.only_event();
    assert_eq!(event["http"]["response"]["status_code"], 499);
    assert_eq!(event["bartizan"]["outcome"], "cancelled");
}

#[tokio::test]
async fn without_room_for_its_event_a_request_is_not_served() {
    let upstream = Upstream::start(|_| Answer::Hang);
    let gate = Gated::with_queue(config(vec![route("/", upstream.address())]), 1);
    let mut wire = Wire::open(gate.address()).await;
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    eventually("the first request holds the only place", || upstream.received().len() == 1).await;
    let refused = gate.get("/").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert!(refused.header("x-content-type-options").is_some(), "{:?}", refused.headers);
    assert_eq!(upstream.received().len(), 1);
    drop(wire);
    eventually("the place is free again", || gate.recorder().reserve().is_some()).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_adds_one_linked_event() {
    let lie = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort";
    let upstream = bartizan_testkit::RawUpstream::sending(lie);
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    assert!(HttpClient::plain().send(request(Method::GET, &gate.url("/"), &[], "")).await.is_err());
    let records = gate.records();
    let of = |action: &str| records.iter().filter(|record| record["event"]["action"] == action).collect::<Vec<_>>();
    let (requests, closed) = (of("request"), of("stream-closed"));
    assert_eq!((requests.len(), closed.len()), (1, 1), "{records:#?}");
    assert_eq!(requests[0]["http"]["request"]["id"], closed[0]["http"]["request"]["id"]);
}

#[tokio::test]
async fn a_port_that_is_taken_is_refused_with_a_remedy_even_by_another_gate() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.server.redirect_from = Some("127.0.0.1:0".parse().unwrap());
    let gate = Gated::start(rules.clone());
    rules.server.listen = vec![gate.address().into()];
    rules.server.redirect_from = None;
    let taken = |server: &Server| Bound::bind(server).err().map(|fault| fault.to_string()).unwrap();
    assert!(taken(&rules.server).contains("another process listens there"));
    rules.server.listen = vec!["127.0.0.1:0".parse().unwrap()];
    rules.server.redirect_from = Some(gate.redirect_address());
    assert!(taken(&rules.server).contains("another process listens there"));
}

#[tokio::test]
async fn a_client_that_says_nothing_is_let_go_and_leaves_a_connection_event_only() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.server.timeouts.head = Duration::from_millis(200);
    let gate = Gated::start(rules);
    let mut wire = Wire::open(gate.address()).await;
    assert!(wire.is_closed().await);
    let records = gate.records();
    assert!(records.iter().any(|record| record["event"]["action"] == "connection-failed"), "{records:#?}");
    assert!(records.iter().all(|record| record["event"]["action"] != "request"), "{records:#?}");
}
