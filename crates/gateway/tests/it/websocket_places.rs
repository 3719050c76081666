//! WebSocket connections to upstreams that count: one is a request that lasts.

use std::num::{NonZeroU8, NonZeroU32};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bartizan_gateway::config::{Breaker, Route, Upstream as Group};
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::harness::{Gated, config};
use crate::upstream_groups::group;
use crate::websocket::{Does, Socket, serve, upstream, with};

fn gate(rules: Group) -> Gated {
    let nowhere = "127.0.0.1:1".parse().unwrap();
    Gated::start(config(vec![Route { upstream: rules.into(), ..with(nowhere, |_| {}) }]))
}

#[tokio::test]
async fn an_open_connection_keeps_its_place_at_the_endpoint_until_it_closes() {
    let mut rules = group(&[upstream(Does::Echo).await]);
    rules.limits.requests = NonZeroU32::new(2);
    rules.limits.pending = 0;
    let gate = gate(rules);
    let (first, second) = (Socket::open(&gate, "").await, Socket::open(&gate, "").await);
    assert_eq!((first.status(), second.status()), (101, 101));
    for _ in 0..3 {
        assert_eq!(Socket::open(&gate, "").await.status(), 503, "there is no room for a third");
    }
    drop(first);
    for _ in 0..500 {
        if Socket::open(&gate, "").await.status() == 101 {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("its place is never given back");
}

#[tokio::test]
async fn handshakes_that_fail_open_the_circuit_and_a_connection_that_stays_closes_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut rules = group(&[listener.local_addr().unwrap()]);
    let (is_well, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    tokio::spawn({
        let (is_well, connections) = (is_well.clone(), connections.clone());
        async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                if is_well.load(Ordering::SeqCst) {
                    tokio::spawn(serve(stream, Does::Echo));
                }
            }
        }
    });
    let open = Duration::from_millis(400);
    rules.breaker = Some(Breaker {
        failure_percent: NonZeroU8::new(50).unwrap(),
        window: Duration::from_secs(10),
        least_requests: NonZeroU32::new(4).unwrap(),
        open,
    });
    let gate = gate(rules);
    for _ in 0..4 {
        assert_eq!(Socket::open(&gate, "").await.status(), 502);
    }
    assert_eq!(Socket::open(&gate, "").await.status(), 503);
    assert_eq!(connections.load(Ordering::SeqCst), 4, "the backend is spared");
    is_well.store(true, Ordering::SeqCst);
    sleep(open + Duration::from_millis(50)).await;
    let probe = Socket::open(&gate, "").await;
    assert_eq!(probe.status(), 101);
    assert_eq!(Socket::open(&gate, "").await.status(), 101, "while the probe is still open");
    drop(probe);
}
