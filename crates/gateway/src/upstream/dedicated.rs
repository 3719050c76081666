use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::{Deadlines, Remote, SendFault, connect};
use crate::body::RequestBody;

/// Sends a request over a connection of its own, which becomes whatever both sides agree on. It is never sent twice.
pub(crate) async fn dedicated(
    remote: &Arc<Remote>,
    request: Request<RequestBody>,
    deadlines: Deadlines,
) -> Result<Response<Incoming>, SendFault> {
    let transport = timeout(deadlines.connect, connect(remote))
        .await
        .map_err(|_| SendFault::Timeout("no-connection-in-time"))??;
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
