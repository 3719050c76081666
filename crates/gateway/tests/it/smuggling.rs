//! Attacks on where a message ends, each from a raw socket against a gate before an upstream that records what reaches it.

use bartizan_testkit::Upstream;
use http::StatusCode;
use serde_json::Value;

use crate::harness::{Gated, config, route};
use crate::wire::{Reply, Wire};

const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn everything() -> (Upstream, Gated) {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let gate = Gated::start(config(vec![route("/{*rest}", upstream.address()), route("/", upstream.address())]));
    (upstream, gate)
}

/// Sends the attack and the request that it hides. It has to be refused once, as a problem that names its request, with one event that
/// names the attack; nothing of it may reach the upstream, and nothing more be read.
async fn refused(attack: &str, status: u16, reason: &str) -> (Reply, Value) {
    let (upstream, gate) = everything();
    let mut wire = Wire::open(gate.address()).await;
    wire.send(format!("{attack}{HIDDEN}")).await;
    let reply = wire.reply().await;
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.field("content-type"), Some("application/problem+json"), "{reply:?}");
    assert_eq!(reply.field("connection"), Some("close"), "{reply:?}");
    assert!(wire.is_closed().await, "one answer, and no second one to what was hidden");
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
    let problem: Value = serde_json::from_str(&reply.body).unwrap();
    let event = gate.only_event();
    assert_eq!(event["bartizan"]["stage"], "wire", "{event:#}");
    assert_eq!(event["event"]["code"], reason, "{event:#}");
    assert_eq!(event["http"]["request"]["id"], problem["request_id"], "{event:#}");
    (reply, event)
}

fn post(fields: &str, body: &str) -> String {
    format!("POST /a HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n\r\n{body}")
}

#[tokio::test]
async fn cl_te_smuggling_is_refused() {
    let attack = post("Content-Length: 6\r\nTransfer-Encoding: chunked", "0\r\n\r\nG");
    refused(&attack, 400, "content-length-with-transfer-encoding").await;
}

#[tokio::test]
async fn te_cl_smuggling_is_refused() {
    let attack = post("Transfer-Encoding: chunked\r\nContent-Length: 4", "5c\r\nGPOST / HTTP/1.1\r\n\r\n0\r\n\r\n");
    refused(&attack, 400, "content-length-with-transfer-encoding").await;
}

#[tokio::test]
async fn te_te_smuggling_is_refused_however_the_second_coding_is_hidden() {
    for (fields, reason) in [
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", "repeated-transfer-encoding"),
        ("Transfer-Encoding: chunked\r\nTransfer-encoding: identity", "repeated-transfer-encoding"),
        ("Transfer-Encoding: xchunked", "transfer-encoding-other-than-chunked"),
        ("Transfer-Encoding: chunked, identity", "transfer-encoding-other-than-chunked"),
        ("Transfer-Encoding: \u{b}chunked", "control-character"),
        ("Transfer-Encoding : chunked", "space-before-colon"),
        ("X: y\r\n Transfer-Encoding: chunked", "folded-field"),
        ("X: y\nTransfer-Encoding: chunked", "bare-line-feed"),
        ("Transfer-Encoding\r\n: chunked", "field-without-colon"),
    ] {
        refused(&post(fields, "0\r\n\r\n"), 400, reason).await;
    }
}

#[tokio::test]
async fn an_equal_second_length_is_refused() {
    refused(&post("Content-Length: 1\r\nContent-Length: 1", "a"), 400, "repeated-content-length").await;
}

#[tokio::test]
async fn a_length_that_is_not_digits_is_refused() {
    for length in ["+1", "-1", "0x1", "1,1", "1 1", "1e0", "", "99999999999999999999"] {
        refused(&post(&format!("Content-Length: {length}"), "a"), 400, "unreadable-content-length").await;
    }
}

#[tokio::test]
async fn a_fragment_in_the_target_is_refused() {
    let attack = "GET /a#/../admin HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (_, event) = refused(attack, 400, "fragment-in-target").await;
    assert_eq!(event["url"]["path"], "/a");
    assert_eq!(event["http"]["request"]["method"], "GET");
}

#[tokio::test]
async fn blank_lines_before_a_request_are_refused() {
    refused("\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "blank-line-before-request").await;
}

#[tokio::test]
async fn a_second_or_missing_host_is_refused() {
    refused("GET / HTTP/1.1\r\n\r\n", 400, "missing-host").await;
    refused("GET / HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n\r\n", 400, "repeated-host").await;
}

#[tokio::test]
async fn null_bytes_are_refused_wherever_they_stand() {
    for attack in [
        "GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX\0: a\r\n\r\n",
    ] {
        let (_, gate) = everything();
        let reply = crate::wire::exchange(gate.address(), attack).await;
        assert_eq!((reply.status, reply.field("connection")), (400, Some("close")), "{attack:?}");
        assert_eq!(gate.only_event()["bartizan"]["stage"], "wire");
    }
}

#[tokio::test]
async fn invalid_utf8_in_the_target_is_refused() {
    let (upstream, gate) = everything();
    let reply = crate::wire::exchange(gate.address(), b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(reply.status, 400);
    assert!(upstream.received().is_empty());
    assert_eq!(gate.only_event()["event"]["code"], "target-is-not-ascii");
}

#[tokio::test]
async fn an_endless_head_is_refused_at_its_bound() {
    let line = "GET / HTTP/1.1\r\nHost: localhost\r\n";
    refused(&format!("{line}X: {}\r\n\r\n", "a".repeat(40 * 1024)), 431, "head-too-large").await;
    refused(&format!("{line}{}\r\n", "X: y\r\n".repeat(200)), 431, "head-too-large").await;
    refused(&format!("{line}{}: y\r\n\r\n", "X".repeat(5000)), 431, "head-too-large").await;
}

#[tokio::test]
async fn an_overlong_path_is_refused() {
    refused(&format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(9000)), 414, "target-too-long").await;
}

#[tokio::test]
async fn chunks_that_two_parsers_could_read_differently_end_their_request_and_their_connection() {
    for chunks in [
        "5 \r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5;\nx\r\nhello\r\n0\r\n\r\n",
        "05x\r\nhello\r\n0\r\n\r\n",
        "00000000000000005\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n",
    ] {
        let (upstream, gate) = everything();
        let mut wire = Wire::open(gate.address()).await;
        wire.send(format!("{}{HIDDEN}", post("Transfer-Encoding: chunked", chunks))).await;
        let reply = wire.reply().await;
        assert_eq!(reply.status, 400, "{chunks:?}: {reply:?}");
        assert!(wire.is_closed().await, "{chunks:?}");
        let whole = upstream.received();
        assert!(whole.is_empty(), "{chunks:?} {whole:?}");
        let event = gate.only_event();
        assert_eq!(event["event"]["code"], "malformed-request", "{event:#}");
    }
}

#[tokio::test]
async fn a_refusal_is_answered_after_the_requests_before_it_and_nothing_after_it_is_read() {
    let (upstream, gate) = everything();
    let mut wire = Wire::open(gate.address()).await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wire.send(format!("{}{}GET /3 HTTP/1.1\nHost: localhost\n\n{}", get("/1"), get("/2"), get("/4"))).await;
    assert_eq!(wire.reply().await.status, 200);
    assert_eq!(wire.reply().await.status, 200);
    assert_eq!(wire.reply().await.status, 400);
    assert!(wire.is_closed().await);
    let targets: Vec<String> = upstream.received().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/1", "/2"]);
    assert_eq!(gate.events().len(), 3);
}

#[tokio::test]
async fn garbage_after_a_request_gets_its_own_refusal() {
    let (upstream, gate) = everything();
    let mut wire = Wire::open(gate.address()).await;
    wire.send("POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nabSMUGGLED\r\n\r\n").await;
    assert_eq!(wire.reply().await.status, 200);
    assert_eq!(wire.reply().await.status, 400);
    assert!(wire.is_closed().await);
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn a_head_in_single_bytes_is_read_like_any_other_and_pipelined_requests_are_answered_in_their_order() {
    let (upstream, gate) = everything();
    let mut wire = Wire::open(gate.address()).await;
    let body = "POST /b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for byte in format!("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n{body}").bytes() {
        wire.send([byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(wire.reply().await.status, 200);
    assert_eq!(wire.reply().await.status, 200);
    let received = upstream.received();
    let read: Vec<(&str, &[u8])> = received.iter().map(|one| (one.target.as_str(), one.body.as_ref())).collect();
    assert_eq!(read, [("/a", &b""[..]), ("/b", &b"abc"[..])]);
}

#[tokio::test]
async fn a_refused_head_request_gets_an_answer_without_a_body() {
    let (_, gate) = everything();
    let mut wire = Wire::open(gate.address()).await;
    wire.send("HEAD / HTTP/1.1\r\n\r\n").await;
    assert_eq!(wire.head().await.unwrap().status, 400);
    assert!(wire.is_closed().await);
}

#[tokio::test]
async fn a_request_that_asks_for_another_protocol_in_vain_is_followed_by_others() {
    let (upstream, gate) = everything();
    let mut wire = Wire::open(gate.address()).await;
    let upgrade = "GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n";
    wire.send(format!("{upgrade}GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
    assert_eq!(wire.reply().await.status, 200);
    assert_eq!(wire.reply().await.status, 200);
    wire.send("GET /c HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(wire.reply().await.status, 200);
    assert_eq!(upstream.received().len(), 3);
}
