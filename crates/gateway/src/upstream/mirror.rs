//! Copies of requests for another upstream. The client's request waits for nothing here, and nothing that comes back reaches it.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Uri};
use http_body_util::{BodyExt, Limited};
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::{Deadlines, Pool, Remote, retry};
use crate::body::RequestBody;
use crate::config::{Mirror, MirrorCredentials};

/// Copies under way at once, for each worker: a slow test system must not gather requests in the gate.
const MOST_AT_ONCE: usize = 64;
/// As much of an answer is read, so that its connection can be used again.
const MOST_ANSWER: usize = 1 << 20;

/// What test systems are told, so that they know a copy from a request.
const BARTIZAN_MIRROR: HeaderName = HeaderName::from_static("bartizan-mirror");

/// What speaks for the caller.
const CREDENTIALS: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("bartizan-assertion"),
    HeaderName::from_static("dpop"),
];

/// Copies a request if its turn has come.
pub(super) fn copy(pool: &Pool, remote: &Remote, request: &mut Request<RequestBody>, deadlines: Deadlines) {
    let (Some(rules), Some(to)) = (&remote.rules.mirror, &remote.mirror) else { return };
    if pool.worker().dice.below(100) >= u64::from(rules.percent) {
        return;
    }
    let Some(turn) = Turn::take(pool) else {
        remote.counts.mirrors_skipped.fetch_add(1, Relaxed);
        return;
    };
    let mut copy = retry::copy(request, RequestBody::Empty);
    mark(copy.headers_mut(), rules);
    let body = match request.body().duplicate() {
        Some(body) if body.len() <= rules.body_bytes => {
            *copy.body_mut() = body;
            None
        }
        Some(_) => {
            remote.counts.mirrors_skipped.fetch_add(1, Relaxed);
            return;
        }
        None => request.body_mut().copy_to(rules.body_bytes),
    };
    remote.counts.mirrored.fetch_add(1, Relaxed);
    tokio::task::spawn_local(send(pool.clone(), to.clone(), copy, body, deadlines, turn));
}

fn mark(headers: &mut HeaderMap, rules: &Mirror) {
    if rules.credentials == MirrorCredentials::Stripped {
        for name in &CREDENTIALS {
            headers.remove(name);
        }
    }
    headers.insert(BARTIZAN_MIRROR, HeaderValue::from_static("1"));
}

/// Boxed without its type: a copy is sent by what makes copies.
fn send(
    pool: Pool,
    to: Arc<Remote>,
    mut copy: Request<RequestBody>,
    body: Option<oneshot::Receiver<Bytes>>,
    deadlines: Deadlines,
    turn: Turn,
) -> Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move {
        let _turn = turn;
        if let Some(body) = body {
            // Without an end, or too large: there is nothing whole to be sent.
            let Ok(Ok(bytes)) = timeout_at(deadlines.total, body).await else { return };
            copy.headers_mut().remove(header::TRANSFER_ENCODING);
            copy.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            *copy.body_mut() = bytes.into();
        }
        if copy.uri().path_and_query().is_none() {
            *copy.uri_mut() = Uri::from_static("/");
        }
        let exchange = async {
            let (answer, lease) = pool.send(&to, &mut Some(copy), deadlines).await.ok()?;
            Limited::new(answer.into_body(), MOST_ANSWER).collect().await.ok()?;
            lease.give_back();
            Some(())
        };
        let _ = timeout_at(deadlines.total, exchange).await;
    })
}

/// One of the places for copies, until this is dropped.
struct Turn(Rc<Cell<usize>>);

impl Turn {
    fn take(pool: &Pool) -> Option<Self> {
        let under_way = pool.worker().mirrors.clone();
        if under_way.get() >= MOST_AT_ONCE {
            return None;
        }
        under_way.set(under_way.get() + 1);
        Some(Self(under_way))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}
