use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use bartizan_controls::gate as controls;
use bartizan_evidence::{ConnectionEvent, ConnectionFault, Detail, Event};
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::timeout;

use super::Phase;
use super::proxy::{self, Unproxied};
use super::stream::Stream;
use super::worker::Local;
use crate::body::AnswerBody;
use crate::config::ProxyProtocol;
use crate::exchange::{Connection, Raw};
use crate::gate::Gate;
use crate::pipeline;
use crate::tls::{self, Accepted};
use crate::websocket::{Tunnel, handshake};

/// Streams of one HTTP/2 connection that may be open at once.
const MOST_STREAMS: u32 = 128;
/// Streams that a client may reset before they were accepted (CVE-2023-44487).
const MOST_PENDING_RESETS: usize = 20;
/// hyper's own limit on fields. Setting any, even this one, costs an allocation for each request.
const HYPERS_OWN_HEADERS: usize = 100;

/// How long a client that got its last answer may go on sending, until its connection is closed under it.
const LINGER: Duration = Duration::from_secs(2);

/// Serves one connection from its first byte to its last.
pub(super) async fn serve(mut stream: Stream, peer: SocketAddr, local: Rc<Local>) {
    let _open = local.open.subscribe();
    let _counted = local.recorder.metrics().connection_opened();
    let gate = local.gate();
    let Some(client) = client(&mut stream, peer, &gate, &local).await else { return };
    let Some(tls) = gate.tls.as_ref() else {
        return http1(stream, Connection::plain(peer, client), &gate, &local).await;
    };
    let accepted = match timeout(gate.config.server.timeouts.handshake, tls::accept(tls, stream)).await {
        Ok(Ok(Some(accepted))) => accepted,
        Ok(Ok(None)) => return,
        Ok(Err(cause)) => return failed_handshake(&local, peer, &cause),
        Err(_) => return record(&local, peer, ConnectionFault::Timeout, "no TLS handshake in time"),
    };
    let Accepted { stream, version, certificate, is_http2 } = accepted;
    local.recorder.metrics().tls_handshake(version);
    let connection = Connection { peer, client, tls: Some(version), certificate };
    if is_http2 {
        http2(stream, connection, &gate, &local).await;
    } else {
        http1(stream, connection, &gate, &local).await;
    }
}

/// For whom the connection is: the peer, or whom a proxy names before the first byte. `None` if it is to be closed.
pub(super) async fn client(stream: &mut Stream, peer: SocketAddr, gate: &Gate, local: &Local) -> Option<IpAddr> {
    let server = &gate.config.server;
    match server.listening.proxy_protocol {
        ProxyProtocol::Off => Some(peer.ip().to_canonical()),
        ProxyProtocol::Required => {
            let asked = proxy::client(stream, peer, &server.trusted_proxies);
            match timeout(server.timeouts.handshake, asked).await {
                Ok(Ok(client)) => Some(client),
                // A health check that only connects.
                Ok(Err(Unproxied::Cut(_))) => None,
                Ok(Err(cause)) => {
                    record(local, peer, ConnectionFault::Protocol, &cause.to_string());
                    None
                }
                Err(_) => {
                    record(local, peer, ConnectionFault::Timeout, "no PROXY header in time");
                    None
                }
            }
        }
    }
}

async fn http1(
    mut stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    connection: Connection,
    gate: &Gate,
    local: &Rc<Local>,
) {
    let server = &gate.config.server;
    let peer = connection.peer;
    let handover = Handover::default();
    let service = service_fn(|request| {
        let answered = answer(request, connection.clone(), local.clone());
        async { answered.await.map(|response| handover.keep(response)) }
    });
    let mut http = http1::Builder::new();
    // hyper wants at least 8 KiB.
    let head_bytes = server.bounds.head_bytes.get().max(8 * 1024);
    http.timer(TokioTimer::new()).header_read_timeout(server.timeouts.head).max_buf_size(head_bytes);
    if server.bounds.headers.get() != HYPERS_OWN_HEADERS {
        http.max_headers(server.bounds.headers.get());
    }
    let mut served = http.serve_connection(TokioIo::new(&mut stream), service);
    let outcome = tokio::select! {
        outcome = &mut served => outcome,
        () = draining(local) => {
            Pin::new(&mut served).graceful_shutdown();
            (&mut served).await
        }
    };
    let early = served.into_parts().read_buf;
    if let Err(cause) = outcome {
        // An answer that was cut has to end here and now: that is how the client learns that it is not whole.
        return failed(local, peer, &cause);
    }
    if let Some(tunnel) = handover.take() {
        return tunnel.run(stream, early, draining(local)).await;
    }
    tokio::select! {
        () = linger(&mut stream) => {}
        () = draining(local) => {}
    }
}

/// Reads and forgets what a client still sends after its answer, such as the body of an upload that was refused: closing with bytes
/// unread resets the connection, and the answer is lost on its way (`RFC 9112 §9.6`).
async fn linger(stream: &mut (impl AsyncRead + Unpin)) {
    let mut rest = Vec::with_capacity(16 * 1024);
    let _ = timeout(LINGER, async {
        while stream.read_buf(&mut rest).await.is_ok_and(|length| length > 0) {
            rest.clear();
        }
    })
    .await;
}

async fn http2(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    connection: Connection,
    gate: &Gate,
    local: &Rc<Local>,
) {
    let server = &gate.config.server;
    let peer = connection.peer;
    let service = service_fn(|mut request: Request<Incoming>| {
        let upgrade = handshake::takes_over(&request).then(|| hyper::upgrade::on(&mut request));
        let answered = answer(request, connection.clone(), local.clone());
        let local = local.clone();
        async move { answered.await.map(|response| hand_over(response, upgrade, &local)) }
    });
    let list_bytes = u32::try_from(server.bounds.head_bytes.get()).unwrap_or(u32::MAX);
    let mut http = http2::Builder::new(OnThisThread);
    if gate.has_websockets {
        http.enable_connect_protocol();
    }
    let served = http
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_pending_accept_reset_streams(MOST_PENDING_RESETS)
        .max_header_list_size(list_bytes)
        .max_send_buf_size(256 * 1024)
        .keep_alive_interval(server.timeouts.head)
        .keep_alive_timeout(server.timeouts.head)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    let outcome = tokio::select! {
        outcome = served.as_mut() => outcome,
        () = draining(local) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(cause) = outcome {
        failed(local, peer, &cause);
    }
}

/// Where a connection of HTTP/1 finds what it becomes, once its last answer is out.
#[derive(Default)]
struct Handover(Cell<Option<Box<Tunnel>>>);

impl Handover {
    fn keep(&self, mut response: Response<AnswerBody>) -> Response<AnswerBody> {
        if let Some(tunnel) = response.body_mut().tunnel_mut() {
            self.0.set(tunnel.take());
        }
        response
    }

    fn take(&self) -> Option<Box<Tunnel>> {
        self.0.take()
    }
}

/// Lets a stream of HTTP/2 become what was agreed on, beside the others of its connection.
fn hand_over(
    mut response: Response<AnswerBody>,
    upgrade: Option<hyper::upgrade::OnUpgrade>,
    local: &Rc<Local>,
) -> Response<AnswerBody> {
    let tunnel = response.body_mut().tunnel_mut().and_then(Option::take);
    if let (Some(tunnel), Some(upgrade)) = (tunnel, upgrade) {
        let local = local.clone();
        tokio::task::spawn_local(async move {
            let _open = local.open.subscribe();
            if let Ok(upgraded) = upgrade.await {
                tunnel.run(TokioIo::new(upgraded), Bytes::new(), draining(&local)).await;
            }
        });
    }
    response
}

/// Returns when the worker drains.
async fn draining(local: &Local) {
    let _ = local.phase.clone().wait_for(|phase| *phase != Phase::Serving).await;
}

/// Begins to answer. Not `async`: what it is given goes into the one box of the request, and not into the future as well.
fn answer(
    request: Request<Incoming>,
    connection: Connection,
    local: Rc<Local>,
) -> impl Future<Output = Result<Response<AnswerBody>, Infallible>> {
    let arrived = SystemTime::now();
    let raw = Raw::new(request, connection, arrived, local.request_ids.next(arrived));
    async move {
        // The gate is looked up for each request: a reload reaches connections that are already open.
        let gate = local.gate();
        Ok(pipeline::run(raw, &gate, &local.pool, &local.recorder).await)
    }
}

/// Spawns HTTP/2's tasks on the worker's own thread.
#[derive(Clone, Copy)]
struct OnThisThread;

impl<F: Future + 'static> hyper::rt::Executor<F> for OnThisThread {
    fn execute(&self, task: F) {
        drop(tokio::task::spawn_local(async move {
            task.await;
        }));
    }
}

fn failed_handshake(local: &Local, peer: SocketAddr, cause: &io::Error) {
    match cause.kind() {
        // A port scan, or a browser that changed its mind: no attempt was made.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {}
        _ => record(local, peer, ConnectionFault::TlsHandshake, &cause.to_string()),
    }
}

fn failed(local: &Local, peer: SocketAddr, cause: &hyper::Error) {
    let fault = if cause.is_timeout() {
        ConnectionFault::Timeout
    } else if cause.is_parse() || cause.is_parse_too_large() {
        ConnectionFault::Protocol
    } else {
        // The client went away; whatever was in flight has left its own event.
        return;
    };
    record(local, peer, fault, &cause.to_string());
}

fn record(local: &Local, peer: SocketAddr, fault: ConnectionFault, detail: &str) {
    let control = match fault {
        ConnectionFault::TlsHandshake => Some(controls::TLS.id),
        ConnectionFault::Protocol => Some(controls::REQUEST_INTEGRITY.id),
        _ => None,
    };
    let Some(slot) = local.recorder.reserve() else { return };
    slot.record(Event::Connection(ConnectionEvent {
        time: SystemTime::now(),
        peer,
        fault,
        control,
        detail: Detail::new(detail),
    }));
}
