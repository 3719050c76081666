//! The connections of one worker to one endpoint.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use http::{Request, Response, Uri, Version, header};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant, timeout};

use super::connect::connect_to;
use super::endpoint::Endpoint;
use super::retry;
use super::steer::Ticket;
use super::{Deadlines, SendFault};
use crate::body::RequestBody;
use crate::config::{Connections, Protocol, Upstream};

/// A connection idle for longer than this may be closing at the other end: what is sent over it is kept for a second try.
const SUSPECT: Duration = Duration::from_millis(500);
/// HTTP/2 connections stay for at least so long: pings tell whether they live, and one of them carries what a hundred others would.
const LEAST_IDLE_SHARED: Duration = Duration::from_mins(1);
/// HTTP/2 connections of one worker to one endpoint; with all their streams taken, requests queue on the least busy.
const MOST_SHARED: usize = 8;
/// hyper's own limit on fields. Setting any, even this one, costs an allocation for each request.
const HYPERS_OWN_HEADERS: usize = 100;

/// The connections of one worker to one endpoint.
pub(super) struct Slot {
    pub(super) endpoint: Arc<Endpoint>,
    rules: Arc<Upstream>,
    idle: RefCell<Vec<Idle>>,
    shared: RefCell<Vec<Shared>>,
    speaks: Cell<Speaks>,
    /// Held while an HTTP/2 connection is made: the requests of the same moment share it.
    opening: Mutex<()>,
}

/// What is known of an endpoint's protocol.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaks {
    /// The first handshake tells.
    Unknown,
    Http1,
    Http2,
}

struct Idle {
    sender: http1::SendRequest<RequestBody>,
    since: Instant,
}

/// An HTTP/2 connection that several requests use at once.
#[derive(Clone)]
struct Shared {
    sender: http2::SendRequest<RequestBody>,
    /// One beyond the requests that use it.
    streams: Rc<Cell<Instant>>,
}

/// A connection with room for one request.
enum Connection {
    Http1(http1::SendRequest<RequestBody>),
    Http2(Shared),
}

/// A connection in use. Given back when its exchange is complete; dropped, it is closed, and with it half an exchange.
pub(crate) struct Lease {
    connection: Connection,
    slot: Rc<Slot>,
    /// Says how the exchange ended, where somebody counts it.
    pub(super) ticket: Option<Ticket>,
}

impl Lease {
    /// Keeps the connection for the next request.
    pub(crate) fn give_back(self) {
        let Self { connection, slot, ticket: _ } = self;
        let Connection::Http1(sender) = connection else { return };
        if sender.is_closed() {
            return;
        }
        let mut idle = slot.idle.borrow_mut();
        if idle.len() < slot.rules.connections.most_idle {
            idle.push(Idle { sender, since: Instant::now() });
        }
    }

    /// The upstream broke off in the middle of its answer.
    pub(crate) fn broke(mut self) {
        if let Some(ticket) = &mut self.ticket {
            ticket.failed();
        }
    }
}

impl Slot {
    pub(super) fn new(endpoint: Arc<Endpoint>, rules: Arc<Upstream>) -> Self {
        let speaks = match rules.protocol {
            Protocol::Auto if endpoint.tls.is_some() => Speaks::Unknown,
            Protocol::Http1 | Protocol::Auto => Speaks::Http1,
            Protocol::Http2 | Protocol::H2c => Speaks::Http2,
        };
        Self {
            endpoint,
            rules,
            idle: RefCell::default(),
            shared: RefCell::default(),
            speaks: Cell::new(speaks),
            opening: Mutex::new(()),
        }
    }

    /// Sends a request to this endpoint and waits for the head of its answer. One that did not leave stays in `request`, which is not
    /// handed over by value: each copy of it would make the future of every request larger.
    ///
    /// A request is sent a second time only if that cannot repeat its effect: it never left, or it is safe, has no body, and the
    /// connection had been idle so long that the backend had probably closed it.
    pub(super) async fn exchange(
        self: &Rc<Self>,
        request: &mut Option<Request<RequestBody>>,
        deadlines: Deadlines,
    ) -> Result<(Response<Incoming>, Lease), SendFault> {
        let mut takes_kept = true;
        loop {
            let kept = if takes_kept { self.take(deadlines.began) } else { None };
            let is_new = kept.is_none();
            let (connection, is_suspect) = match kept {
                Some(kept) => kept,
                // Boxed, since it is rare: the usual future stays small.
                None => (Box::pin(self.open(deadlines)).await?, false),
            };
            let spare = is_suspect.then(|| request.as_ref().and_then(retry::copy_of_safe).map(Box::new)).flatten();
            let outcome = match connection {
                Connection::Http1(sender) => self.over_http1(sender, request, deadlines, is_new).await,
                // Boxed as well: the usual way is the other.
                Connection::Http2(shared) => Box::pin(self.over_http2(shared, request, deadlines, is_new)).await,
            };
            let fault = match outcome {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            if is_new || matches!(fault, SendFault::Timeout(_)) {
                return Err(fault);
            }
            if request.is_none() {
                // Once, and over a new connection: a request that kills its backend must not be tried on all of them.
                *request = Some(*spare.ok_or(fault)?);
                takes_kept = false;
            }
        }
    }

    /// The most recently used connection that has room, and whether it has been idle for suspiciously long.
    fn take(&self, now: Instant) -> Option<(Connection, bool)> {
        match self.speaks.get() {
            Speaks::Http1 => self.take_idle(now),
            Speaks::Http2 => self.take_shared().map(|shared| (Connection::Http2(shared), false)),
            Speaks::Unknown => None,
        }
    }

    fn take_idle(&self, now: Instant) -> Option<(Connection, bool)> {
        let mut idle = self.idle.borrow_mut();
        // The last is the one used last: those that nobody needs stay at the front, until they have been idle for too long.
        while idle.pop_if(|last| !self.is_alive(last, now)).is_some() {}
        // A connection whose answer came before its request was complete still sends the rest: waiting for it would let whoever
        // uploads slowly hold up a stranger's request.
        let ready = idle.iter().rposition(|idle| idle.sender.is_ready())?;
        let Idle { sender, since } = idle.remove(ready);
        Some((Connection::Http1(sender), now.saturating_duration_since(since) > SUSPECT))
    }

    fn take_shared(&self) -> Option<Shared> {
        let mut all = self.shared.borrow_mut();
        all.retain(|shared| !shared.sender.is_closed());
        let least_busy = all.iter().min_by_key(|shared| shared.in_use())?;
        let is_full = least_busy.in_use() >= self.rules.connections.streams.get() as usize;
        (!is_full || all.len() >= MOST_SHARED).then(|| least_busy.clone())
    }

    fn is_alive(&self, idle: &Idle, now: Instant) -> bool {
        now.saturating_duration_since(idle.since) < self.rules.connections.idle && !idle.sender.is_closed()
    }

    /// Closes what has been idle for too long.
    pub(super) fn evict(&self) {
        let now = Instant::now();
        self.idle.borrow_mut().retain(|idle| self.is_alive(idle, now));
        let most = self.rules.connections.idle.max(LEAST_IDLE_SHARED);
        self.shared.borrow_mut().retain(|shared| {
            !shared.sender.is_closed() && (shared.in_use() > 0 || shared.streams.get().elapsed() < most)
        });
    }

    async fn open(&self, deadlines: Deadlines) -> Result<Connection, SendFault> {
        if self.speaks.get() == Speaks::Http1 {
            return self.handshake(deadlines).await;
        }
        let _turn = timeout(deadlines.connect, self.opening.lock())
            .await
            .map_err(|_| SendFault::Timeout("no-connection-in-time"))?;
        // Whoever had the turn before may have made the connection that was waited for.
        if self.speaks.get() == Speaks::Http2
            && let Some(shared) = self.take_shared()
        {
            return Ok(Connection::Http2(shared));
        }
        self.handshake(deadlines).await
    }

    async fn handshake(&self, deadlines: Deadlines) -> Result<Connection, SendFault> {
        let opened = async {
            let transport = connect_to(&self.endpoint, self.endpoint.tls.as_ref()).await?;
            let is_http2 = match self.rules.protocol {
                Protocol::H2c => true,
                Protocol::Http1 => false,
                Protocol::Auto => transport.agreed_to_http2(),
                Protocol::Http2 if transport.agreed_to_http2() => true,
                Protocol::Http2 => return Err(SendFault::Unreachable("no-http2-agreed")),
            };
            let (io, rules) = (TokioIo::new(transport), &self.rules.connections);
            if is_http2 { http2(io, rules).await.map(Connection::Http2) } else { http1(io, rules).await }
        };
        let connection =
            timeout(deadlines.connect, opened).await.map_err(|_| SendFault::Timeout("no-connection-in-time"))??;
        match &connection {
            Connection::Http1(_) => self.speaks.set(Speaks::Http1),
            Connection::Http2(shared) => {
                self.speaks.set(Speaks::Http2);
                self.shared.borrow_mut().push(shared.clone());
            }
        }
        Ok(connection)
    }

    async fn over_http1(
        self: &Rc<Self>,
        mut sender: http1::SendRequest<RequestBody>,
        request: &mut Option<Request<RequestBody>>,
        deadlines: Deadlines,
        is_new: bool,
    ) -> Result<(Response<Incoming>, Lease), SendFault> {
        let late = deadlines.passed(request.as_ref().and_then(|request| request.body().watch()), is_new);
        let Some(sent) = request.take() else { return Err(SendFault::NoAnswer("no-request")) };
        tokio::select! {
            biased;
            answer = sender.try_send_request(sent) => match answer {
                Ok(response) => Ok((response, self.lease(Connection::Http1(sender)))),
                Err(mut failed) => {
                    *request = failed.take_message();
                    Err(retry::fault(failed.error()))
                }
            },
            () = late => Err(SendFault::Timeout("no-answer-in-time")),
        }
    }

    async fn over_http2(
        self: &Rc<Self>,
        mut shared: Shared,
        request: &mut Option<Request<RequestBody>>,
        deadlines: Deadlines,
        is_new: bool,
    ) -> Result<(Response<Incoming>, Lease), SendFault> {
        let late = deadlines.passed(request.as_ref().and_then(|request| request.body().watch()), is_new);
        let Some(sent) = request.take() else { return Err(SendFault::NoAnswer("no-request")) };
        tokio::select! {
            biased;
            answer = shared.sender.try_send_request(in_http2(sent, self.endpoint.tls.is_some())) => match answer {
                Ok(response) => Ok((response, self.lease(Connection::Http2(shared)))),
                Err(mut failed) => {
                    *request = failed.take_message().map(in_http1);
                    Err(retry::fault(failed.error()))
                }
            },
            () = late => Err(SendFault::Timeout("no-answer-in-time")),
        }
    }

    fn lease(self: &Rc<Self>, connection: Connection) -> Lease {
        Lease { connection, slot: self.clone(), ticket: None }
    }
}

impl Shared {
    fn in_use(&self) -> usize {
        Rc::strong_count(&self.streams).saturating_sub(1)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // What is idle is measured from here.
        self.streams.set(Instant::now());
    }
}

async fn http1(io: TokioIo<super::transport::Transport>, rules: &Connections) -> Result<Connection, SendFault> {
    let mut builder = http1::Builder::new();
    // hyper wants at least 8 KiB.
    builder.max_buf_size(rules.head_bytes.get().max(8 * 1024));
    if rules.headers.get() != HYPERS_OWN_HEADERS {
        builder.max_headers(rules.headers.get());
    }
    let (sender, connection) = builder.handshake(io).await.map_err(|_| SendFault::NoAnswer("handshake"))?;
    // Ends when the connection does; whoever waits for an answer is told by the sender.
    tokio::task::spawn_local(async move {
        let _ = connection.with_upgrades().await;
    });
    Ok(Connection::Http1(sender))
}

async fn http2(io: TokioIo<super::transport::Transport>, rules: &Connections) -> Result<Shared, SendFault> {
    let (sender, connection) = http2::Builder::new(OnThisThread)
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(rules.head_bytes.get()).unwrap_or(u32::MAX))
        .keep_alive_interval(rules.ping)
        .keep_alive_timeout(rules.ping)
        .initial_max_send_streams(rules.streams.get() as usize)
        .max_send_buf_size(256 * 1024)
        .handshake(io)
        .await
        .map_err(|_| SendFault::NoAnswer("handshake"))?;
    tokio::task::spawn_local(async move {
        let _ = connection.await;
    });
    Ok(Shared { sender, streams: Rc::new(Cell::new(Instant::now())) })
}

/// The form that a request has in HTTP/2: its target names scheme and authority, and nothing in its fields speaks of one connection
/// (`RFC 9113 §8.2.2`, §8.3.1).
fn in_http2(mut request: Request<RequestBody>, over_tls: bool) -> Request<RequestBody> {
    let host = request.headers_mut().remove(header::HOST);
    request.headers_mut().remove(header::TRANSFER_ENCODING);
    *request.version_mut() = Version::HTTP_2;
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(if over_tls { http::uri::Scheme::HTTPS } else { http::uri::Scheme::HTTP });
    parts.authority = host.and_then(|host| host.as_bytes().try_into().ok());
    if parts.authority.is_none() {
        parts.authority = Some(http::uri::Authority::from_static("localhost"));
    }
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    request
}

/// The form that the gate writes requests in, for one that did not leave in the other.
fn in_http1(mut request: Request<RequestBody>) -> Request<RequestBody> {
    if request.version() != Version::HTTP_2 {
        return request;
    }
    *request.version_mut() = Version::HTTP_11;
    let parts = std::mem::take(request.uri_mut()).into_parts();
    if let Some(host) = parts.authority.and_then(|authority| authority.as_str().parse().ok()) {
        request.headers_mut().insert(header::HOST, host);
    }
    if !request.body().is_empty() && !request.headers().contains_key(header::CONTENT_LENGTH) {
        let chunked = http::HeaderValue::from_static("chunked");
        request.headers_mut().insert(header::TRANSFER_ENCODING, chunked);
    }
    *request.uri_mut() = parts.path_and_query.map(Uri::from).unwrap_or_default();
    request
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
