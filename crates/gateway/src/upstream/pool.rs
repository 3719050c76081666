use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout};

use super::{Deadlines, Remote, SendFault, connect};
use crate::body::RequestBody;

/// Idle connections are given up before the usual backend does (Node closes after 5 s): a request sent into a closing connection is
/// the classic sporadic 502.
const IDLE: Duration = Duration::from_secs(4);
/// Idle connections kept for one backend by one worker.
const MOST_IDLE: usize = 256;
/// A connection idle for longer than this may be closing at the other end: what is sent over it is kept for a second try.
const SUSPECT: Duration = Duration::from_millis(500);

/// The connections of one worker: no lock, and no socket that another runtime polls.
#[derive(Clone, Default)]
pub(crate) struct Pool(Rc<RefCell<HashMap<u64, Vec<Idle>>>>);

struct Idle {
    sender: SendRequest<RequestBody>,
    since: Instant,
}

/// A connection in use. Given back when its exchange is complete; dropped, it is closed, and with it half an exchange.
pub(crate) struct Lease {
    sender: SendRequest<RequestBody>,
    key: u64,
    pool: Pool,
}

impl Lease {
    /// Keeps the connection for the next request.
    pub(crate) fn give_back(self) {
        let Self { sender, key, pool } = self;
        if sender.is_closed() {
            return;
        }
        let mut kept = pool.0.borrow_mut();
        let idle = kept.entry(key).or_default();
        if idle.len() < MOST_IDLE {
            idle.push(Idle { sender, since: Instant::now() });
        }
    }
}

impl Pool {
    /// Sends a request and waits for the head of its answer.
    ///
    /// A request is sent a second time only if that cannot repeat its effect: it never left, or it is safe, has no body, and the
    /// connection had been idle so long that the backend had probably closed it.
    pub(crate) async fn send(
        &self,
        remote: &Arc<Remote>,
        mut request: Request<RequestBody>,
        deadlines: Deadlines,
    ) -> Result<(Response<Incoming>, Lease), SendFault> {
        while let Some((sender, is_suspect)) = self.take(remote.key) {
            let spare = is_suspect.then(|| spare(&request)).flatten();
            match self.exchange(sender, remote.key, request, deadlines).await {
                Ok(answer) => return Ok(answer),
                Err((_, Some(unsent))) => request = unsent,
                Err((fault @ SendFault::Timeout(_), None)) => return Err(fault),
                Err((fault, None)) => {
                    // Once, and over a new connection: a request that kills its backend must not be tried on all of them.
                    request = spare.ok_or(fault)?;
                    break;
                }
            }
        }
        let sender = open(remote, deadlines).await?;
        self.exchange(sender, remote.key, request, deadlines).await.map_err(|(fault, _)| fault)
    }

    /// The most recently used idle connection that is still open, and whether it has been idle for suspiciously long.
    fn take(&self, key: u64) -> Option<(SendRequest<RequestBody>, bool)> {
        let mut kept = self.0.borrow_mut();
        let idle = kept.get_mut(&key)?;
        idle.retain(|idle| idle.since.elapsed() < IDLE && !idle.sender.is_closed());
        // A connection whose answer came before its request was complete still sends the rest: waiting for it would let whoever
        // uploads slowly hold up a stranger's request.
        let ready = idle.iter().rposition(|idle| idle.sender.is_ready())?;
        let Idle { sender, since } = idle.remove(ready);
        Some((sender, since.elapsed() > SUSPECT))
    }

    async fn exchange(
        &self,
        mut sender: SendRequest<RequestBody>,
        key: u64,
        request: Request<RequestBody>,
        deadlines: Deadlines,
    ) -> Result<(Response<Incoming>, Lease), (SendFault, Option<Request<RequestBody>>)> {
        let late = deadlines.passed(request.body().watch());
        tokio::select! {
            biased;
            answer = sender.try_send_request(request) => match answer {
                Ok(response) => Ok((response, Lease { sender, key, pool: self.clone() })),
                Err(mut failed) => {
                    let unsent = failed.take_message();
                    Err((SendFault::NoAnswer(cause(failed.error())), unsent))
                }
            },
            () = late => Err((SendFault::Timeout("no-answer-in-time"), None)),
        }
    }

    /// Closes what has been idle for too long.
    pub(crate) fn evict(&self) {
        let mut kept = self.0.borrow_mut();
        for idle in kept.values_mut() {
            idle.retain(|idle| idle.since.elapsed() < IDLE && !idle.sender.is_closed());
        }
        kept.retain(|_, idle| !idle.is_empty());
    }
}

async fn open(remote: &Arc<Remote>, deadlines: Deadlines) -> Result<SendRequest<RequestBody>, SendFault> {
    let transport = timeout(deadlines.connect, connect(remote))
        .await
        .map_err(|_| SendFault::Timeout("no-connection-in-time"))??;
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(64 * 1024)
        .handshake(TokioIo::new(transport))
        .await
        .map_err(|_| SendFault::NoAnswer("handshake"))?;
    // Ends when the connection does; whoever waits for an answer is told by the sender.
    tokio::task::spawn_local(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

/// The request once more, if sending it twice does no harm.
fn spare(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    (is_safe && request.body().is_empty()).then(|| {
        let mut spare = Request::new(RequestBody::Empty);
        request.method().clone_into(spare.method_mut());
        request.uri().clone_into(spare.uri_mut());
        request.headers().clone_into(spare.headers_mut());
        spare
    })
}

fn cause(error: &hyper::Error) -> &'static str {
    if error.is_parse_too_large() {
        "head-too-large"
    } else if error.is_parse() {
        "not-http"
    } else if error.is_incomplete_message() {
        "closed-before-its-answer"
    } else if error.is_body_write_aborted() || error.is_user() {
        "body-cut"
    } else {
        "connection-broke"
    }
}
