use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bartizan_evidence::ConnectionFault;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::timeout;

use super::connection::{answer, draining, failed, record};
use super::tracked::Tracked;
use super::worker::Local;
use crate::body::AnswerBody;
use crate::config::Server;
use crate::exchange::Connection;
use crate::gate::Gate;
use crate::websocket::Tunnel;
use crate::wire::{HeadBounds, InFlight, Lapse, Pace, Wire};

/// hyper's own limit on fields. Setting any, even this one, costs an allocation for each request.
const HYPERS_OWN_HEADERS: usize = 100;
/// The smallest buffer that hyper takes, and room for what else came with the largest head.
const BUFFER: usize = 8 * 1024;
/// How long a client that got its last answer may go on sending, until its connection is closed under it.
const LINGER: Duration = Duration::from_secs(2);

/// Whether a connection serves more than one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    KeepAlive,
    /// The plain listener redirects once, which is all that anybody needs of a connection.
    Once,
}

/// Serves HTTP/1: every request is framed by [`Wire`] before hyper sees it.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    connection: Connection,
    gate: &Gate,
    local: &Rc<Local>,
) {
    let pace = local.pace(gate);
    let handover = Handover::default();
    let service = |request: Request<Incoming>| {
        let (in_flight, refused) = InFlight::begin(&pace);
        let answered = answer(request, refused, connection.clone(), local.clone());
        tracked(answered, in_flight, pace.clone(), &handover)
    };
    let left = drive(stream, service, Reuse::KeepAlive, connection.peer, gate, local, pace.clone(), || handover.take());
    if let Some((tunnel, stream, early)) = left.await {
        tunnel.run(stream, early, draining(local)).await;
    }
}

async fn tracked(
    answered: impl Future<Output = Response<AnswerBody>>,
    in_flight: InFlight,
    pace: Arc<Pace>,
    handover: &Handover,
) -> Result<Response<Tracked>, Infallible> {
    let mut response = answered.await;
    if let Some(tunnel) = response.body_mut().tunnel_mut().and_then(Option::take) {
        handover.0.set(Some(tunnel));
        pace.leave_http();
    }
    Ok(response.map(|body| Tracked::new(body, in_flight)))
}

/// Where a connection finds what it becomes, once its last answer is out.
#[derive(Default)]
struct Handover(Cell<Option<Box<Tunnel>>>);

impl Handover {
    fn take(&self) -> Option<Box<Tunnel>> {
        self.0.take()
    }
}

/// Drives hyper over a connection, for whatever answers its requests. What `becomes` names takes the connection over afterwards, with
/// what the client sent early.
#[expect(clippy::too_many_arguments, reason = "what a connection is made of, by two callers")]
pub(super) async fn drive<S, F, A, B>(
    stream: S,
    service: F,
    reuse: Reuse,
    peer: SocketAddr,
    gate: &Gate,
    local: &Rc<Local>,
    pace: Arc<Pace>,
    becomes: impl FnOnce() -> Option<Box<Tunnel>>,
) -> Option<(Box<Tunnel>, Wire<S>, Bytes)>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    F: Fn(Request<Incoming>) -> A,
    A: Future<Output = Result<Response<B>, Infallible>>,
    B: http_body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let server = &gate.config.server;
    let mut wire = Wire::new(stream, bounds(server), pace.clone());
    let mut http = http1::Builder::new();
    http.max_buf_size(server.bounds.head_bytes.get().saturating_add(BUFFER));
    http.keep_alive(reuse == Reuse::KeepAlive);
    if server.bounds.headers.get() != HYPERS_OWN_HEADERS {
        http.max_headers(server.bounds.headers.get());
    }
    let mut served = http.serve_connection(TokioIo::new(&mut wire), service_fn(service));
    let outcome = tokio::select! {
        outcome = &mut served => outcome,
        () = draining(local) => {
            Pin::new(&mut served).graceful_shutdown();
            (&mut served).await
        }
    };
    let early = served.into_parts().read_buf;
    if outcome.is_ok()
        && let Some(tunnel) = becomes()
    {
        return Some((tunnel, wire, early));
    }
    match (outcome, pace.lapsed()) {
        (Err(_), Some(Lapse::Stall)) => {
            record(local, peer, ConnectionFault::Timeout, "the client does not take its answer")
        }
        // An answer that was cut has to end here and now: that is how the client learns that it is not whole.
        (Err(cause), _) => failed(local, peer, &cause),
        (Ok(()), Some(Lapse::Head)) if pace.is_fresh() => {
            record(local, peer, ConnectionFault::Timeout, "no request in time")
        }
        (Ok(()), _) => tokio::select! {
            () = linger(wire.stream_mut()) => {}
            () = draining(local) => {}
        },
    }
    None
}

fn bounds(server: &Server) -> HeadBounds {
    let bounds = server.bounds;
    HeadBounds { bytes: bounds.head_bytes.get(), fields: bounds.headers.get(), target: bounds.target_bytes.get() }
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
