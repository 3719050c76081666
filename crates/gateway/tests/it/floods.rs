//! Floods of connections, handshakes and requests: what there is no room for is turned away at once, and what has room is served.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use bartizan_testkit::{Answer, Certificate, Upstream};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::harness::{Gated, config, eventually, rate, route};
use crate::tls::{BOTH, handshake, over_tls};
use crate::wire::Wire;

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn at_most(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

async fn is_served(wire: &mut Wire) -> bool {
    wire.send(GET).await;
    wire.reply().await.status == 200
}

fn overloads(records: &[Value]) -> Vec<&str> {
    let overload = records.iter().filter(|record| record["event"]["code"] == "overload");
    overload.map(|record| record["event"]["reason"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn one_address_gets_its_share_of_connections_and_no_more() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.limits.connections_per_address = at_most(3);
    let gate = Gated::start(rules);
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut wire = Wire::open(gate.address()).await;
        assert!(is_served(&mut wire).await);
        open.push(wire);
    }
    for _ in 0..20 {
        let mut wire = Wire::open(gate.address()).await;
        assert!(!is_served(&mut wire).await, "the fourth is closed");
    }
    assert!(is_served(&mut open[0]).await, "those that are open are served");
    drop(open);
    let metrics = gate.recorder().metrics().render();
    assert!(metrics.contains("bartizan_connections_refused_total{limit=\"address\"} 20"), "{metrics}");
    let address = gate.address();
    for _ in 0..100 {
        if is_served(&mut Wire::open(address).await).await {
            let records = gate.records();
            let events = overloads(&records);
            assert!((1..10).contains(&events.len()), "a flood does not go on in the audit log: {events:?}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("places are given back");
}

#[tokio::test]
async fn a_trusted_proxy_may_hold_more_connections_than_an_address_may() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.limits.connections_per_address = at_most(1);
    rules.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let gate = Gated::start(rules);
    let mut open = Vec::new();
    for _ in 0..5 {
        let mut wire = Wire::open(gate.address()).await;
        assert!(is_served(&mut wire).await);
        open.push(wire);
    }
}

#[tokio::test]
async fn connections_are_bounded_in_total() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.limits.connections = at_most(2);
    let gate = Gated::start(rules);
    let (mut first, mut second) = (Wire::open(gate.address()).await, Wire::open(gate.address()).await);
    assert!(is_served(&mut first).await && is_served(&mut second).await);
    assert!(!is_served(&mut Wire::open(gate.address()).await).await);
}

#[tokio::test]
async fn handshakes_beyond_their_bound_are_turned_away_before_they_cost_a_signature() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let certificate = Certificate::for_names(&["localhost"]);
    let (mut rules, _files) = over_tls(config(vec![route("/", upstream.address())]), &[&certificate]);
    rules.limits.handshakes = at_most(2);
    rules.server.timeouts.handshake = Duration::from_millis(800);
    let gate = Gated::start(rules);
    let _silent =
        [TcpStream::connect(gate.address()).await.unwrap(), TcpStream::connect(gate.address()).await.unwrap()];
    let recorder = gate.recorder().clone();
    eventually("both are under way", move || recorder.metrics().render().contains("bartizan_connections 2")).await;
    let mut third = TcpStream::connect(gate.address()).await.unwrap();
    let began = Instant::now();
    assert_eq!(third.read(&mut [0; 1]).await.unwrap_or(0), 0, "closed without a byte");
    assert!(began.elapsed() < Duration::from_millis(700), "at once");
    for _ in 0..100 {
        if handshake(&gate, &certificate, "localhost", BOTH, &[]).await.is_ok() {
            let metrics = gate.recorder().metrics().render();
            assert!(metrics.contains("bartizan_connections_refused_total{limit=\"handshakes\"}"), "{metrics}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a handshake that takes too long gives its place back");
}

#[tokio::test]
async fn ten_times_the_load_is_shed_at_once_with_503_and_those_that_were_let_in_are_answered() {
    let slow = Upstream::start(|_| {
        let hello = Answer::Respond(Response::new(Bytes::from_static(b"hello")));
        Answer::After(Duration::from_millis(700), Box::new(hello))
    });
    let mut rules = config(vec![route("/", slow.address())]);
    rules.limits.concurrency = at_most(10);
    rules.limits.address = rate("100000/minute");
    let gate = Gated::start(rules);
    let address = gate.address();
    let requests: Vec<_> = (0..100)
        .map(|_| {
            tokio::spawn(async move {
                let mut wire = Wire::open(address).await;
                let began = Instant::now();
                wire.send(GET).await;
                let reply = wire.reply().await;
                let again = reply.field("retry-after").map(str::to_owned);
                (reply.status, again, began.elapsed())
            })
        })
        .collect();
    let mut served = 0;
    for request in requests {
        let (status, again, took) = request.await.unwrap();
        match status {
            200 => served += 1,
            503 => {
                assert_eq!(again.as_deref(), Some("1"));
                assert!(took < Duration::from_millis(650), "not after the others: {took:?}");
            }
            other => panic!("{other}"),
        }
    }
    assert!((10..50).contains(&served), "{served}");
    assert!(is_served(&mut Wire::open(address).await).await, "and recovers at once");
}
