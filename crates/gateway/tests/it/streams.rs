//! Event streams, gRPC calls, and bodies too large to hold: what flows, what bounds it, and how it ends.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bartizan_gateway::MaskKinds;
use bartizan_gateway::config::{Grpc, Protocol, Route, Upstream as UpstreamRules};
use bartizan_policy::Access;
use bartizan_testkit::{Algorithm, Answer, Certificate, Issuer, Upstream};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::harness::{AUDIENCE, Gated, config, guarded, route, trusting};
use crate::tls::{BOTH, handshake, over_tls};
use crate::wire::Wire;

fn events(pieces: Vec<(u64, &'static str)>) -> Upstream {
    Upstream::start(move |_| Answer::Stream {
        head: Response::builder().header("content-type", "text/event-stream").body(()).unwrap(),
        pieces: pieces
            .iter()
            .map(|(pause, text)| (Duration::from_millis(*pause), Bytes::from_static(text.as_bytes())))
            .collect(),
        trailers: HeaderMap::new(),
    })
}

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test]
async fn each_event_arrives_when_it_is_sent_masked_or_not() {
    for mask in [MaskKinds::default(), MaskKinds::ALL] {
        let upstream = events(vec![(0, "data: card 4111 1111 1111 1111\n\n"), (60_000, "data: never\n\n")]);
        let mut route = route("/", upstream.address());
        route.answer.mask = mask;
        let gate = Gated::start(config(vec![route]));
        let began = Instant::now();
        let mut wire = Wire::open(gate.address()).await;
        wire.send(GET).await;
        let head = wire.head().await.unwrap();
        assert_eq!((head.field("x-accel-buffering"), head.field("cache-control")), (Some("no"), Some("no-cache")));
        let event = wire.until("\n\n").await.unwrap();
        assert!(event.contains(if mask.any() { "**** **** **** 1111" } else { "4111 1111" }), "{event}");
        assert!(began.elapsed() < Duration::from_secs(5), "the end of a card number is not waited for");
    }
}

#[tokio::test]
async fn an_event_stream_outlives_the_time_of_an_answer_and_ends_in_silence() {
    let upstream = events(vec![(0, "data: 1\n\n"), (250, "data: 2\n\n"), (250, "data: 3\n\n"), (60_000, "never")]);
    let mut route = route("/", upstream.address());
    route.timeouts.total = Duration::from_millis(300);
    route.timeouts.stream_idle = Duration::from_millis(450);
    let gate = Gated::start(config(vec![route]));
    let mut wire = Wire::open(gate.address()).await;
    wire.send(GET).await;
    let reply = wire.reply().await;
    assert_eq!((reply.body.as_str(), reply.is_whole), ("data: 1\n\ndata: 2\n\ndata: 3\n\n", false));
    let records = gate.records();
    let closed = records.iter().find(|record| record["event"]["action"] == "stream-closed").unwrap();
    assert_eq!((&closed["event"]["code"], &closed["bartizan"]["stream"]), (&"timeout".into(), &"answer".into()));
}

#[tokio::test]
async fn an_event_stream_ends_with_the_token_that_it_began_with() {
    let issuer = Issuer::start(Algorithm::Es256);
    let upstream = events((0..200).map(|_| (50, "data: tick\n\n")).collect());
    let mut rules = config(vec![guarded("/", upstream.address(), Access::SignedIn)]);
    rules.issuers = vec![trusting(&issuer)];
    let gate = Gated::start(rules);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let token = issuer.token(serde_json::json!({ "aud": AUDIENCE, "sub": "alice", "exp": now + 2 }));
    let mut wire = Wire::open(gate.address()).await;
    wire.send(format!("GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n")).await;
    let began = Instant::now();
    let reply = wire.reply().await;
    assert_eq!((reply.status, reply.is_whole), (200, true), "each event that was sent is whole");
    assert!(reply.body.contains("tick") && began.elapsed() < Duration::from_secs(8));
    let records = gate.records();
    let closed = records.iter().find(|record| record["event"]["action"] == "stream-closed").unwrap();
    assert_eq!(closed["event"]["code"], "credential-expired");
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_sends_nothing_that_is_refused_anyway() {
    let upstream = Upstream::start(|request| Answer::Respond(Response::new(request.body.clone())));
    let mut rules = route("/", upstream.address());
    rules.body_bytes = 10;
    let gate = Gated::start(config(vec![rules]));
    let expecting = |length| {
        format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n")
    };
    let mut wire = Wire::open(gate.address()).await;
    wire.send(expecting(11)).await;
    assert!(wire.until("\r\n\r\n").await.unwrap().starts_with("HTTP/1.1 413"), "not 100 first");
    let mut wire = Wire::open(gate.address()).await;
    wire.send(expecting(5)).await;
    assert_eq!(wire.until("\r\n\r\n").await.unwrap(), "HTTP/1.1 100 Continue\r\n\r\n");
    wire.send("hello").await;
    assert_eq!(wire.reply().await.body, "hello");
    assert!(!upstream.only_request().headers.contains_key("expect"));
}

/// An upstream that speaks gRPC in the clear: sends every message back as it comes, and its status in trailers.
async fn grpc_upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = hyper::service::service_fn(async |request: Request<Incoming>| {
                let te = request.headers().get("te").cloned();
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", "0".parse().unwrap());
                trailers.insert("x-te", te.unwrap_or_else(|| "none".parse().unwrap()));
                let body = request.into_body();
                let echo = futures_util::stream::unfold((body, Some(trailers)), async |(mut body, mut trailers)| {
                    match body.frame().await {
                        Some(Ok(frame)) if frame.is_data() => Some((Ok::<_, Infallible>(frame), (body, trailers))),
                        Some(Ok(_)) | None => {
                            let last = trailers.take()?;
                            Some((Ok(Frame::trailers(last)), (body, None)))
                        }
                        Some(Err(_)) => None,
                    }
                });
                let answer = Response::builder().header("content-type", "application/grpc");
                Ok::<_, Infallible>(answer.body(StreamBody::new(Box::pin(echo))).unwrap())
            });
            tokio::spawn(async move {
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

/// A route for gRPC alone.
fn grpc_route(path: &str, upstream: SocketAddr, message_bytes: u32) -> Route {
    let mut over_h2c = UpstreamRules::at("grpc", &format!("http://{upstream}").parse().unwrap()).unwrap();
    over_h2c.protocol = Protocol::H2c;
    let grpc = Some(Grpc { message_bytes });
    Route { upstream: std::sync::Arc::new(over_h2c).into(), grpc, body_bytes: u64::MAX, ..route(path, upstream) }
}

fn message(text: &[u8]) -> Bytes {
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    [&[0][..], &length, text].concat().into()
}

type Calls = h2::client::SendRequest<Bytes>;

async fn serving(mut routes: Vec<Route>) -> (Gated, Calls, TempDir) {
    let certificate = Certificate::for_names(&["api.test"]);
    for route in &mut routes {
        route.timeouts.first_byte = Duration::from_secs(5);
    }
    let (rules, files) = over_tls(config(routes), &[&certificate]);
    let gate = Gated::start(rules);
    let stream = handshake(&gate, &certificate, "api.test", BOTH, &["h2"]).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    (gate, sender, files)
}

fn call(path: &str, fields: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::post(format!("https://api.test{path}")).header("te", "trailers");
    for (name, value) in fields.iter().chain(&[("content-type", "application/grpc")]) {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

fn status(fields: &HeaderMap) -> &str {
    fields.get("grpc-status").map_or("none", |status| status.to_str().unwrap())
}

#[tokio::test]
async fn a_call_streams_both_ways_and_its_status_comes_in_trailers() {
    let (_gate, mut calls, _files) = serving(vec![grpc_route("/shop.Shop/Chat", grpc_upstream().await, 1000)]).await;
    let (answer, mut to_gate) = calls.send_request(call("/shop.Shop/Chat", &[]), false).unwrap();
    to_gate.send_data(message(b"first"), false).unwrap();
    let answer = answer.await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["content-type"]),
        (http::StatusCode::OK, &"application/grpc".parse().unwrap())
    );
    let mut from_gate = answer.into_body();
    assert_eq!(from_gate.data().await.unwrap().unwrap(), message(b"first"), "while the call is open");
    to_gate.send_data(message(b"second"), true).unwrap();
    assert_eq!(from_gate.data().await.unwrap().unwrap(), message(b"second"));
    while from_gate.data().await.is_some() {}
    let trailers = from_gate.trailers().await.unwrap().unwrap();
    assert_eq!((status(&trailers), &trailers["x-te"]), ("0", &"trailers".parse().unwrap()));
}

#[tokio::test]
async fn a_message_that_is_too_large_ends_the_call_with_resource_exhausted() {
    let (_gate, mut calls, _files) = serving(vec![grpc_route("/shop.Shop/Chat", grpc_upstream().await, 10)]).await;
    let (answer, mut to_gate) = calls.send_request(call("/shop.Shop/Chat", &[]), false).unwrap();
    to_gate.send_data(message(b"small"), false).unwrap();
    let mut from_gate = answer.await.unwrap().into_body();
    assert_eq!(from_gate.data().await.unwrap().unwrap(), message(b"small"));
    to_gate.send_data(message(b"far too large"), false).unwrap();
    while from_gate.data().await.is_some() {}
    assert_eq!(status(&from_gate.trailers().await.unwrap().unwrap()), "8");
}

#[tokio::test]
async fn the_clients_deadline_ends_the_call() {
    let (_gate, mut calls, _files) = serving(vec![grpc_route("/shop.Shop/Chat", grpc_upstream().await, 10)]).await;
    let asked = call("/shop.Shop/Chat", &[("grpc-timeout", "400m")]);
    let (answer, mut to_gate) = calls.send_request(asked, false).unwrap();
    to_gate.send_data(message(b"wait"), false).unwrap();
    let mut from_gate = answer.await.unwrap().into_body();
    while from_gate.data().await.is_some() {}
    assert_eq!(status(&from_gate.trailers().await.unwrap().unwrap()), "4");
}

#[tokio::test]
async fn a_refused_call_gets_a_status_that_its_client_understands() {
    let nobody = "127.0.0.1:9".parse().unwrap();
    let routes = vec![
        guarded("/shop.Shop/Secret", nobody, Access::SignedIn),
        grpc_route("/shop.Shop/Gone", nobody, 10),
        Route { limit: Some(crate::harness::rate("1/hour")), ..guarded("/shop.Shop/Once", nobody, Access::Public) },
    ];
    let (gate, mut calls, _files) = serving(routes).await;
    let mut ask = async |path: &str, fields: &[(&str, &str)]| {
        let (answer, _) = calls.send_request(call(path, fields), true).unwrap();
        answer.await.unwrap()
    };
    for (path, expected) in [
        ("/shop.Shop/Secret", "16"),
        ("/shop.Shop/Nothing", "12"),
        ("/shop.Shop/Gone", "14"),
        ("/shop.Shop/Once", "14"),
        ("/shop.Shop/Once", "8"),
    ] {
        let answer = ask(path, &[]).await;
        assert_eq!((answer.status().as_u16(), status(answer.headers())), (200, expected), "{path}");
        assert_eq!(answer.headers()["content-type"], "application/grpc");
        assert!(answer.headers()["grpc-message"].to_str().unwrap().contains("(request "), "{answer:?}");
        assert!(answer.into_body().is_end_stream(), "the head is the whole answer");
    }
    let plain = Request::post("https://api.test/shop.Shop/Gone").header("content-type", "application/json");
    let (answer, _) = calls.send_request(plain.body(()).unwrap(), true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 415, "nothing but gRPC where gRPC was declared");
    assert_eq!(
        gate.events().first().unwrap()["http"]["response"]["status_code"],
        401,
        "the log tells what was decided"
    );
}
