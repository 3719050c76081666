use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use bartizan_evidence::ConnectionFault;
use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::connection::{answer, draining, record};
use super::tracked::Tracked;
use super::worker::Local;
use crate::body::AnswerBody;
use crate::exchange::Connection;
use crate::gate::Gate;
use crate::on_this_thread::OnThisThread;
use crate::websocket::{Tunnel, handshake};
use crate::wire::{Frames, InFlight, Lapse};

/// Streams of one connection that may be open at once.
const MOST_STREAMS: u32 = 128;
/// Streams that a client may reset before they were accepted (CVE-2023-44487).
const MOST_PENDING_RESETS: usize = 20;
/// Streams that the gate resets for a client's errors before h2 itself gives up (CVE-2025-8671). Those that were answered are not set off
/// against these, as they are in [`Frames`].
const MOST_OWN_RESETS: usize = 1024;
/// Bytes of answers that h2 keeps for one stream.
const SEND_BUFFER: usize = 256 * 1024;
/// How long the end of a connection may take, for a client that does not read it.
const GOODBYE: Duration = Duration::from_millis(500);

/// `GOAWAY`'s error codes (`RFC 9113 §7`).
#[derive(Clone, Copy, Debug)]
enum Goodbye {
    NoError = 0x0,
    EnhanceYourCalm = 0xb,
}

/// Serves HTTP/2, with its frames counted on the way.
pub(super) async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    connection: Connection,
    gate: &Gate,
    local: &Rc<Local>,
) {
    let server = &gate.config.server;
    let peer = connection.peer;
    let pace = local.pace(gate);
    let mut frames = Frames::new(stream, pace.clone());
    let service = service_fn(|mut request: Request<Incoming>| {
        let upgrade = handshake::takes_over(&request).then(|| hyper::upgrade::on(&mut request));
        let (in_flight, _) = InFlight::begin(&pace);
        let answered = answer(request, None, connection.clone(), local.clone());
        tracked(answered, in_flight, upgrade, local.clone())
    });
    let list_bytes = u32::try_from(server.bounds.head_bytes.get()).unwrap_or(u32::MAX);
    let mut http = http2::Builder::new(OnThisThread);
    if gate.has_websockets {
        http.enable_connect_protocol();
    }
    let served = http
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_pending_accept_reset_streams(MOST_PENDING_RESETS)
        .max_local_error_reset_streams(MOST_OWN_RESETS)
        .max_header_list_size(list_bytes)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(server.timeouts.head)
        .keep_alive_timeout(server.timeouts.head)
        .serve_connection(TokioIo::new(&mut frames), service);
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
    let (by_client, provoked) = frames.resets();
    local.recorder.metrics().http2_resets(by_client, provoked);
    let goodbye = match (frames.flood(), pace.lapsed()) {
        (Some(flood), _) => {
            record(local, peer, ConnectionFault::Flood, &flood.to_string());
            Goodbye::EnhanceYourCalm
        }
        (None, Some(Lapse::Stall)) => {
            record(local, peer, ConnectionFault::Timeout, "the client does not take its answers");
            Goodbye::EnhanceYourCalm
        }
        (None, Some(Lapse::Head)) => {
            if pace.is_fresh() {
                record(local, peer, ConnectionFault::Timeout, "no request in time");
            }
            Goodbye::NoError
        }
        (None, None) => {
            if let Err(cause) = outcome {
                failed(local, peer, &cause);
            }
            return;
        }
    };
    say(goodbye, &mut frames).await;
}

/// h2 says nothing more once its socket failed, and these ends were made by failing it: the client is told here.
async fn say<S: AsyncRead + AsyncWrite + Unpin>(goodbye: Goodbye, frames: &mut Frames<S>) {
    let Some((stream, last_stream)) = frames.for_goodbye() else { return };
    let mut frame = Vec::from([0, 0, 8, 7, 0, 0, 0, 0, 0]);
    frame.extend_from_slice(&last_stream.to_be_bytes());
    frame.extend_from_slice(&u32::from(goodbye as u8).to_be_bytes());
    let mut rest = Vec::with_capacity(16 * 1024);
    let _ = timeout(GOODBYE, async {
        if stream.write_all(&frame).await.is_err() || stream.shutdown().await.is_err() {
            return;
        }
        // Closing with bytes unread would reset the connection, and with it take the reason away.
        while stream.read_buf(&mut rest).await.is_ok_and(|length| length > 0) {
            rest.clear();
        }
    })
    .await;
}

async fn tracked(
    answered: impl Future<Output = Response<AnswerBody>>,
    in_flight: InFlight,
    upgrade: Option<OnUpgrade>,
    local: Rc<Local>,
) -> Result<Response<Tracked>, Infallible> {
    let mut response = answered.await;
    let tunnel = response.body_mut().tunnel_mut().and_then(Option::take);
    if let (Some(tunnel), Some(upgrade)) = (tunnel, upgrade) {
        tokio::task::spawn_local(hand_over(tunnel, upgrade, in_flight, local));
        return Ok(response.map(Tracked::untracked));
    }
    Ok(response.map(|body| Tracked::new(body, in_flight)))
}

/// Lets a stream become what was agreed on, beside the others of its connection. It counts as in flight: whether its client keeps up
/// is the tunnel's to know.
async fn hand_over(tunnel: Box<Tunnel>, upgrade: OnUpgrade, in_flight: InFlight, local: Rc<Local>) {
    let _open = local.open.subscribe();
    if let Ok(upgraded) = upgrade.await {
        tunnel.run(TokioIo::new(upgraded), Bytes::new(), draining(&local)).await;
    }
    drop(in_flight);
}

/// What h2 found wrong: a broken rule of the protocol, or a flood that it counts itself.
fn failed(local: &Local, peer: std::net::SocketAddr, cause: &hyper::Error) {
    let h2 = std::error::Error::source(cause).and_then(|source| source.downcast_ref::<h2::Error>());
    match h2.filter(|fault| fault.is_library()).and_then(h2::Error::reason) {
        Some(h2::Reason::ENHANCE_YOUR_CALM) => record(local, peer, ConnectionFault::Flood, &cause_text(cause)),
        Some(h2::Reason::NO_ERROR) => {}
        Some(_) => record(local, peer, ConnectionFault::Protocol, &cause_text(cause)),
        None => super::connection::failed(local, peer, cause),
    }
}

fn cause_text(cause: &hyper::Error) -> String {
    std::error::Error::source(cause).map_or_else(|| cause.to_string(), ToString::to_string)
}
