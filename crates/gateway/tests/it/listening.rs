//! Where connections come from: proxies that say for whom, Unix sockets, sockets that somebody else opened.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bartizan_gateway::config::{Config, ListenAddress, ProxyProtocol, UnixSockets};
use bartizan_gateway::listen::{Bound, Inherited};
use bartizan_testkit::Upstream;
use http::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::harness::{Gated, config, rate, route};
use crate::wire::{Wire, exchange};

const GET: &str = "GET / HTTP/1.1\r\nHost: api.test\r\n\r\n";

fn upstream() -> Upstream {
    Upstream::answering(StatusCode::OK, "hello")
}

/// A gate behind a proxy on this machine.
fn behind_a_proxy(upstream: &Upstream, change: impl FnOnce(&mut Config)) -> Gated {
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.server.listening.proxy_protocol = ProxyProtocol::Required;
    rules.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    change(&mut rules);
    Gated::start(rules)
}

fn version_2(client: [u8; 4]) -> Vec<u8> {
    let fixed = [b"\r\n\r\n\0\r\nQUIT\n".as_slice(), &[0x21, 0x11, 0, 17]].concat();
    // The client, the proxy, two ports, and an extension that says nothing.
    [&fixed[..], &client, &[127, 0, 0, 1, 0x9c, 0x40, 0, 80], &[0x04, 0, 2, 0, 0]].concat()
}

#[tokio::test]
async fn the_client_that_a_proxy_names_is_the_one_in_events_and_limits_and_the_peer_stays_the_proxy() {
    let upstream = upstream();
    let gate = behind_a_proxy(&upstream, |rules| rules.limits.address = rate("1/minute"));
    let one = [&version_2([203, 0, 113, 7])[..], GET.as_bytes()].concat();
    assert_eq!(exchange(gate.address(), &one).await.status, 200);
    assert_eq!(exchange(gate.address(), &one).await.status, 429, "the limit is the client's");
    let other = format!("PROXY TCP4 203.0.113.8 127.0.0.1 40000 80\r\n{GET}");
    assert_eq!(exchange(gate.address(), other).await.status, 200, "and not the proxy's");
    let events = gate.events();
    let clients: Vec<&Value> = events.iter().map(|event| &event["client"]["ip"]).collect();
    assert_eq!(clients, ["203.0.113.7", "203.0.113.7", "203.0.113.8"], "{events:#?}");
    assert!(events.iter().all(|event| event["source"]["ip"] != "203.0.113.7"), "{events:#?}");
}

#[tokio::test]
async fn fields_are_believed_only_if_the_client_that_the_proxy_names_is_a_proxy_too() {
    let upstream = upstream();
    let gate = behind_a_proxy(&upstream, |rules| rules.server.trusted_proxies.push("10.0.0.0/8".parse().unwrap()));
    let asked = "GET / HTTP/1.1\r\nHost: api.test\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n";
    for client in [[203, 0, 113, 7], [10, 0, 0, 1]] {
        exchange(gate.address(), [&version_2(client)[..], asked.as_bytes()].concat()).await;
    }
    let clients: Vec<Value> = gate.events().into_iter().map(|event| event["client"]["ip"].clone()).collect();
    assert_eq!(clients, ["203.0.113.7", "198.51.100.1"]);
}

#[tokio::test]
async fn a_remote_client_behind_a_local_proxy_is_not_taken_for_this_machine() {
    let upstream = upstream();
    let gate = behind_a_proxy(&upstream, |_| {});
    let asked = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let remote = exchange(gate.address(), [&version_2([203, 0, 113, 7])[..], asked.as_bytes()].concat()).await;
    assert_eq!(remote.status, 421);
    let health_check = exchange(gate.address(), format!("PROXY UNKNOWN\r\n{asked}")).await;
    assert_eq!(health_check.status, 200, "the proxy itself is on this machine");
}

#[tokio::test]
async fn a_connection_without_a_header_or_from_a_stranger_is_closed_without_an_answer_and_leaves_an_event() {
    let upstream = upstream();
    let gate = behind_a_proxy(&upstream, |_| {});
    assert_eq!(exchange(gate.address(), GET).await.status, 0);
    assert_eq!(exchange(gate.address(), format!("PROXY TCP4 1.2.3.4\r\n{GET}")).await.status, 0);
    let stranger =
        behind_a_proxy(&upstream, |rules| rules.server.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()]);
    assert_eq!(exchange(stranger.address(), [&version_2([1, 2, 3, 4])[..], GET.as_bytes()].concat()).await.status, 0);
    assert!(upstream.received().is_empty());
    let faults = |gate: Gated| gate.records().iter().filter(|it| it["event"]["action"] == "connection-failed").count();
    assert_eq!((faults(gate), faults(stranger)), (2, 1));
}

#[tokio::test]
async fn a_header_that_never_ends_is_cut_off() {
    let upstream = upstream();
    let gate = behind_a_proxy(&upstream, |rules| rules.server.timeouts.handshake = Duration::from_millis(200));
    let mut wire = Wire::open(gate.address()).await;
    wire.send("PROXY TCP4 203.0").await;
    assert!(wire.until("\n").await.is_none());
    assert!(gate.records().iter().any(|record| record["event"]["code"] == "timeout"));
}

#[tokio::test]
async fn a_header_is_a_bad_request_where_none_is_expected() {
    let upstream = upstream();
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let reply = exchange(gate.address(), format!("PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n{GET}")).await;
    assert_eq!(reply.status, 400, "nobody may name its own address");
}

async fn ask_unix(path: &Path) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_unix_socket_is_served_like_any_listener_and_goes_with_the_gate() {
    let upstream = upstream();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gate.sock");
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.server.listen.push(ListenAddress::Unix(path.clone()));
    rules.server.workers = std::num::NonZeroUsize::new(2);
    rules.server.listening.unix_sockets = UnixSockets { mode: 0o600 };
    let gate = Gated::start(rules.clone());
    for _ in 0..10 {
        assert!(ask_unix(&path).await.starts_with("HTTP/1.1 200 OK\r\n"));
    }
    assert!(Bound::bind(&rules.server).is_err(), "somebody listens there");
    let events = gate.events();
    assert!(events.iter().all(|event| event["client"]["ip"] == "127.0.0.1"), "{events:#?}");
    assert!(!path.exists());
}

#[tokio::test]
async fn one_socket_that_was_handed_over_is_shared_by_all_workers_and_none_is_lost() {
    let upstream = upstream();
    let handed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = handed.local_addr().unwrap();
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.server.listen = vec![address.into()];
    rules.server.workers = std::num::NonZeroUsize::new(3);
    let mut inherited = Inherited::from_sockets([(Some("gate".to_owned()), handed.into())]).unwrap();
    let gate = Gated::with_inherited(rules, &mut inherited);
    assert_eq!((gate.address(), inherited.left().count()), (address, 0));
    let asked = (0..30).map(|_| tokio::spawn(exchange(address, GET)));
    for reply in asked.collect::<Vec<_>>() {
        assert_eq!(reply.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn sockets_pass_from_one_gate_to_the_next_without_a_refused_connection_even_with_other_workers() {
    let upstream = upstream();
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.server.workers = std::num::NonZeroUsize::new(3);
    let old = Gated::start(rules.clone());
    let address: SocketAddr = old.address();
    let asking = tokio::spawn(async move {
        for answered in 0..150 {
            assert_eq!(exchange(address, GET).await.status, 200, "after {answered} answers");
        }
    });
    rules.server.listen = vec![address.into()];
    rules.server.workers = std::num::NonZeroUsize::new(1);
    let new = Gated::with_inherited(rules, &mut old.sockets());
    let mut old = old;
    let drained = old.drain();
    asking.await.unwrap();
    tokio::task::spawn_blocking(|| drained.join().unwrap()).await.unwrap();
    drop(new);
}
