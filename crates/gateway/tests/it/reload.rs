//! A new configuration harms no request, and neither does stopping.

use std::sync::mpsc;
use std::time::Duration;

use bartizan_gateway::config::{Upstream as UpstreamRules, UpstreamTls};
use bartizan_testkit::{Answer, Certificate, HttpClient, Protocol, RawUpstream, Step, Upstream};
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use tokio::task::JoinSet;

use crate::harness::{Gated, backend, config, eventually, request, route};
use crate::tls::over_tls;
use crate::wire::Wire;

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// An upstream whose answers wait until the test lets them go.
fn held() -> (Upstream, mpsc::Sender<()>) {
    let (let_go, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let upstream = Upstream::start(move |request| {
        if request.target == "/held" {
            let _ = gate.lock().unwrap().recv();
        }
        Answer::Respond(Response::new(Bytes::from("hello")))
    });
    (upstream, let_go)
}

#[tokio::test]
async fn a_reload_fails_no_request_in_flight_and_holds_for_the_next_on_the_same_connection() {
    let upstream = Upstream::start(|_| {
        Answer::After(Duration::from_millis(300), Box::new(Answer::Respond(Response::new(Bytes::from("hello")))))
    });
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.limits.address = crate::harness::rate("100000/minute");
    let gate = Gated::start(rules.clone());
    let mut clients = JoinSet::new();
    for _ in 0..200 {
        let address = gate.address();
        clients.spawn(async move {
            let mut wire = Wire::open(address).await;
            wire.send(GET).await;
            let first = wire.reply().await;
            (wire, first)
        });
    }
    eventually("all are in flight or answered", || upstream.connections() >= 200).await;
    rules.routes = vec![route("/new", upstream.address())];
    gate.replace(rules);
    let mut connections = Vec::new();
    while let Some(client) = clients.join_next().await {
        let (wire, first) = client.unwrap();
        assert_eq!((first.status, first.body.as_str()), (200, "hello"));
        connections.push(wire);
    }
    for mut wire in connections {
        wire.send(GET).await;
        assert_eq!(wire.reply().await.status, 404, "the old route is gone on open connections too");
    }
    assert_eq!(gate.get("/new").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_reload_keeps_what_was_counted() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.limits.address = crate::harness::rate("2/hour");
    let gate = Gated::start(rules.clone());
    assert_eq!(gate.get("/").await.status, StatusCode::OK);
    gate.replace(rules);
    assert_eq!(gate.get("/").await.status, StatusCode::OK);
    assert_eq!(gate.get("/").await.status, StatusCode::TOO_MANY_REQUESTS, "a reload is no amnesty");
}

#[tokio::test]
async fn a_configuration_that_cannot_stand_names_its_culprit() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let twice = vec![route("/a", upstream.address()), route("/a", upstream.address())];
    let fault = Gated::build(config(twice)).err().unwrap().to_string();
    assert!(fault.contains("route `/a`") && fault.contains("declared twice for GET"), "{fault}");
    let mut elsewhere = route("/a", upstream.address());
    let tls = UpstreamTls { authorities: Some("/nowhere/ca.pem".into()), ..UpstreamTls::default() };
    elsewhere.upstream = UpstreamRules { tls: Some(tls), ..backend(upstream.address()) }.into();
    let fault = Gated::build(config(vec![elsewhere])).err().unwrap().to_string();
    assert!(fault.contains("upstream `backend`") && fault.contains("/nowhere/ca.pem"), "{fault}");
    assert!(UpstreamRules::at("elsewhere", &"ftp://backend.test".parse().unwrap()).is_none());
}

#[tokio::test]
async fn draining_finishes_what_is_in_flight_and_takes_nothing_new() {
    let (upstream, let_go) = held();
    let mut gate = Gated::start(config(vec![route("/{*rest}", upstream.address())]));
    let address = gate.address();
    let mut busy = Wire::open(address).await;
    busy.send("GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let mut idle = Wire::open(address).await;
    let mut kept = Wire::open(address).await;
    eventually("the request is in flight", || upstream.received().len() == 1).await;
    // The upstream has one thread: this one is answered by the gate itself.
    kept.send("GET /../x HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(kept.reply().await.status, 400);
    let drained = gate.drain();
    assert!(idle.is_closed().await, "a connection without a request is let go");
    assert!(kept.is_closed().await, "and so is one between two requests");
    eventually("new connections are refused", || std::net::TcpStream::connect(address).is_err()).await;
    let_go.send(()).unwrap();
    let reply = busy.reply().await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "hello"));
    assert!(busy.is_closed().await);
    drained.join().unwrap();
    assert_eq!(gate.events().len(), 2);
}

#[tokio::test]
async fn a_request_that_outlasts_the_drain_is_cut_and_recorded() {
    let upstream = RawUpstream::start(vec![Step::ReadHead, Step::Hold]);
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.server.drain = Duration::from_millis(200);
    let mut gate = Gated::start(rules);
    let mut wire = Wire::open(gate.address()).await;
    wire.send(GET).await;
    eventually("the request is in flight", || upstream.received().len() == 1).await;
    let drained = gate.drain();
    assert!(wire.is_closed().await);
    drained.join().unwrap();
    assert_eq!(gate.only_event()["bartizan"]["outcome"], "cancelled");
}

#[tokio::test]
async fn an_http_2_connection_is_told_to_go_away_and_finishes_its_requests() {
    let (upstream, let_go) = held();
    let certificate = Certificate::for_names(&["localhost"]);
    let (rules, _files) = over_tls(config(vec![route("/{*rest}", upstream.address())]), &[&certificate]);
    let mut gate = Gated::start(rules);
    let client = HttpClient::trusting(&certificate.der).over(Protocol::Http2).connecting_to(gate.address());
    let url = format!("https://localhost:{}/held", gate.address().port());
    let mut connection = client.connect(&url.parse().unwrap()).await.unwrap();
    let asked = request(Method::GET, &url, &[], "");
    let other = request(Method::GET, &url.replace("held", "other"), &[], "");
    let first = tokio::spawn(async move { (connection.send(asked).await, connection) });
    eventually("the request is in flight", || upstream.received().len() == 1).await;
    let drained = gate.drain();
    let_go.send(()).unwrap();
    let (answer, mut connection) = first.await.unwrap();
    assert_eq!(answer.unwrap().text(), "hello");
    // What was sent before GOAWAY arrived is answered as well; then the connection is over.
    while let Ok(answer) = connection.send(other.clone()).await {
        assert_eq!(answer.text(), "hello");
    }
    drained.join().unwrap();
    assert!(gate.events().iter().all(|event| event["bartizan"]["outcome"] == "answered"));
}
