//! Connections that become whatever both sides agree on, and never go back to a pool.

use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::connect::connect_to;
use super::endpoint::Endpoint;
use super::transport::Transport;
use super::{Deadlines, Remote, RemoteTls, SendFault};
use crate::body::RequestBody;

/// Sends a request over a connection of its own. Endpoints that cannot be connected to are passed over; once it left, it is never sent
/// again.
pub(crate) async fn dedicated(
    remote: &Arc<Remote>,
    request: Request<RequestBody>,
    deadlines: Deadlines,
) -> Result<Response<Incoming>, SendFault> {
    let transport = open(remote, deadlines).await?;
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
        () = deadlines.passed(None, true) => Err(SendFault::Timeout("no-answer-in-time")),
    }
}

async fn open(remote: &Remote, deadlines: Deadlines) -> Result<Transport, SendFault> {
    let members = remote.members();
    let now = remote.now();
    let well: Vec<&Arc<Endpoint>> = members.iter().filter(|endpoint| endpoint.is_available(now)).collect();
    let mut candidates = if well.is_empty() { members.iter().collect() } else { well };
    // Where to begin is left to chance: such connections last, and would otherwise all be the first endpoint's.
    let mut random = [0; 2];
    let _ = aws_lc_rs::rand::fill(&mut random);
    let first = usize::from(u16::from_be_bytes(random)).checked_rem(candidates.len()).unwrap_or(0);
    candidates.rotate_left(first);
    let mut fault = SendFault::Unreachable("no-endpoint");
    for endpoint in candidates {
        match timeout(deadlines.connect, connect_to(endpoint, over_http1(endpoint).as_ref())).await {
            Ok(Ok(transport)) => return Ok(transport),
            Ok(Err(cause)) => fault = cause,
            Err(_) => fault = SendFault::Timeout("no-connection-in-time"),
        }
    }
    Err(fault)
}

/// Only HTTP/1.1 can be upgraded: nothing else is offered in the handshake of TLS.
fn over_http1(endpoint: &Endpoint) -> Option<RemoteTls> {
    let tls = endpoint.tls.as_ref()?;
    let mut config = rustls::ClientConfig::clone(&tls.config);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(RemoteTls { config: Arc::new(config), name: tls.name.clone() })
}
