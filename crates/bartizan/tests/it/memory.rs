//! What a node holds in memory while it is flooded, and while bodies larger than its memory should ever be pass through it.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use bartizan_testkit::frames::{CANCEL, CONTINUATION, END_STREAM, HEADERS, Http2, SETTINGS, fields, frame, get, reset};
use bartizan_testkit::{Certificate, HttpClient, Protocol, Upstream};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::node::Node;

const MIB: u64 = 1 << 20;
/// A body that no buffer between two sides could hide.
const LARGE: u64 = 512 * MIB;

/// A node over TLS before one upstream, with what speaks to it.
struct Target {
    node: Node,
    client: HttpClient,
    url: Uri,
}

impl Target {
    fn start(upstream: SocketAddr, more: &str) -> Self {
        let certificate = Certificate::for_names(&["localhost"]);
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://localhost\"\nworkers = 2\nmax_body = \"1GiB\"\n\
             tls = {{ cert = \"tls.crt\", key = \"tls.key\" }}\n{more}\n[console]\nlisten = \"127.0.0.1:0\"\n\
             [limits]\naddress = \"100000000/minute\"\n[[routes]]\nname = \"all\"\npath = \"/\"\n\
             methods = [\"GET\", \"POST\"]\nupstream = \"http://{upstream}\"\naccess = \"public\"\n"
        );
        for (name, text) in [("bartizan.toml", &text), ("tls.crt", &certificate.pem), ("tls.key", &certificate.key_pem)]
        {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let node = Node::start_in(directory);
        let address = node.address_after("serving https://");
        let client = HttpClient::trusting(&certificate.der).connecting_to(address);
        Self { node, client, url: "https://localhost/".parse().unwrap() }
    }

    /// Serves a while first, so that what is held for good is there already.
    async fn warmed(self) -> Self {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let client = self.client.clone().over(protocol);
            let mut connection = client.connect(&self.url).await.unwrap();
            for _ in 0..200 {
                let request = Request::get(self.url.clone()).body(Bytes::new()).unwrap();
                assert_eq!(connection.send(request).await.unwrap().status, StatusCode::OK);
            }
        }
        self
    }

    /// How much larger the node was at its largest while `act` went on than before.
    async fn growth(&self, act: impl Future<Output = ()>) -> u64 {
        let (before, is_over, largest) = (resident(&self.node), Arc::new(AtomicBool::new(false)), Arc::default());
        let path = format!("/proc/{}/status", self.node.id());
        let watcher = thread::spawn({
            let (is_over, largest): (_, Arc<AtomicU64>) = (is_over.clone(), Arc::clone(&largest));
            move || {
                while !is_over.load(Ordering::Relaxed) {
                    largest.fetch_max(resident_in(&path), Ordering::Relaxed);
                    thread::sleep(Duration::from_millis(10));
                }
            }
        });
        act.await;
        is_over.store(true, Ordering::Relaxed);
        watcher.join().unwrap();
        largest.load(Ordering::Relaxed).saturating_sub(before)
    }

    async fn serves(&self) {
        let answer = self.client.clone().over(Protocol::Http2).get(&self.url.to_string()).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
    }

    async fn http2(&self, settings: &[(u16, u32)]) -> Http2 {
        Http2::open(&self.client, &self.url, settings).await.unwrap()
    }
}

fn resident(node: &Node) -> u64 {
    resident_in(&format!("/proc/{}/status", node.id()))
}

/// The resident set, in bytes.
fn resident_in(status: &str) -> u64 {
    let status = fs::read_to_string(status).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// One attacker of many: begins anew as often as it is cut off.
async fn attack(target: &Target, attackers: usize, rounds: usize, open: &[u8], next: impl Fn(u32) -> Vec<u8> + Copy) {
    let attack = async |_: usize| {
        for _ in 0..rounds {
            let mut client = target.http2(&[]).await;
            client.send(open).await;
            for number in 0..100 {
                let piece: Vec<u8> = (0..100).flat_map(|offset| next(number * 100 + offset)).collect();
                if !client.send(piece).await {
                    break;
                }
            }
        }
    };
    futures(attackers, attack).await;
}

/// Does the same several times at once.
async fn futures(count: usize, act: impl AsyncFn(usize)) {
    let mut running: Vec<_> = (0..count).map(|number| Box::pin(act(number))).collect();
    std::future::poll_fn(|task| {
        running.retain_mut(|one| one.as_mut().poll(task).is_pending());
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_http2_frames_do_not_fill_the_memory() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let target = Target::start(upstream.address(), "").warmed().await;
    let rapid_reset = |number: u32| {
        let stream = 2 * number + 1;
        [get(stream), reset(stream, CANCEL)].concat()
    };
    let open = frame(HEADERS, END_STREAM, 1, &fields("GET", &[]));
    let padding = fields("GET", &[("x-padding", &"a".repeat(100))])[14..].repeat(100);
    let continuation = |_| frame(CONTINUATION, 0, 1, &padding);
    let settings = |_| frame(SETTINGS, 0, 0, &[]);
    for (name, growth) in [
        ("rapid reset", target.growth(attack(&target, 20, 5, &[], rapid_reset)).await),
        ("CONTINUATION", target.growth(attack(&target, 20, 5, &open, continuation)).await),
        ("SETTINGS", target.growth(attack(&target, 20, 5, &[], settings)).await),
    ] {
        assert!(growth < 24 * MIB, "{name}: {} KiB more", growth / 1024);
        report(name, growth);
    }
    target.serves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_dawdle_do_not_fill_the_memory() {
    let upstream = Upstream::answering(StatusCode::OK, "a".repeat(64 << 20));
    let target = Target::start(upstream.address(), "idle_timeout = \"20s\"");
    let first = target.client.get(&target.url.to_string()).await.unwrap();
    assert_eq!(first.body.len(), 64 << 20);
    let slow_loris = async |_: usize| {
        let mut stream = target.client.tls(&target.url).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
        for _ in 0..10 {
            let _ = stream.write_all(b"X-Slow: a\r\n").await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let growth = target.growth(futures(300, slow_loris)).await;
    report("300 × slow-loris", growth);
    assert!(growth < 300 * 96 * 1024, "{} KiB more for 300 connections", growth / 1024);
    // Each answer alone is larger than what all of them together may take.
    let reads_nothing = async |_: usize| {
        let mut stream = target.client.tls(&target.url).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        let _ = stream.read(&mut [0; 1024]).await;
    };
    let growth = target.growth(futures(20, reads_nothing)).await;
    report("20 × slow reader", growth);
    assert!(growth < 20 * MIB, "{} KiB more for 20 × 64 MiB that nobody reads", growth / 1024);
    target.serves().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_of_ten_megabytes_are_refused_before_they_are_held() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let target = Target::start(upstream.address(), "").warmed().await;
    let field = [b"X-Long: ".as_slice(), &vec![b'a'; 10 << 20], b"\r\n\r\n"].concat();
    let refused = AtomicU64::new(0);
    let large_head = async |_: usize| {
        let mut stream = target.client.tls(&target.url).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
        let (mut from, mut to) = tokio::io::split(stream);
        let sent = async {
            let _ = to.write_all(&field).await;
        };
        let mut answer = vec![0; 12];
        let read = async {
            if from.read_exact(&mut answer).await.is_ok() && answer == b"HTTP/1.1 431" {
                refused.fetch_add(1, Ordering::Relaxed);
            }
        };
        tokio::join!(sent, read);
    };
    let growth = target.growth(futures(40, large_head)).await;
    report("40 × a head of 10 MiB", growth);
    assert!(growth < 16 * MIB, "{} KiB more", growth / 1024);
    assert_eq!(refused.load(Ordering::Relaxed), 40, "each is told why");
    target.serves().await;
}

/// A body of so many bytes, made as it is sent.
struct Made(u64);

impl Body for Made {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static PIECE: [u8; 64 << 10] = [b'a'; 64 << 10];
        let left = &mut self.get_mut().0;
        let mut piece = Bytes::from_static(&PIECE);
        piece.truncate(usize::try_from(*left).unwrap());
        *left -= piece.len() as u64;
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

async fn bytes_of(mut body: Incoming) -> u64 {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.unwrap().data_ref().map_or(0, Bytes::len) as u64;
    }
    bytes
}

/// An upstream that holds nothing: it counts what it is sent, and makes what it sends.
async fn streaming_upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = |request: Request<Incoming>| async {
        if request.method() == Method::POST {
            let bytes = bytes_of(request.into_body()).await;
            return Ok::<_, Infallible>(Response::new(Either::Left(Full::from(bytes.to_string()))));
        }
        let length = if request.headers().contains_key("x-large") { LARGE } else { 5 };
        Ok(Response::new(Either::Right(Made(length))))
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(serve)),
            );
        }
    });
    address
}

/// Sends a request over a connection of its own, with a body as large as it likes.
async fn send(target: &Target, protocol: Protocol, request: Request<Made>) -> Response<Incoming> {
    let stream = TokioIo::new(target.client.clone().over(protocol).tls(&target.url).await.unwrap());
    match protocol {
        Protocol::Http1 => {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            sender.send_request(request).await.unwrap()
        }
        Protocol::Http2 => {
            let mut builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
            let (sender, connection) = builder.adaptive_window(true).handshake(stream).await.unwrap();
            tokio::spawn(connection);
            let mut sender: hyper::client::conn::http2::SendRequest<Made> = sender;
            sender.send_request(request).await.unwrap()
        }
    }
}

fn large(protocol: Protocol, method: Method, length: u64) -> Request<Made> {
    let target = if protocol == Protocol::Http2 { "https://localhost/" } else { "/" };
    let request = Request::builder().method(method).uri(target).header("host", "localhost").header("x-large", "1");
    request.body(Made(length)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_gigabyte_passes_in_either_direction_without_being_held() {
    let target = Target::start(streaming_upstream().await, "").warmed().await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let upload = async {
            let answer = send(&target, protocol, large(protocol, Method::POST, LARGE)).await;
            assert_eq!(answer.status(), StatusCode::OK);
            let counted = answer.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(counted, LARGE.to_string(), "the upstream got all of it");
        };
        let growth = target.growth(upload).await;
        report(&format!("{protocol:?} upload of 512 MiB"), growth);
        assert!(growth < 32 * MIB, "{protocol:?} upload: {} KiB more", growth / 1024);
        let download = async {
            let answer = send(&target, protocol, large(protocol, Method::GET, 0)).await;
            assert_eq!((answer.status(), bytes_of(answer.into_body()).await), (StatusCode::OK, LARGE));
        };
        let growth = target.growth(download).await;
        report(&format!("{protocol:?} download of 512 MiB"), growth);
        assert!(growth < 32 * MIB, "{protocol:?} download: {} KiB more", growth / 1024);
    }
}

/// The figure, for whoever runs the tests with `--nocapture`.
#[expect(clippy::print_stdout, reason = "a figure that a note can quote")]
fn report(what: &str, growth: u64) {
    println!("{what}: {} KiB more at most", growth / 1024);
}
