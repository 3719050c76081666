//! Connections that become whatever both sides agree on, and never go back to a pool.

use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::connect::connect_to;
use super::endpoint::Endpoint;
use super::pool::Pool;
use super::steer::Ticket;
use super::transport::Transport;
use super::{Deadlines, Remote, RemoteTls, SendFault};
use crate::body::RequestBody;

/// Sends a request over a connection of its own. An endpoint that cannot be connected to is passed over for another; once it left, it is
/// never sent again. The ticket, where the upstream counts, keeps the connection's place at its endpoint.
pub(crate) async fn dedicated(
    pool: &Pool,
    remote: &Arc<Remote>,
    request: Request<RequestBody>,
    deadlines: Deadlines,
) -> Result<(Response<Incoming>, Option<Ticket>), SendFault> {
    let (transport, mut ticket) = pool.open(remote, deadlines).await?;
    let answer = exchange(transport, request, deadlines).await;
    match (&answer, &mut ticket) {
        (Ok(response), Some(ticket)) => ticket.answered_and_stays(response.status()),
        (Err(_), Some(ticket)) => ticket.failed(),
        (_, None) => {}
    }
    answer.map(|response| (response, ticket))
}

async fn exchange(
    transport: Transport,
    request: Request<RequestBody>,
    deadlines: Deadlines,
) -> Result<Response<Incoming>, SendFault> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(64 * 1024)
        .handshake(TokioIo::new(transport))
        .await
        .map_err(|_| SendFault::NoAnswer("handshake"))?;
    tokio::task::spawn_local(async move {
        let _ = connection.with_upgrades().await;
    });
    tokio::select! {
        answer = sender.send_request(request) => answer.map_err(|_| SendFault::NoAnswer("closed-before-its-answer")),
        () = deadlines.passed(None) => Err(SendFault::Timeout("no-answer-in-time")),
    }
}

/// A connection to this endpoint, in time.
pub(super) async fn reach(endpoint: &Endpoint, deadlines: Deadlines) -> Result<Transport, SendFault> {
    let connected = timeout(deadlines.connect, connect_to(endpoint, over_http1(endpoint).as_ref())).await;
    connected.unwrap_or(Err(SendFault::Timeout("no-connection-in-time")))
}

/// Only HTTP/1.1 can be upgraded: nothing else is offered in the handshake of TLS.
fn over_http1(endpoint: &Endpoint) -> Option<RemoteTls> {
    let tls = endpoint.tls.as_ref()?;
    let mut config = rustls::ClientConfig::clone(&tls.config);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(RemoteTls { config: Arc::new(config), name: tls.name.clone() })
}
