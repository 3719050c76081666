//! WebSocket connections: who may open one, what may be sent over it, and what ends it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use bartizan_gateway::config::{Compression, Config, Route, WebSocket};
use bartizan_policy::{Access, Revocation};
use bartizan_testkit::{Algorithm, Certificate, Issuer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::harness::{AUDIENCE, Gated, config, eventually, guarded, rate, route, trusting};
use crate::tls::over_tls;

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

/// What the upstream does once the connection is open.
#[derive(Clone, Copy)]
pub(crate) enum Does {
    Echo,
    /// Sends these bytes and reads on.
    Send(&'static [u8]),
    /// Answers the handshake with these fields beside the usual ones.
    Field(&'static str),
}

/// An upstream that speaks WebSocket.
pub(crate) async fn upstream(does: Does) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, does));
        }
    });
    address
}

pub(crate) async fn serve(mut stream: TcpStream, does: Does) -> Option<()> {
    let head = read_head(&mut stream).await?;
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let Some(key) = field("sec-websocket-key").filter(|_| field("upgrade").is_some()) else {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{head}", head.len());
        return stream.write_all(answer.as_bytes()).await.ok();
    };
    let protocol = field("sec-websocket-protocol").and_then(|offers| offers.split(',').next());
    let protocol = protocol.map(|chosen| format!("Sec-WebSocket-Protocol: {chosen}\r\n")).unwrap_or_default();
    let extra = if let Does::Field(extra) = does { extra } else { "" };
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\nServer: secret\r\n{protocol}{extra}\r\n",
        accept(key)
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    if let Does::Send(bytes) = does {
        stream.write_all(bytes).await.ok()?;
    }
    // What the handshake said, for the test to look at.
    if protocol.contains("head") {
        send(&mut stream, TEXT, false, head.as_bytes()).await;
    }
    loop {
        let (first, payload) = receive(&mut stream, true).await?;
        if matches!(does, Does::Echo) && first != PONG {
            send(&mut stream, first, false, &payload).await;
        }
        if first == CLOSE {
            return None;
        }
    }
}

fn accept(key: &str) -> String {
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    // Values keep their case, names lose it.
    let text = String::from_utf8(head).unwrap();
    let line = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}\r\n", name.to_ascii_lowercase()),
        None => format!("{line}\r\n"),
    };
    Some(text.lines().map(line).collect())
}

fn frame(first: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..126 => bytes.push(mask | u8::try_from(length).unwrap()),
        length @ 126..65536 => {
            bytes.push(mask | 0x7E);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(mask | 127);
            bytes.extend(u64::try_from(length).unwrap().to_be_bytes());
        }
    }
    let key = [7, 1, 200, 30];
    if masked {
        bytes.extend(key);
    }
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| if masked { byte ^ key } else { *byte }));
    bytes
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), first: u8, masked: bool, payload: &[u8]) {
    let _ = stream.write_all(&frame(first, masked, payload)).await;
    let _ = stream.flush().await;
}

/// The next frame: its first byte and its payload, unmasked.
async fn receive(stream: &mut (impl AsyncRead + Unpin), masked: bool) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    let second = stream.read_u8().await.ok()?;
    assert_eq!(second & 0x80 != 0, masked, "the gate is a client to the upstream and a server to the client");
    let length = match second & 0x7F {
        126 => usize::from(stream.read_u16().await.ok()?),
        127 => usize::try_from(stream.read_u64().await.ok()?).unwrap(),
        length => usize::from(length),
    };
    let mut key = [0; 4];
    if masked {
        stream.read_exact(&mut key).await.ok()?;
    }
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await.ok()?;
    payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    Some((first, payload))
}

/// A client's connection after its handshake.
pub(crate) struct Socket {
    stream: TcpStream,
    head: String,
}

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

fn opening(fields: &str) -> String {
    format!(
        "GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{fields}\r\n"
    )
}

impl Socket {
    pub(crate) async fn open(gate: &Gated, fields: &str) -> Self {
        Self::ask(gate, &opening(fields)).await
    }

    async fn ask(gate: &Gated, request: &str) -> Self {
        let mut stream = TcpStream::connect(gate.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let head = read_head(&mut stream).await.unwrap_or_default();
        Self { stream, head }
    }

    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    async fn send(&mut self, first: u8, payload: &[u8]) {
        send(&mut self.stream, first, true, payload).await;
    }

    async fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        timeout(Duration::from_secs(10), receive(&mut self.stream, false)).await.unwrap()
    }

    /// The status that the gate closes with, once everything else was read.
    async fn close_status(&mut self) -> Option<u16> {
        loop {
            if let (CLOSE, payload) = self.receive().await? {
                return Some(u16::from_be_bytes([payload[0], payload[1]]));
            }
        }
    }
}

pub(crate) fn with(upstream: SocketAddr, change: impl FnOnce(&mut WebSocket)) -> Route {
    let mut rules = WebSocket::default();
    change(&mut rules);
    Route { websocket: Some(rules), ..route("/socket", upstream) }
}

fn closed(gate: Gated) -> Value {
    let records = gate.records();
    let mut closed: Vec<Value> =
        records.into_iter().filter(|record| record["event"]["action"] == "stream-closed").collect();
    assert_eq!(closed.len(), 1, "{closed:#?}");
    closed.remove(0)
}

#[tokio::test]
async fn messages_flow_both_ways_and_the_end_is_recorded() {
    let gate = Gated::start(config(vec![with(upstream(Does::Echo).await, |_| {})]));
    let mut socket = Socket::open(&gate, "Origin: http://localhost\r\n").await;
    assert_eq!(socket.status(), 101, "{}", socket.head);
    assert!(socket.head.contains(&format!("sec-websocket-accept: {}", accept(KEY))));
    assert!(!socket.head.contains("secret"), "nothing but the handshake leaves: {}", socket.head);
    let large = vec![b'x'; 100_000];
    for (first, payload) in [(TEXT, &b"hello"[..]), (0x01, b"in "), (0x80, b"two"), (PING, b"?"), (0x82, &large)] {
        socket.send(first, payload).await;
        assert!(socket.receive().await == Some((first, payload.to_vec())), "{first:x}");
    }
    socket.send(CLOSE, &1000_u16.to_be_bytes()).await;
    assert_eq!(socket.close_status().await, Some(1000), "the upstream's own answer");
    assert_eq!(socket.stream.read(&mut [0; 8]).await.unwrap_or(0), 0);
    let closed = closed(gate);
    assert_eq!((&closed["event"]["code"], &closed["bartizan"]["stream"]), (&"finished".into(), &"websocket".into()));
    assert_eq!(
        (&closed["bartizan"]["messages_received"], &closed["bartizan"]["messages_sent"]),
        (&3.into(), &3.into())
    );
    assert!(closed["client"]["bytes"].as_u64().unwrap() > 100_000);
}

#[tokio::test]
async fn a_page_of_another_site_cannot_connect_with_its_visitors_cookies() {
    let upstream = upstream(Does::Echo).await;
    let origin = "https://app.example.com".parse().unwrap();
    let gate = Gated::start(config(vec![with(upstream, |rules| rules.origins = vec![origin])]));
    for (fields, status) in [
        ("Origin: https://evil.example\r\nCookie: session=1\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Origin: http://localhost.evil.example\r\n", 403),
        ("Origin: http://localhost:8080\r\n", 403),
        ("Cookie: session=1\r\n", 403),
        ("Origin: https://app.example.com\r\nCookie: session=1\r\n", 101),
        ("Origin: http://api.test\r\nCookie: session=1\r\n", 101),
        ("", 101),
    ] {
        assert_eq!(Socket::open(&gate, fields).await.status(), status, "{fields}");
    }
}

#[tokio::test]
async fn a_handshake_that_does_not_hold_reaches_no_upstream() {
    let gate = Gated::start(config(vec![with("127.0.0.1:9".parse().unwrap(), |_| {})]));
    let good = opening("");
    for (bad, status) in [
        (good.replace("Version: 13", "Version: 8"), 426),
        (good.replace(KEY, "short"), 400),
        (good.replace("keep-alive, Upgrade", "keep-alive"), 400),
        (good.replace("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\nabc"), 400),
        (good.replace("GET", "POST"), 400),
    ] {
        let refused = Socket::ask(&gate, &bad).await;
        assert_eq!(refused.status(), status, "{bad}");
        assert!(refused.head.contains("application/problem+json"));
    }
    assert!(
        Socket::ask(&gate, &good.replace("Version: 13", "Version: 8")).await.head.contains("sec-websocket-version: 13")
    );
}

#[tokio::test]
async fn a_route_without_websocket_forwards_no_upgrade() {
    let gate = Gated::start(config(vec![route("/socket", upstream(Does::Echo).await)]));
    let mut plain = Socket::open(&gate, "").await;
    assert_eq!(plain.status(), 200, "answered as the plain GET that it also is");
    let mut seen = String::new();
    let _ = timeout(Duration::from_millis(300), plain.stream.read_to_string(&mut seen)).await;
    assert!(!seen.contains("upgrade"), "{seen}");
}

#[tokio::test]
async fn the_upstream_is_offered_the_protocol_but_no_compression_unless_that_was_said() {
    let upstream = upstream(Does::Echo).await;
    for (compression, offered) in [(Compression::Strip, false), (Compression::Allow, true)] {
        let gate = Gated::start(config(vec![with(upstream, |rules| rules.compression = compression)]));
        let fields =
            "Sec-WebSocket-Protocol: head, other\r\nSec-WebSocket-Extensions: x-webkit, permessage-deflate; a=1\r\n";
        let mut socket = Socket::open(&gate, fields).await;
        assert!(socket.head.contains("sec-websocket-protocol: head"), "{}", socket.head);
        let (_, seen) = socket.receive().await.unwrap();
        let seen = String::from_utf8(seen).unwrap();
        assert_eq!(seen.contains("sec-websocket-extensions: permessage-deflate; a=1\r\n"), offered, "{seen}");
        assert!(!seen.contains("x-webkit") && !seen.contains(KEY), "each side has its own key: {seen}");
    }
}

#[tokio::test]
async fn an_upstream_that_agrees_to_what_nobody_offered_is_not_believed() {
    for field in ["Sec-WebSocket-Extensions: permessage-deflate\r\n", "Sec-WebSocket-Protocol: other\r\n"] {
        let gate = Gated::start(config(vec![with(upstream(Does::Field(field)).await, |_| {})]));
        assert_eq!(Socket::open(&gate, "").await.status(), 502, "{field}");
    }
}

#[tokio::test]
async fn what_breaks_a_limit_or_the_protocol_is_closed_with_its_status() {
    let upstream = upstream(Does::Echo).await;
    let flood: Vec<u8> = (0..20).flat_map(|_| frame(PING, true, b"")).collect();
    for (bytes, status, code) in [
        (frame(TEXT, true, &[0; 2000]), 1009, "message-too-large"),
        (flood, 1008, "too-many-messages"),
        (frame(TEXT, false, b"bare"), 1002, "masking"),
        (frame(0xC1, true, b"rsv"), 1002, "reserved-bit"),
        (frame(0x83, true, b"?"), 1002, "unknown-opcode"),
    ] {
        let gate = Gated::start(config(vec![with(upstream, |rules| {
            rules.message_bytes = 1000;
            rules.rate = rate("5/minute");
        })]));
        let mut socket = Socket::open(&gate, "").await;
        socket.stream.write_all(&bytes).await.unwrap();
        assert_eq!(socket.close_status().await, Some(status), "{code}");
        let closed = closed(gate);
        assert_eq!((&closed["event"]["code"], &closed["event"]["reason"]), (&"violation".into(), &code.into()));
    }
}

#[tokio::test]
async fn an_upstream_that_breaks_the_protocol_is_cut_off_from_the_client() {
    let gate = Gated::start(config(vec![with(upstream(Does::Send(&[TEXT, 0x81, 1, 2, 3, 4, 5])).await, |_| {})]));
    let mut socket = Socket::open(&gate, "").await;
    assert_eq!(socket.close_status().await, Some(1011));
}

#[tokio::test]
async fn a_silent_client_is_asked_whether_it_lives_and_cut_if_it_does_not_say() {
    let upstream = upstream(Does::Echo).await;
    let gate = Gated::start(config(vec![with(upstream, |rules| rules.idle = Duration::from_millis(400))]));
    let mut socket = Socket::open(&gate, "").await;
    let began = Instant::now();
    for _ in 0..4 {
        assert_eq!(socket.receive().await, Some((PING, Vec::new())));
        socket.send(PONG, b"").await;
    }
    assert!(began.elapsed() > Duration::from_millis(500), "whoever answers stays");
    assert_eq!(socket.close_status().await, Some(1001));
    assert_eq!(closed(gate)["event"]["reason"], "idle");
}

#[tokio::test]
async fn a_connection_ends_with_its_lifetime() {
    let upstream = upstream(Does::Echo).await;
    let gate = Gated::start(config(vec![with(upstream, |rules| rules.lifetime = Duration::from_millis(300))]));
    assert_eq!(Socket::open(&gate, "").await.close_status().await, Some(1001));
}

fn signed_in(issuer: &Issuer, upstream: SocketAddr) -> Config {
    let route = Route { websocket: Some(WebSocket::default()), ..guarded("/socket", upstream, Access::SignedIn) };
    let mut rules = config(vec![route]);
    rules.issuers = vec![trusting(issuer)];
    rules
}

#[tokio::test]
async fn a_connection_does_not_outlive_its_token() {
    let (issuer, upstream) = (Issuer::start(Algorithm::Es256), upstream(Does::Echo).await);
    let gate = Gated::start(signed_in(&issuer, upstream));
    assert_eq!(Socket::open(&gate, "").await.status(), 401, "the handshake needs what any request needs");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let token = issuer.token(serde_json::json!({ "aud": AUDIENCE, "sub": "alice", "exp": now + 2 }));
    let mut socket = Socket::open(&gate, &format!("Authorization: Bearer {token}\r\n")).await;
    assert_eq!(socket.status(), 101, "{}", socket.head);
    assert_eq!(socket.close_status().await, Some(1008));
    assert_eq!(closed(gate)["event"]["code"], "credential-expired");
}

#[tokio::test]
async fn a_revocation_ends_connections_that_are_open() {
    let (issuer, upstream) = (Issuer::start(Algorithm::Es256), upstream(Does::Echo).await);
    let rules = signed_in(&issuer, upstream);
    let gate = Gated::start(rules.clone());
    let token = issuer.token(serde_json::json!({ "aud": AUDIENCE, "sub": "alice" }));
    let mut socket = Socket::open(&gate, &format!("Authorization: Bearer {token}\r\n")).await;
    assert_eq!(socket.status(), 101, "{}", socket.head);
    let subject = Revocation::Subject { issuer: issuer.url().into(), subject: "alice".into(), before: None };
    gate.replace(Config { revoked: vec![subject], ..rules });
    assert_eq!(socket.close_status().await, Some(1008), "of a configuration that came later, too");
    assert_eq!(closed(gate)["event"]["code"], "revoked");
}

#[tokio::test]
async fn a_drain_says_goodbye_to_both_sides() {
    let mut gate = Gated::start(config(vec![with(upstream(Does::Echo).await, |_| {})]));
    let mut socket = Socket::open(&gate, "").await;
    socket.send(TEXT, b"here").await;
    assert!(socket.receive().await.is_some());
    let drained = gate.drain();
    assert_eq!(socket.close_status().await, Some(1001));
    drop(socket);
    eventually("it has drained", || drained.is_finished()).await;
    assert_eq!(closed(gate)["event"]["code"], "drained");
}

#[tokio::test]
async fn over_http2_a_stream_becomes_the_connection() {
    let certificate = Certificate::for_names(&["api.test"]);
    let rules = config(vec![with(upstream(Does::Echo).await, |_| {}), route("/plain", "127.0.0.1:9".parse().unwrap())]);
    let (rules, _files) = over_tls(rules, &[&certificate]);
    let gate = Gated::start(rules);
    let stream = crate::tls::handshake(&gate, &certificate, "api.test", crate::tls::BOTH, &["h2"]).await.unwrap();
    let (mut sender, mut connection) = h2::client::handshake(stream).await.unwrap();
    // The settings tell whether extended CONNECT is spoken.
    std::future::poll_fn(|task| {
        let _ = std::pin::Pin::new(&mut connection).poll(task);
        if sender.is_extended_connect_protocol_enabled() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    tokio::spawn(connection);
    let asking = |path: &str, fields: &[(&str, &str)]| {
        let mut request = Request::connect(format!("https://api.test{path}")).header("sec-websocket-version", "13");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.extension(h2::ext::Protocol::from_static("websocket")).body(()).unwrap()
    };
    let (answer, mut to_gate) =
        sender.send_request(asking("/socket", &[("origin", "https://api.test")]), false).unwrap();
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut from_gate = answer.into_body();
    to_gate.send_data(Bytes::from(frame(TEXT, true, b"hello")), false).unwrap();
    assert_eq!(from_gate.data().await.unwrap().unwrap(), frame(TEXT, false, b"hello"));
    to_gate.send_data(Bytes::from(frame(TEXT, false, b"bare")), false).unwrap();
    assert_eq!(from_gate.data().await.unwrap().unwrap(), frame(CLOSE, false, &1002_u16.to_be_bytes()));
    for (path, origin, status) in [("/socket", "https://evil.example", 403), ("/plain", "https://api.test", 400)] {
        let (answer, _) = sender.send_request(asking(path, &[("origin", origin)]), true).unwrap();
        assert_eq!(answer.await.unwrap().status(), status, "{path}");
    }
}
