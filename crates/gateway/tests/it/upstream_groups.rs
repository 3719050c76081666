//! Groups of endpoints: who gets a request, who is left out, and what happens when all are down.

use std::net::{SocketAddr, TcpListener};
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bartizan_gateway::config::{
    Balance, Breaker, Config, Destination, Endpoint, EndpointAddress, HealthCheck, Mirror, MirrorCredentials, Outlier,
    Resolve, Retry, Share, StatusRange, Upstream as Group, WhenAllDown,
};
use bartizan_testkit::{Answer, HttpClient, Upstream};
use bytes::Bytes;
use http::{Method, Response, StatusCode};

use crate::flaky::Flaky;
use crate::harness::{Gated, config, eventually, rate, route};

/// A group of these endpoints, with the retries of a group.
pub(crate) fn group(addresses: &[SocketAddr]) -> Group {
    let endpoint = |address: &SocketAddr| Endpoint {
        address: EndpointAddress::Host(address.ip().to_string().into(), address.port()),
        weight: NonZeroU16::MIN,
    };
    let first = EndpointAddress::Host("127.0.0.1".into(), 1);
    Group {
        endpoints: addresses.iter().map(endpoint).collect(),
        retry: Retry { least_per_second: 1000, ..Retry::default() },
        ..Group::single("shop", first)
    }
}

/// A gate before this group, without limits that many requests of one test would meet.
pub(crate) fn before(group: Group) -> Config {
    let nowhere = "127.0.0.1:1".parse().unwrap();
    let mut rules =
        config(vec![bartizan_gateway::config::Route { upstream: group.into(), ..route("/{*rest}", nowhere) }]);
    rules.limits.address = rate("1000000/minute");
    rules
}

fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn counts(flaky: &[Flaky]) -> Vec<usize> {
    flaky.iter().map(|it| it.read().len()).collect()
}

async fn statuses(gate: &Gated, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(gate.get("/x").await.status.as_u16());
    }
    statuses
}

fn metric(gate: &Gated, line: &str) -> bool {
    gate.recorder().metrics().render().lines().any(|it| it.starts_with(line))
}

#[tokio::test]
async fn requests_go_to_each_endpoint_by_its_weight() {
    let backends = [Flaky::start("a"), Flaky::start("b"), Flaky::start("c")];
    let mut rules = group(&[backends[0].address(), backends[1].address(), backends[2].address()]);
    rules.balance = Balance::RoundRobin;
    rules.endpoints[0].weight = NonZeroU16::new(3).unwrap();
    let gate = Gated::start(before(rules));
    assert!(statuses(&gate, 20).await.iter().all(|status| *status == 200));
    assert_eq!(counts(&backends), [12, 4, 4]);
}

#[tokio::test]
async fn an_endpoint_that_is_busy_gets_less() {
    let slow =
        Upstream::start(|_| Answer::After(Duration::from_millis(300), Box::new(Answer::Respond(Response::default()))));
    let quick = Upstream::answering(StatusCode::OK, "quick");
    let gate = Gated::start(before(group(&[slow.address(), quick.address()])));
    let url = gate.url("/x");
    let client = HttpClient::plain();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (client, url) = (client.clone(), url.clone());
        tasks.spawn(async move { client.get(&url).await.unwrap().status });
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    while let Some(status) = tasks.join_next().await {
        assert_eq!(status.unwrap(), StatusCode::OK);
    }
    let (slow, quick) = (slow.received().len(), quick.received().len());
    assert!(quick > slow, "{quick} at the quick one, {slow} at the slow one");
}

#[tokio::test]
async fn an_endpoint_that_fails_is_left_out_and_comes_back() {
    let backends = [Flaky::start("a"), Flaky::start("b")];
    let mut rules = group(&[backends[0].address(), backends[1].address()]);
    rules.balance = Balance::RoundRobin;
    rules.outlier = Some(Outlier {
        consecutive_failures: NonZeroU32::new(2).unwrap(),
        ejection: Duration::from_millis(500),
        ..Outlier::default()
    });
    let gate = Gated::start(before(rules));
    backends[0].kill();
    assert!(statuses(&gate, 10).await.iter().all(|status| *status == 200), "nobody notices");
    assert!(metric(&gate, r#"bartizan_upstream_ejections_total{upstream="shop"} 1"#));
    backends[0].restart();
    tokio::time::sleep(Duration::from_millis(600)).await;
    statuses(&gate, 10).await;
    assert!(!backends[0].read().is_empty(), "it gets requests again");
    let down = gate.records().iter().filter(|it| it.to_string().contains("failures-in-a-row")).count();
    assert_eq!(down, 1);
}

#[tokio::test]
async fn one_request_that_finds_a_bug_takes_no_endpoint_out() {
    let bug = Upstream::answering(StatusCode::INTERNAL_SERVER_ERROR, "boom");
    let other = Upstream::answering(StatusCode::INTERNAL_SERVER_ERROR, "boom");
    let mut rules = group(&[bug.address(), other.address()]);
    rules.outlier = Some(Outlier { consecutive_failures: NonZeroU32::MIN, ..Outlier::default() });
    let gate = Gated::start(before(rules));
    statuses(&gate, 10).await;
    assert!(metric(&gate, r#"bartizan_upstream_ejections_total{upstream="shop"} 0"#));
}

#[tokio::test]
async fn health_checks_take_an_endpoint_out_and_back_whatever_requests_there_are() {
    let well = Flaky::start("well");
    let ill = Flaky::start("ill");
    ill.answers("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let mut rules = group(&[well.address(), ill.address()]);
    rules.health = Some(HealthCheck {
        path: "/healthz".into(),
        host: None,
        interval: Duration::from_millis(50),
        timeout: Duration::from_millis(500),
        healthy_after: NonZeroU8::new(2).unwrap(),
        unhealthy_after: NonZeroU8::new(2).unwrap(),
        statuses: StatusRange { first: 200, last: 299 },
    });
    let gate = Gated::start(before(rules));
    let healthy = |value: u8| {
        format!(r#"bartizan_upstream_endpoint_healthy{{upstream="shop",endpoint="{}"}} {value}"#, ill.address())
    };
    eventually("it is found ill", || metric(&gate, &healthy(0))).await;
    let asked = |flaky: &Flaky| flaky.read().iter().filter(|line| line.starts_with("GET /x")).count();
    assert!(statuses(&gate, 10).await.iter().all(|status| *status == 200));
    assert_eq!((asked(&well), asked(&ill)), (10, 0));
    ill.answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    eventually("it is found well", || metric(&gate, &healthy(1))).await;
    statuses(&gate, 20).await;
    assert!(asked(&ill) > 0);
}

#[tokio::test]
async fn an_endpoint_that_flaps_is_told_of_once_and_spared_until_it_is_steady() {
    let (steady, flapping) = (Flaky::start("steady"), Arc::new(AtomicUsize::new(0)));
    let asked = flapping.clone();
    let flaps = Upstream::start(move |request| {
        // Ill and well by turns, until it has made up its mind.
        let turn = (request.target == "/healthz").then(|| asked.fetch_add(1, Ordering::SeqCst));
        let is_ill = turn.is_some_and(|turn| turn < 40 && turn % 2 == 0);
        let status = if is_ill { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        Answer::Respond(Response::builder().status(status).body(Bytes::new()).unwrap())
    });
    let mut rules = group(&[steady.address(), flaps.address()]);
    rules.health = Some(HealthCheck {
        path: "/healthz".into(),
        host: None,
        interval: Duration::from_millis(40),
        timeout: Duration::from_secs(5),
        healthy_after: NonZeroU8::new(2).unwrap(),
        unhealthy_after: NonZeroU8::new(3).unwrap(),
        statuses: StatusRange { first: 200, last: 299 },
    });
    let gate = Gated::start(before(rules));
    let requests = || flaps.received().iter().filter(|request| request.target == "/x").count();
    eventually("it is found ill", || flapping.load(Ordering::SeqCst) >= 2).await;
    let mut sent = 0;
    while flapping.load(Ordering::SeqCst) < 18 {
        assert_eq!(gate.get("/x").await.status, StatusCode::OK);
        sent += 1;
    }
    assert!(sent > 0 && requests() == 0, "{} of {sent} requests went to it", requests());
    let healthy = format!(r#"bartizan_upstream_endpoint_healthy{{upstream="shop",endpoint="{}"}} 1"#, flaps.address());
    eventually("it is steady", || metric(&gate, &healthy)).await;
    statuses(&gate, 20).await;
    assert!(requests() > 0);
    let told = gate.records().iter().filter(|it| it["event"]["action"] == "upstream-down").count();
    assert_eq!(told, 1);
}

#[tokio::test]
async fn when_all_are_down_they_are_tried_unless_refusing_was_said() {
    let backend = Flaky::start("ok");
    let check = HealthCheck {
        path: "/no-such-check".into(),
        host: None,
        interval: Duration::from_millis(50),
        timeout: Duration::from_millis(500),
        healthy_after: NonZeroU8::MIN,
        unhealthy_after: NonZeroU8::MIN,
        // The check is wrong, not the backend.
        statuses: StatusRange { first: 299, last: 299 },
    };
    for (when_all_down, expected) in [(WhenAllDown::TryAll, 200), (WhenAllDown::Refuse, 503)] {
        let rules = Group { health: Some(check.clone()), when_all_down, ..group(&[backend.address()]) };
        let gate = Gated::start(before(rules));
        let ill =
            format!(r#"bartizan_upstream_endpoint_healthy{{upstream="shop",endpoint="{}"}} 0"#, backend.address());
        eventually("it is found ill", || metric(&gate, &ill)).await;
        let answer = gate.get("/x").await;
        assert_eq!(answer.status.as_u16(), expected);
        assert_eq!(answer.header("retry-after"), (expected == 503).then_some("1"));
    }
}

#[tokio::test]
async fn an_open_circuit_asks_nobody_until_a_probe_succeeds() {
    let backend = Flaky::start("ok");
    let mut rules = group(&[backend.address()]);
    rules.retry.most = 0;
    rules.breaker = Some(Breaker {
        failure_percent: NonZeroU8::new(50).unwrap(),
        window: Duration::from_secs(10),
        least_requests: NonZeroU32::new(4).unwrap(),
        open: Duration::from_millis(400),
    });
    let gate = Gated::start(before(rules));
    backend.answers("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    statuses(&gate, 4).await;
    let before = backend.read().len();
    let answer = gate.get("/x").await;
    assert!(answer.status == StatusCode::SERVICE_UNAVAILABLE && answer.text().contains("upstream-busy"), "{answer:?}");
    assert_eq!(backend.read().len(), before, "the backend is spared");
    backend.answers("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    tokio::time::sleep(Duration::from_millis(450)).await;
    assert!(statuses(&gate, 5).await.iter().all(|status| *status == 200));
}

#[tokio::test]
async fn no_endpoint_has_more_requests_at_once_than_it_may_and_those_that_wait_are_few() {
    let slow =
        Upstream::start(|_| Answer::After(Duration::from_millis(200), Box::new(Answer::Respond(Response::default()))));
    let mut rules = group(&[slow.address()]);
    rules.limits.requests = NonZeroU32::new(2);
    rules.limits.pending = 2;
    let gate = Gated::start(before(rules));
    let (client, url) = (HttpClient::plain(), gate.url("/x"));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (client, url) = (client.clone(), url.clone());
        tasks.spawn(async move { client.get(&url).await.unwrap().status.as_u16() });
    }
    let statuses = tasks.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 4, "{statuses:?}: two at once, two wait");
    assert_eq!(statuses.iter().filter(|status| **status == 503).count(), 4, "{statuses:?}");
}

#[tokio::test]
async fn a_name_is_looked_up_and_its_good_addresses_are_used() {
    let backend = Flaky::start("ok");
    let rules = Group {
        endpoints: vec![Endpoint {
            address: EndpointAddress::Host("localhost".into(), backend.address().port()),
            weight: NonZeroU16::MIN,
        }],
        resolve: Resolve { spread: true, every: Duration::from_millis(50), ..Resolve::default() },
        ..group(&[])
    };
    let gate = Gated::start(before(rules));
    assert!(statuses(&gate, 5).await.iter().all(|status| *status == 200));
}

#[tokio::test]
async fn a_user_stays_on_one_side_of_a_split_and_a_weight_of_nothing_gets_nothing() {
    let (old, new) = (Flaky::start("old"), Flaky::start("new"));
    let share = |flaky: &Flaky, weight| Share { upstream: group(&[flaky.address()]).into(), weight };
    for (weights, sides) in [((1, 0), [6, 0]), ((0, 1), [6, 6])] {
        let mut rules = before(group(&[old.address()]));
        rules.routes[0].upstream = Destination { first: share(&old, weights.0), others: vec![share(&new, weights.1)] };
        let gate = Gated::start(rules);
        statuses(&gate, 6).await;
        assert_eq!([old.read().len(), new.read().len()], sides);
    }
}

#[tokio::test]
async fn a_mirror_gets_a_copy_without_credentials_and_never_changes_the_answer() {
    let live = Upstream::answering(StatusCode::OK, "live");
    let shadow = Upstream::answering(StatusCode::INTERNAL_SERVER_ERROR, "shadow");
    let mirror = |address| Mirror {
        upstream: group(&[address]).into(),
        percent: 100,
        body_bytes: 10,
        credentials: MirrorCredentials::Stripped,
    };
    let gate = Gated::start(before(Group { mirror: Some(mirror(shadow.address())), ..group(&[live.address()]) }));
    let secrets = [("authorization", "Basic c2VjcmV0"), ("cookie", "session=1"), ("x-kept", "yes")];
    let answer = gate.send(Method::POST, "/x", &secrets, "0123456789").await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, "live"));
    eventually("the copy arrives", || shadow.received().len() == 1).await;
    let copy = shadow.only_request();
    assert_eq!((copy.method, copy.target.as_str(), &*copy.body), (Method::POST, "/x", b"0123456789".as_slice()));
    assert_eq!(copy.headers.get("bartizan-mirror").unwrap(), "1");
    assert_eq!(copy.headers.get("x-kept").unwrap(), "yes");
    for stripped in ["authorization", "cookie", "bartizan-assertion"] {
        assert!(!copy.headers.contains_key(stripped), "{stripped}");
    }
    assert!(!live.only_request().headers.contains_key("bartizan-mirror"));
    gate.send(Method::POST, "/x", &[], "0123456789a").await;
    assert_eq!(live.received().len(), 2);
    let hanging = Upstream::start(|_| Answer::Hang);
    let gate = Gated::start(before(Group { mirror: Some(mirror(hanging.address())), ..group(&[live.address()]) }));
    assert!(statuses(&gate, 3).await.iter().all(|status| *status == 200));
    let gone = Gated::start(before(Group { mirror: Some(mirror(nobody())), ..group(&[live.address()]) }));
    assert!(statuses(&gone, 3).await.iter().all(|status| *status == 200));
    assert_eq!(shadow.received().len(), 1, "a body beyond the bound is not copied");
}
