//! Clients that take their time: bounded, whichever end of the exchange they dawdle at.

use std::time::{Duration, Instant};

use bartizan_testkit::{RawUpstream, Step, Upstream};
use http::StatusCode;
use serde_json::Value;
use tokio::time::sleep;

use crate::harness::{Gated, config, eventually, route};
use crate::wire::Wire;

fn gate(upstream: std::net::SocketAddr, head: u64, idle: u64) -> Gated {
    let mut rules = config(vec![route("/", upstream)]);
    rules.server.timeouts.head = Duration::from_millis(head);
    rules.server.timeouts.body_idle = Duration::from_millis(idle);
    Gated::start(rules)
}

fn faults(records: &[Value]) -> Vec<String> {
    let failed = records.iter().filter(|record| record["event"]["action"] == "connection-failed");
    failed.map(|record| record["event"]["code"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn half_a_head_is_cut_off_with_one_answer_and_one_event() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let gate = gate(upstream.address(), 600, 5000);
    let mut wire = Wire::open(gate.address()).await;
    let began = Instant::now();
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: ").await;
    let reply = wire.reply().await;
    assert_eq!(reply.status, 408, "{reply:?}");
    assert!(reply.body.contains("head-too-slow"), "{reply:?}");
    assert!(began.elapsed() >= Duration::from_millis(600), "no sooner than configured");
    let event = gate.only_event();
    assert_eq!(event["event"]["code"], "head-too-slow", "{event:#}");
}

#[tokio::test]
async fn bytes_now_and_then_do_not_prolong_the_time_for_a_head() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let gate = gate(upstream.address(), 500, 5000);
    let mut wire = Wire::open(gate.address()).await;
    wire.send("GET / HTTP/1.1\r\n").await;
    for _ in 0..40 {
        wire.send("X: y\r\n").await;
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(wire.reply().await.status, 408);
}

#[tokio::test]
async fn an_idle_connection_is_closed_quietly_and_a_busy_one_is_not() {
    let slow = RawUpstream::start(vec![
        Step::ReadHead,
        Step::Wait(Duration::from_millis(1500)),
        Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec()),
    ]);
    let gate = gate(slow.address(), 400, 5000);
    let mut wire = Wire::open(gate.address()).await;
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(wire.reply().await.status, 200, "the time for a head does not run while the upstream works");
    assert!(wire.is_closed().await);
    let records = gate.records();
    assert_eq!(faults(&records), Vec::<String>::new(), "{records:#?}");
}

/// Longer than it takes until an idle connection gives its buffers back.
const REST: Duration = Duration::from_millis(1700);

#[tokio::test]
async fn a_connection_that_rested_goes_on_as_if_it_had_not() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let gate = gate(upstream.address(), 5000, 5000);
    let mut wire = Wire::open(gate.address()).await;
    for turn in ["the first", "the second"] {
        sleep(REST).await;
        wire.send("GET / HTTP/1.1\r\nHost: loc").await;
        sleep(Duration::from_millis(50)).await;
        wire.send("alhost\r\n\r\n").await;
        assert_eq!(wire.reply().await.status, 200, "{turn}");
    }
    sleep(REST).await;
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!((wire.reply().await.status, wire.reply().await.status), (200, 200));
    sleep(REST).await;
    wire.send("GET / HTTP/1.1\nHost: localhost\r\n\r\n").await;
    assert_eq!(wire.reply().await.status, 400, "what is refused on the wire is refused then too");
    assert!(wire.is_closed().await);
}

#[tokio::test]
async fn half_a_head_after_a_rest_has_the_time_that_a_head_has() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let gate = gate(upstream.address(), 2500, 5000);
    let mut wire = Wire::open(gate.address()).await;
    sleep(REST).await;
    let began = Instant::now();
    wire.send("GET / HTTP/1.1\r\nHost: ").await;
    let reply = wire.reply().await;
    assert_eq!(reply.status, 408, "{reply:?}");
    assert!(began.elapsed() >= Duration::from_millis(2500), "its time runs from its first byte");
}

#[tokio::test]
async fn a_client_that_leaves_a_connection_at_rest_leaves_nothing_behind() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let gate = gate(upstream.address(), 60_000, 5000);
    let mut wire = Wire::open(gate.address()).await;
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(wire.reply().await.status, 200);
    sleep(REST).await;
    let recorder = gate.recorder().clone();
    assert!(recorder.metrics().render().contains("bartizan_connections 1"), "it is open");
    drop(wire);
    eventually("the connection is gone", move || recorder.metrics().render().contains("bartizan_connections 0")).await;
}

#[tokio::test]
async fn a_body_that_comes_a_byte_at_a_time_is_cut_off_although_it_is_never_silent() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let gate = gate(upstream.address(), 5000, 700);
    let mut wire = Wire::open(gate.address()).await;
    wire.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n").await;
    let began = Instant::now();
    for _ in 0..60 {
        wire.send("a").await;
        sleep(Duration::from_millis(50)).await;
        if began.elapsed() > Duration::from_secs(3) {
            break;
        }
    }
    let reply = wire.reply().await;
    assert_eq!(reply.status, 408, "{reply:?}");
    assert!(reply.body.contains("body-too-slow"), "{reply:?}");
}

#[tokio::test]
async fn a_body_that_stops_is_cut_off() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let gate = gate(upstream.address(), 5000, 400);
    let mut wire = Wire::open(gate.address()).await;
    wire.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc").await;
    assert_eq!(wire.reply().await.status, 408);
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_cut_off_and_leaves_an_event() {
    let length = 64 << 20;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    let large = RawUpstream::start(vec![Step::ReadHead, Step::Send([head.into_bytes(), vec![b'a'; length]].concat())]);
    let gate = gate(large.address(), 5000, 600);
    let mut wire = Wire::open(gate.address()).await;
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let recorder = gate.recorder().clone();
    eventually("the connection is cut", move || {
        recorder.metrics().render().contains("bartizan_connection_faults_total{fault=\"timeout\"} 1")
    })
    .await;
    let mut reply = wire.reply().await;
    assert!(!reply.is_whole);
    assert!(reply.body.len() < length / 2, "the gate read no further than its client: {}", reply.body.len());
    reply.body.clear();
    assert_eq!(faults(&gate.records()), ["timeout"]);
}
