//! Forwarding: streams both ways, limits on bodies, connections that are kept and given up.

use std::time::Duration;

use bartizan_testkit::{Answer, HttpClient, RawUpstream, Step, Upstream};
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};

use crate::harness::{Gated, config, eventually, request, route};
use crate::wire::{Wire, exchange};

#[tokio::test]
async fn a_body_streams_to_the_upstream_before_it_is_complete() {
    let upstream = RawUpstream::start(vec![
        Step::ReadHead,
        Step::Read(5),
        Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly".to_vec()),
        Step::Hold,
    ]);
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let mut wire = Wire::open(gate.address()).await;
    wire.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nfirst").await;
    let early = wire.reply().await;
    assert_eq!((early.status, early.body.as_str()), (200, "early"), "answered while half the body is to come");
}

#[tokio::test]
async fn an_answer_streams_to_the_client_before_it_is_complete() {
    let upstream = RawUpstream::start(vec![
        Step::ReadHead,
        Step::Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n".to_vec()),
        Step::Hold,
    ]);
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let mut wire = Wire::open(gate.address()).await;
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(wire.until("first").await.is_some());
}

#[tokio::test]
async fn large_bodies_pass_whole_in_both_directions() {
    let upstream = Upstream::start(|request| Answer::Respond(Response::new(request.body.clone())));
    let mut route = route("/", upstream.address());
    route.body_bytes = 8 << 20;
    let gate = Gated::start(config(vec![route]));
    let body = (0..400_000_u32).map(|number| format!("{number:08x}\n")).collect::<Vec<_>>().concat();
    let answer = gate.send(Method::POST, "/", &[], &body).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body == body.as_bytes(), "{} bytes came back", answer.body.len());
    assert_eq!(gate.only_event()["http"]["request"]["bytes"], body.len());
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_unread() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let mut route = route("/", upstream.address());
    route.body_bytes = 10;
    let gate = Gated::start(config(vec![route]));
    let reply = exchange(gate.address(), "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\n").await;
    assert_eq!(reply.status, 413);
    assert_eq!(upstream.connections(), 0);
    let reply =
        exchange(gate.address(), "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n0123456789").await;
    assert_eq!(reply.status, 200, "the limit itself is allowed");
}

#[tokio::test]
async fn a_body_that_turns_out_too_large_is_cut_and_never_completed() {
    let upstream = RawUpstream::start(vec![Step::ReadHead, Step::Hold]);
    let mut route = route("/", upstream.address());
    route.body_bytes = 10;
    let gate = Gated::start(config(vec![route]));
    let mut wire = Wire::open(gate.address()).await;
    wire.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n").await;
    let received = || upstream.received().first().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    eventually("its beginning arrives", || received().is_some_and(|bytes| bytes.contains("01234567"))).await;
    wire.send("8\r\n89abcdef\r\n0\r\n\r\n").await;
    assert_eq!(wire.reply().await.status, 413);
    let received = received().unwrap();
    assert!(!received.ends_with("0\r\n\r\n") && !received.contains("89abcdef"), "{received}");
    let event = gate.only_event();
    assert_eq!((&event["bartizan"]["outcome"], &event["event"]["code"]), (&"refused".into(), &"body-too-large".into()));
}

#[tokio::test]
async fn a_body_that_stops_coming_gets_408_and_the_upstream_never_takes_it_for_whole() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.server.timeouts.body_idle = Duration::from_millis(200);
    let gate = Gated::start(rules);
    let mut wire = Wire::open(gate.address()).await;
    wire.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nfirst").await;
    assert_eq!(wire.reply().await.status, 408);
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_its_body_cuts_the_upstream_too() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let mut wire = Wire::open(gate.address()).await;
    wire.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n").await;
    eventually("the gate connects", || upstream.connections() == 1).await;
    drop(wire);
    let event = gate.only_event();
    assert!(upstream.received().is_empty(), "half a body is no request");
    assert_ne!(event["bartizan"]["outcome"], "answered");
}

#[tokio::test]
async fn connections_to_the_upstream_are_kept_and_used_again() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let client = HttpClient::plain();
    let mut connection = client.connect(&gate.url("/").parse().unwrap()).await.unwrap();
    for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE].iter().cycle().take(40) {
        let answer = connection.send(request(method.clone(), &gate.url("/"), &[], "body")).await.unwrap();
        assert_eq!(answer.text(), "hello");
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn a_slow_upload_of_one_does_not_hold_up_the_request_of_another() {
    // The upstream answers before it has read everything; its connection still carries the rest of the upload.
    let upstream = RawUpstream::start(vec![
        Step::ReadHead,
        Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly".to_vec()),
        Step::Hold,
    ]);
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let mut slow = Wire::open(gate.address()).await;
    slow.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nfirst").await;
    assert_eq!(slow.reply().await.body, "early");
    let other = exchange(gate.address(), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((other.status, other.body.as_str()), (200, "early"));
    assert_eq!(upstream.received().len(), 2, "over a connection of its own");
}

#[tokio::test]
async fn head_and_answers_without_a_body_keep_the_connection_in_step() {
    let upstream = Upstream::start(|request| {
        let status = request.target.trim_start_matches('/').parse().unwrap_or(200);
        let mut response = Response::builder().status(status).header("etag", "\"v1\"");
        if request.method == Method::HEAD {
            response = response.header("content-length", "1000");
        }
        let body = if status == 200 && request.method != Method::HEAD { "hello" } else { "" };
        Answer::Respond(response.body(Bytes::from(body)).unwrap())
    });
    let gate = Gated::start(config(vec![route("/{*rest}", upstream.address())]));
    let mut wire = Wire::open(gate.address()).await;
    for _ in 0..3 {
        wire.send("HEAD /200 HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let head = wire.head().await.unwrap();
        assert_eq!((head.status, head.field("content-length")), (200, Some("1000")));
        for status in [204, 304] {
            wire.send(format!("GET /{status} HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \"v1\"\r\n\r\n")).await;
            let reply = wire.reply().await;
            assert_eq!((reply.status, reply.body.as_str(), reply.field("etag")), (status, "", Some("\"v1\"")));
        }
        wire.send("GET /200 HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert_eq!(wire.reply().await.body, "hello");
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn interim_answers_of_the_upstream_are_not_taken_for_the_answer() {
    let answer = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let upstream = RawUpstream::sending(answer);
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let answer = gate.get("/").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, "hello"));
}

#[tokio::test]
async fn requests_sent_in_one_go_are_answered_in_order() {
    let upstream = Upstream::start(|request| Answer::Respond(Response::new(Bytes::from(request.target.clone()))));
    let gate = Gated::start(config(vec![route("/{*rest}", upstream.address())]));
    let mut wire = Wire::open(gate.address()).await;
    let all = (0..5).map(|number| format!("GET /{number} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    wire.send(all.collect::<Vec<_>>().concat()).await;
    for number in 0..5 {
        assert_eq!(wire.reply().await.body, format!("/{number}"));
    }
}

#[tokio::test]
async fn the_upstreams_time_begins_when_the_body_is_sent() {
    let upstream = Upstream::start(|_| Answer::Hang);
    let mut route = route("/", upstream.address());
    route.timeouts.first_byte = Duration::from_millis(300);
    let gate = Gated::start(config(vec![route]));
    // The body takes longer than the upstream may: that is the client's time.
    let mut wire = Wire::open(gate.address()).await;
    wire.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nfirst").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    wire.send("-half").await;
    assert_eq!(wire.reply().await.status, 504);
    assert_eq!(upstream.only_request().body, "first-half", "the upstream had the whole request");
    assert_eq!(gate.get("/").await.status, StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test]
async fn an_exchange_that_exceeds_its_whole_time_is_cut() {
    let upstream = Upstream::start(|_| Answer::Stream {
        head: Response::new(()),
        pieces: vec![(Duration::ZERO, Bytes::from("first")), (Duration::from_mins(1), Bytes::from("never"))],
        trailers: HeaderMap::new(),
    });
    let mut route = route("/", upstream.address());
    route.timeouts.total = Duration::from_millis(400);
    let gate = Gated::start(config(vec![route]));
    let reply = exchange(gate.address(), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((reply.status, reply.body.as_str(), reply.is_whole), (200, "first", false));
}

#[tokio::test]
async fn an_http_1_0_client_gets_an_answer_that_it_can_read() {
    let upstream = Upstream::start(|_| Answer::Stream {
        head: Response::new(()),
        pieces: vec![(Duration::ZERO, Bytes::from("one ")), (Duration::ZERO, Bytes::from("two"))],
        trailers: HeaderMap::new(),
    });
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let reply = exchange(gate.address(), "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "one two"));
    assert_eq!(reply.field("transfer-encoding"), None);
}

#[tokio::test]
async fn a_client_that_still_sends_gets_the_refusal_and_not_a_broken_connection() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    for _ in 0..20 {
        let answer = gate.try_send(Method::POST, "/", &[], &"x".repeat(4 << 20)).await;
        assert_eq!(answer.map(|answer| answer.status).ok(), Some(StatusCode::PAYLOAD_TOO_LARGE));
    }
}

#[tokio::test]
async fn a_segment_of_several_parameters_is_routed_where_it_comes_apart_in_one_way_only() {
    let upstream = Upstream::answering(StatusCode::OK, "here");
    let routes = ["/compare/{base}...{head}", "/compare/{id}", "/jobs/{id}:cancel", "/jobs/{id}:run"];
    let gate = Gated::start(config(routes.iter().map(|path| route(path, upstream.address())).collect()));
    let mut seen = Vec::new();
    for path in
        ["/compare/v1.0...v1.1", "/compare/7", "/jobs/7:run", "/jobs/7", "/jobs/7%3Acancel", "/compare/a...b...c"]
    {
        seen.push(gate.get(path).await.status.as_u16());
    }
    // What could be taken apart in two ways is nobody's, although `{id}` would take it: the backend may see a comparison in it.
    assert_eq!(seen, [200, 200, 200, 404, 200, 404]);
    let events = gate.events();
    let by: Vec<&str> = events.iter().filter_map(|it| it["bartizan"]["route"].as_str()).collect();
    assert_eq!(by, ["/compare/{base}...{head}", "/compare/{id}", "/jobs/{id}:run", "/jobs/{id}:cancel"]);
}
