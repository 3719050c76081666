use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bartizan_evidence::ConnectionFault;
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
    let service = |request: Request<Incoming>| {
        let (in_flight, refused) = InFlight::begin(&pace);
        let answered = answer(request, refused, connection.clone(), local.clone());
        tracked(answered, in_flight, pace.clone())
    };
    drive(stream, service, Reuse::KeepAlive, connection.peer, gate, local, pace.clone()).await;
}

async fn tracked(
    answered: impl Future<Output = Response<AnswerBody>>,
    in_flight: InFlight,
    pace: Arc<Pace>,
) -> Result<Response<Tracked>, Infallible> {
    let response = answered.await;
    if response.status() == http::StatusCode::SWITCHING_PROTOCOLS {
        pace.leave_http();
    }
    Ok(response.map(|body| Tracked::new(body, in_flight)))
}

/// Drives hyper over a connection, for whatever answers its requests.
pub(super) async fn drive<F, A, B>(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    service: F,
    reuse: Reuse,
    peer: SocketAddr,
    gate: &Gate,
    local: &Rc<Local>,
    pace: Arc<Pace>,
) where
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
    let served = http.serve_connection(TokioIo::new(&mut wire), service_fn(service));
    let outcome = {
        let mut served = pin!(served);
        tokio::select! {
            outcome = served.as_mut() => outcome,
            () = draining(local) => {
                served.as_mut().graceful_shutdown();
                served.await
            }
        }
    };
    match (outcome, pace.lapsed()) {
        (Err(_), Some(Lapse::Stall)) => record(local, peer, ConnectionFault::Timeout, "the client does not take its answer"),
        // An answer that was cut has to end here and now: that is how the client learns that it is not whole.
        (Err(cause), _) => failed(local, peer, &cause),
        (Ok(()), Some(Lapse::Head)) if pace.is_fresh() => record(local, peer, ConnectionFault::Timeout, "no request in time"),
        (Ok(()), _) => tokio::select! {
            () = linger(wire.stream_mut()) => {}
            () = draining(local) => {}
        },
    }
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
