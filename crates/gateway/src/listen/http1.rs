use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bartizan_evidence::ConnectionFault;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
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
/// How long a silent connection stays open once the gate drains.
const IDLE_AT_DRAIN: Duration = Duration::from_secs(2);
/// How long a client that got its last answer may go on sending, until its connection is closed under it.
const LINGER: Duration = Duration::from_secs(2);

/// Whether a connection serves more than one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    KeepAlive,
    /// One redirect is all that anybody needs of the plain listener.
    Once,
}

/// A connection whose last answer is out, and what its client sent after the last request.
pub(super) struct Left<S> {
    stream: S,
    early: Bytes,
}

/// Serves HTTP/1: every request is framed by [`Wire`] before hyper sees it.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    stream: S,
    connection: Connection,
    gate: &Gate,
    local: &Rc<Local>,
) {
    let pace = local.pace(gate);
    let handover = Handover::default();
    let peer = connection.peer;
    let service = |request: Request<Incoming>| {
        let (in_flight, refused) = InFlight::begin(&pace);
        let answered = answer(request, refused, connection.clone(), local.clone());
        // Not an `async` block: it would hold `answered` twice, and hyper copies this future for each request.
        answered.map(|response| Ok(handover.keep(response).map(|body| Tracked::new(body, in_flight))))
    };
    let Some(left) = drive(stream, service, Reuse::KeepAlive, peer, gate, local, &pace).await else { return };
    match handover.take() {
        Some(tunnel) => Box::pin(tunnel.run(left.stream, left.early, draining(local))).await,
        None => Box::pin(left.linger(local)).await,
    }
}

/// Why hyper is not polled any further.
enum Pause {
    /// The connection is at its end.
    Ended(hyper::Result<()>),
    /// The gate drains.
    Draining,
    /// Nothing has been asked for a while.
    Idle,
}

/// Drives hyper over a connection until its last answer is out; `None` if it did not come to that.
pub(super) async fn drive<S, F, A>(
    stream: S,
    service: F,
    reuse: Reuse,
    peer: SocketAddr,
    gate: &Gate,
    local: &Rc<Local>,
    pace: &Arc<Pace>,
) -> Option<Left<S>>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    F: Fn(Request<Incoming>) -> A,
    A: Future<Output = Result<Response<Tracked>, Infallible>>,
{
    let server = &gate.config.server;
    let mut wire = Wire::new(stream, bounds(server), pace.clone());
    let mut http = http1::Builder::new();
    http.max_buf_size(server.bounds.head_bytes.get().saturating_add(BUFFER));
    http.keep_alive(reuse == Reuse::KeepAlive);
    if server.bounds.headers.get() != HYPERS_OWN_HEADERS {
        http.max_headers(server.bounds.headers.get());
    }
    let (outcome, read) = loop {
        let mut served = http.serve_connection(TokioIo::new(&mut wire), service_fn(&service));
        let pause = poll_fn(|task| match Pin::new(&mut served).poll(task) {
            Poll::Ready(outcome) => Poll::Ready(Pause::Ended(outcome)),
            Poll::Pending if pace.is_draining() => Poll::Ready(Pause::Draining),
            Poll::Pending if pace.takes_rest() => Poll::Ready(Pause::Idle),
            Poll::Pending => Poll::Pending,
        });
        let outcome = match pause.await {
            Pause::Ended(outcome) => outcome,
            Pause::Draining => wind_down(&mut served, local).await,
            Pause::Idle => {
                let read = served.into_parts().read_buf;
                // What was read and belongs to no request: the connection is closed, as any may be that is idle.
                if !read.is_empty() || !wire.is_between_requests() {
                    break (Ok(()), read);
                }
                // An idle connection keeps none of hyper's buffers: they are most of what it would hold.
                wire.rest().await;
                continue;
            }
        };
        break (outcome, served.into_parts().read_buf);
    };
    match (outcome, pace.lapsed()) {
        (Err(_), Some(Lapse::Stall)) => {
            record(local, peer, ConnectionFault::Timeout, "the client does not take its answer");
            None
        }
        // An answer that was cut has to end here and now: that is how the client learns that it is not whole.
        (Err(cause), _) => {
            failed(local, peer, &cause);
            None
        }
        (Ok(()), Some(Lapse::Head)) if pace.is_fresh() => {
            record(local, peer, ConnectionFault::Timeout, "no request in time");
            None
        }
        (Ok(()), _) => {
            let (stream, held) = wire.into_parts();
            let early = if held.is_empty() { read } else { joined(&read, &held) };
            Some(Left { stream, early })
        }
    }
}

/// Ends a connection whose gate drains. Closed at once, an idle one may be closed just as its next request comes in, which is lost then:
/// answers say from now on that they are the last, and only on who stays silent is closed.
async fn wind_down<I, S, B>(served: &mut http1::Connection<I, S>, local: &Local) -> hyper::Result<()>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let idle = IDLE_AT_DRAIN.min(local.gate().config.server.drain / 2);
    if let Ok(outcome) = timeout(idle, &mut *served).await {
        return outcome;
    }
    Pin::new(&mut *served).graceful_shutdown();
    served.await
}

fn bounds(server: &Server) -> HeadBounds {
    let bounds = server.bounds;
    HeadBounds { bytes: bounds.head_bytes.get(), fields: bounds.headers.get(), target: bounds.target_bytes.get() }
}

fn joined(first: &[u8], second: &[u8]) -> Bytes {
    let mut both = BytesMut::with_capacity(first.len() + second.len());
    both.extend_from_slice(first);
    both.extend_from_slice(second);
    both.freeze()
}

impl<S: AsyncRead + Unpin> Left<S> {
    /// Reads and forgets what a client still sends after its answer, such as the body of an upload that was refused: closing with bytes
    /// unread resets the connection, and the answer is lost on its way (`RFC 9112 §9.6`).
    pub(super) async fn linger(mut self, local: &Local) {
        let mut rest = Vec::with_capacity(16 * 1024);
        let forget = timeout(LINGER, async {
            while self.stream.read_buf(&mut rest).await.is_ok_and(|length| length > 0) {
                rest.clear();
            }
        });
        tokio::select! {
            _ = forget => {}
            () = draining(local) => {}
        }
    }
}

/// Where a connection finds what it becomes, once its last answer is out.
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
