//! The connections of one worker to one endpoint.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant, timeout};

use super::connect::connect_to;
use super::connection::{Exclusive, Shared, http1, http2, in_http1, in_http2};
use super::endpoint::Endpoint;
use super::retry;
use super::steer::Ticket;
use super::{Deadlines, SendFault};
use crate::body::RequestBody;
use crate::config::{Protocol, Upstream};

/// A connection idle for longer than this may be closing at the other end: what is sent over it is kept for a second try.
const SUSPECT: Duration = Duration::from_millis(500);
/// HTTP/2 connections stay for at least so long: pings tell whether they live, and one of them carries what a hundred others would.
const LEAST_IDLE_SHARED: Duration = Duration::from_mins(1);
/// HTTP/2 connections of one worker to one endpoint; with all their streams taken, requests queue on the least busy.
const MOST_SHARED: usize = 8;
/// How often a request is sent again that the upstream says it did not look at.
const MOST_UNPROCESSED: u8 = 4;

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
    connection: Exclusive,
    since: Instant,
}

/// A connection with room for one request.
enum Connection {
    Http1(Exclusive),
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
        let Connection::Http1(connection) = connection else { return };
        if connection.sender.is_closed() {
            return;
        }
        let mut idle = slot.idle.borrow_mut();
        if idle.len() < slot.rules.connections.most_idle {
            idle.push(Idle { connection, since: Instant::now() });
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
    /// A request is sent a second time only if that cannot repeat its effect: it never left, the backend says that it did not look at
    /// it, or it is safe, has no body, and the connection had been idle so long that the backend had probably closed it.
    pub(super) async fn exchange(
        self: &Rc<Self>,
        request: &mut Option<Request<RequestBody>>,
        deadlines: Deadlines,
    ) -> Result<(Response<Incoming>, Lease), SendFault> {
        let (mut takes_kept, mut unprocessed) = (true, 0);
        loop {
            let kept = if takes_kept { self.take() } else { None };
            let is_new = kept.is_none();
            let (connection, is_suspect) = match kept {
                Some(kept) => kept,
                // Boxed, since it is rare: the usual future stays small.
                None => (Box::pin(self.open(deadlines)).await?, false),
            };
            let spare = is_suspect.then(|| request.as_ref().and_then(retry::copy_of_safe).map(Box::new)).flatten();
            let outcome = match connection {
                Connection::Http1(exclusive) => self.over_http1(exclusive, request, deadlines).await,
                // Boxed as well: the usual way is the other.
                Connection::Http2(shared) => Box::pin(self.over_http2(shared, request, deadlines)).await,
            };
            let fault = match outcome {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            if matches!(fault, SendFault::Unprocessed(_)) && request.is_some() {
                if unprocessed == MOST_UNPROCESSED {
                    return Err(fault);
                }
                unprocessed += 1;
                continue;
            }
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
    fn take(&self) -> Option<(Connection, bool)> {
        match self.speaks.get() {
            Speaks::Http1 => self.take_idle(),
            Speaks::Http2 => self.take_shared().map(|shared| (Connection::Http2(shared), false)),
            Speaks::Unknown => None,
        }
    }

    fn take_idle(&self) -> Option<(Connection, bool)> {
        let mut idle = self.idle.borrow_mut();
        if idle.is_empty() {
            return None;
        }
        self.retain_alive(&mut idle);
        // A connection whose answer came before its request was complete still sends the rest: waiting for it would let whoever
        // uploads slowly hold up a stranger's request.
        let ready = idle.iter().rposition(|idle| idle.connection.sender.is_ready())?;
        let Idle { connection, since } = idle.remove(ready);
        Some((Connection::Http1(connection), since.elapsed() > SUSPECT))
    }

    fn take_shared(&self) -> Option<Shared> {
        let (mut all, generation) = (self.shared.borrow_mut(), self.endpoint.generation());
        all.retain(|shared| shared.is_usable(generation));
        let least_busy = all.iter().min_by_key(|shared| shared.in_use())?;
        let is_full = least_busy.in_use() >= self.rules.connections.streams.get() as usize;
        (!is_full || all.len() >= MOST_SHARED).then(|| least_busy.clone())
    }

    fn retain_alive(&self, idle: &mut Vec<Idle>) {
        let (most, generation) = (self.rules.connections.idle, self.endpoint.generation());
        idle.retain(|idle| {
            let connection = &idle.connection;
            idle.since.elapsed() < most && connection.generation == generation && !connection.sender.is_closed()
        });
    }

    /// Closes what has been idle for too long.
    pub(super) fn evict(&self) {
        self.retain_alive(&mut self.idle.borrow_mut());
        let (most, generation) = (self.rules.connections.idle.max(LEAST_IDLE_SHARED), self.endpoint.generation());
        self.shared
            .borrow_mut()
            .retain(|shared| shared.is_usable(generation) && (shared.in_use() > 0 || shared.idle_for() < most));
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
        // Before the look at its addresses: they may be newer, and never older.
        let generation = self.endpoint.generation();
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
            if is_http2 {
                http2(io, rules, generation).await.map(Connection::Http2)
            } else {
                http1(io, rules, generation).await.map(Connection::Http1)
            }
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
        mut connection: Exclusive,
        request: &mut Option<Request<RequestBody>>,
        deadlines: Deadlines,
    ) -> Result<(Response<Incoming>, Lease), SendFault> {
        let late = deadlines.passed(request.as_ref().and_then(|request| request.body().watch()));
        let Some(sent) = request.take() else { return Err(SendFault::NoAnswer("no-request")) };
        tokio::select! {
            biased;
            answer = connection.sender.try_send_request(sent) => match answer {
                Ok(response) => Ok((response, self.lease(Connection::Http1(connection)))),
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
    ) -> Result<(Response<Incoming>, Lease), SendFault> {
        let late = deadlines.passed(request.as_ref().and_then(|request| request.body().watch()));
        let Some(sent) = request.take() else { return Err(SendFault::NoAnswer("no-request")) };
        let spare = retry::copy_of_whole(&sent);
        tokio::select! {
            biased;
            answer = shared.sender.try_send_request(in_http2(sent, self.endpoint.tls.is_some())) => match answer {
                Ok(response) => Ok((response, self.lease(Connection::Http2(shared)))),
                Err(mut failed) => {
                    *request = failed.take_message().map(in_http1);
                    let fault = retry::fault(failed.error());
                    if let SendFault::Unprocessed(cause) = fault {
                        *request = request.take().or(spare);
                        if cause == retry::CONNECTION_LEFT {
                            self.leave(&shared);
                        }
                    }
                    Err(fault)
                }
            },
            () = late => Err(SendFault::Timeout("no-answer-in-time")),
        }
    }

    /// Takes no more requests to a connection that the backend leaves: what it still answers there goes on.
    fn leave(&self, left: &Shared) {
        self.shared.borrow_mut().retain(|shared| !shared.is(left));
    }

    fn lease(self: &Rc<Self>, connection: Connection) -> Lease {
        Lease { connection, slot: self.clone(), ticket: None }
    }
}
