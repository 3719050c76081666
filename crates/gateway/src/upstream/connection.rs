//! A connection to an endpoint: for one request at a time by HTTP/1.1, for many at once by HTTP/2; and the forms that a request has in
//! either.

use std::cell::Cell;
use std::rc::Rc;

use http::{Request, Uri, Version, header};
use hyper::client::conn as client;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::time::{Duration, Instant};

use super::SendFault;
use super::transport::Transport;
use crate::body::RequestBody;
use crate::config::Connections;
use crate::on_this_thread::OnThisThread;

/// hyper's own limit on fields. Setting any, even this one, costs an allocation for each request.
const HYPERS_OWN_HEADERS: usize = 100;

/// An HTTP/1 connection, which one request uses at a time.
pub(super) struct Exclusive {
    pub(super) sender: client::http1::SendRequest<RequestBody>,
    /// That of its endpoint when it was opened.
    pub(super) generation: u64,
}

/// An HTTP/2 connection that several requests use at once.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) sender: client::http2::SendRequest<RequestBody>,
    /// That of its endpoint when it was opened.
    generation: u64,
    /// One beyond the requests that use it.
    streams: Rc<Cell<Instant>>,
}

impl Shared {
    /// Whether it is open, and leads to where the endpoint is now.
    pub(super) fn is_usable(&self, generation: u64) -> bool {
        self.generation == generation && !self.sender.is_closed()
    }

    /// Requests that use it now.
    pub(super) fn in_use(&self) -> usize {
        Rc::strong_count(&self.streams).saturating_sub(1)
    }

    /// Since its last request ended.
    pub(super) fn idle_for(&self) -> Duration {
        self.streams.get().elapsed()
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.streams, &other.streams)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // What is idle is measured from here.
        self.streams.set(Instant::now());
    }
}

/// Speaks HTTP/1.1 over a connection that was just made.
pub(super) async fn http1(
    io: TokioIo<Transport>,
    rules: &Connections,
    generation: u64,
) -> Result<Exclusive, SendFault> {
    let mut builder = client::http1::Builder::new();
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
    Ok(Exclusive { sender, generation })
}

/// Speaks HTTP/2 over it.
pub(super) async fn http2(io: TokioIo<Transport>, rules: &Connections, generation: u64) -> Result<Shared, SendFault> {
    let (sender, connection) = client::http2::Builder::new(OnThisThread)
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
    Ok(Shared { sender, generation, streams: Rc::new(Cell::new(Instant::now())) })
}

/// The form that a request has in HTTP/2: its target names scheme and authority, and nothing in its fields speaks of one connection
/// (`RFC 9113 §8.2.2`, §8.3.1).
pub(super) fn in_http2(mut request: Request<RequestBody>, over_tls: bool) -> Request<RequestBody> {
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
pub(super) fn in_http1(mut request: Request<RequestBody>) -> Request<RequestBody> {
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
