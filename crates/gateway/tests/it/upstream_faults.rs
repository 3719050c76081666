//! Upstreams that are gone, hang, lie or break off: the client never sees one answer for another, nor half of one for a whole.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use bartizan_testkit::{Answer, HttpClient, RawUpstream, Step, Upstream};
use bytes::Bytes;
use http::{Method, Response, StatusCode};

use crate::harness::{Gated, config, eventually, request, route};
use crate::wire::{Wire, exchange};

const GET: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test]
async fn an_upstream_that_is_not_there_gets_502() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gate = Gated::start(config(vec![route("/", nobody)]));
    let answer = gate.get("/").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(!answer.text().contains(&nobody.port().to_string()), "{}", answer.text());
    assert_eq!(gate.only_event()["event"]["reason"], "connection-refused");
}

#[tokio::test]
async fn an_upstream_that_hangs_gets_504() {
    let upstream = Upstream::start(|_| Answer::Hang);
    let mut route = route("/", upstream.address());
    route.timeouts.first_byte = Duration::from_millis(200);
    let gate = Gated::start(config(vec![route]));
    assert_eq!(gate.get("/").await.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(gate.only_event()["bartizan"]["outcome"], "failed");
}

#[tokio::test]
async fn what_is_no_http_gets_502() {
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.6\r\n"[..],
        b"\x00\x01\x02",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nbroken field\r\n\r\n",
        b"",
    ] {
        let upstream = RawUpstream::sending(bytes);
        let gate = Gated::start(config(vec![route("/", upstream.address())]));
        let answer = gate.get("/").await;
        assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn an_upstream_with_an_endless_head_gets_502() {
    let head = format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n", "a".repeat(1 << 20));
    let upstream = RawUpstream::sending(head);
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    assert_eq!(gate.get("/").await.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn switching_protocols_unasked_gets_502() {
    let upstream = RawUpstream::start(vec![
        Step::ReadHead,
        Step::Send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_vec()),
        Step::Hold,
    ]);
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    assert_eq!(gate.get("/").await.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn an_answer_shorter_than_it_says_is_cut_and_not_passed_off_as_whole() {
    for lie in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\nshort",
    ] {
        let upstream = RawUpstream::sending(lie);
        let gate = Gated::start(config(vec![route("/", upstream.address())]));
        let mut wire = Wire::open(gate.address()).await;
        wire.send(GET).await;
        let reply = wire.reply().await;
        assert!(!reply.is_whole, "{lie}: {reply:?}");
        assert!(wire.is_closed().await, "{lie}");
    }
}

#[tokio::test]
async fn what_an_upstream_sends_beyond_its_answer_is_never_the_next_answer() {
    let poisoned =
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    let upstream = RawUpstream::start(vec![Step::ReadHead, Step::Send(poisoned.into()), Step::Hold]);
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let client = HttpClient::plain();
    let mut connection = client.connect(&gate.url("/").parse().unwrap()).await.unwrap();
    for _ in 0..5 {
        let answer = connection.send(request(Method::GET, &gate.url("/"), &[], "")).await.unwrap();
        assert_eq!(answer.text(), "hello");
    }
    assert_eq!(upstream.received().len(), 5, "no connection is used twice");
}

#[tokio::test]
async fn a_connection_that_the_upstream_closed_while_idle_fails_no_request() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    // Closes without a word after each answer, but only after a while.
    let steps = vec![Step::ReadHead, Step::Send(answer.into()), Step::Wait(Duration::from_millis(50))];
    let upstream = RawUpstream::start(steps);
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    for _ in 0..3 {
        for bytes in [GET, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx"] {
            assert_eq!(exchange(gate.address(), bytes).await.status, 200);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// An upstream that answers the first request of a connection and resets it at the second.
fn dies_at_the_second() -> RawUpstream {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    RawUpstream::start(vec![Step::ReadHead, Step::Send(answer.into()), Step::ReadHead, Step::Reset])
}

#[tokio::test]
async fn a_safe_request_over_a_connection_that_was_dying_is_tried_once_more() {
    let upstream = dies_at_the_second();
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    assert_eq!(exchange(gate.address(), GET).await.status, 200);
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(exchange(gate.address(), GET).await.status, 200, "over a new connection");
    assert_eq!(upstream.received().len(), 2);
    assert_eq!(gate.events().len(), 2);
}

#[tokio::test]
async fn a_request_that_changes_something_is_never_sent_twice() {
    for method in ["POST", "PUT", "DELETE"] {
        let upstream = dies_at_the_second();
        let gate = Gated::start(config(vec![route("/", upstream.address())]));
        assert_eq!(exchange(gate.address(), GET).await.status, 200);
        tokio::time::sleep(Duration::from_millis(700)).await;
        let bytes = format!("{method} / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
        assert_eq!(exchange(gate.address(), bytes).await.status, 502, "{method}");
        let sent: usize = upstream
            .received()
            .iter()
            .map(|bytes| String::from_utf8_lossy(bytes).matches(&format!("{method} /")).count())
            .sum();
        assert_eq!(sent, 1, "{method}");
    }
}

#[tokio::test]
async fn an_upstream_that_comes_back_is_served_again_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let gate = Gated::start(config(vec![route("/", address)]));
    assert_eq!(gate.get("/").await.status, StatusCode::BAD_GATEWAY);
    let listener = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    });
    assert_eq!(gate.get("/").await.text(), "ok");
}

#[tokio::test]
async fn a_client_that_leaves_an_answer_half_read_does_not_leave_its_rest_to_the_next() {
    let upstream = Upstream::start(|request| {
        let body = if request.target == "/large" { "L".repeat(8 << 20) } else { "small".to_owned() };
        Answer::Respond(Response::new(Bytes::from(body)))
    });
    let gate = Gated::start(config(vec![route("/{*rest}", upstream.address())]));
    let mut wire = Wire::open(gate.address()).await;
    wire.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(wire.until("LLLL").await.is_some());
    wire.reset();
    for _ in 0..3 {
        assert_eq!(gate.get("/small").await.text(), "small");
    }
    eventually("both events are written", || gate.recorder().metrics().render().contains("answered")).await;
}

/// An answer of a thousand bytes that says one of them every 40 ms.
fn dribbling() -> Vec<Step> {
    let head = Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_vec());
    let bytes = (0..1000).flat_map(|_| [Step::Wait(Duration::from_millis(40)), Step::Send(b"a".to_vec())]);
    [Step::ReadHead, head].into_iter().chain(bytes).collect()
}

#[tokio::test]
async fn an_answer_that_dribbles_or_stops_is_cut_when_its_time_is_over() {
    let stops =
        vec![Step::ReadHead, Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_vec()), Step::Hold];
    for script in [dribbling(), stops] {
        let upstream = RawUpstream::start(script);
        let mut route = route("/", upstream.address());
        route.timeouts.total = Duration::from_millis(800);
        let gate = Gated::start(config(vec![route]));
        let mut wire = Wire::open(gate.address()).await;
        let began = Instant::now();
        wire.send(GET).await;
        let reply = wire.reply().await;
        assert!(!reply.is_whole && !reply.body.is_empty(), "{reply:?}");
        assert!(began.elapsed() >= Duration::from_millis(800), "no sooner than configured");
        assert!(wire.is_closed().await, "so that nobody takes it for whole");
        let event = gate.only_event();
        assert_eq!(event["http"]["response"]["status_code"], 200, "what was decided: {event:#}");
    }
}

#[tokio::test]
async fn an_answer_that_is_slow_but_ends_in_time_arrives_whole() {
    let pieces = (0..20).flat_map(|_| [Step::Wait(Duration::from_millis(20)), Step::Send(b"ab".to_vec())]);
    let head = Step::Send(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n".to_vec());
    let upstream = RawUpstream::start([Step::ReadHead, head].into_iter().chain(pieces).collect());
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    assert_eq!(gate.get("/").await.text(), "ab".repeat(20));
}
