use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::SystemTime;

use bartizan_controls::gate as controls;
use bartizan_evidence::{ConnectionEvent, ConnectionFault, Detail, Event};
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::proxy::{self, Unproxied};
use super::stream::Stream;
use super::worker::Local;
use super::{Phase, http1, http2};
use crate::body::AnswerBody;
use crate::config::ProxyProtocol;
use crate::exchange::{Connection, Raw};
use crate::gate::Gate;
use crate::pipeline;
use crate::tls::{self, Accepted};
use crate::wire::Refused;

/// Serves one connection from its first byte to its last.
pub(super) async fn serve(mut stream: Stream, peer: SocketAddr, local: Rc<Local>) {
    let _open = local.open.subscribe();
    let _counted = local.recorder.metrics().connection_opened();
    let gate = local.gate();
    let Some(mut place) = local.enter(peer, &gate) else { return };
    let Some(client) = client(&mut stream, peer, &gate, &local).await else { return };
    if !local.claim(&mut place, peer, client, &gate) {
        return;
    }
    let Some(tls) = gate.tls.as_ref() else {
        return http1::serve(stream, Connection::plain(peer, client), &gate, &local).await;
    };
    let Some(under_way) = local.begin_handshake(peer, &gate) else { return };
    // Boxed, as all that lasts but a moment or is rare: a connection's task is as large as the largest of its states for as long as it lives.
    let shaken = timeout(gate.config.server.timeouts.handshake, Box::pin(tls::accept(tls, stream))).await;
    drop(under_way);
    let accepted = match shaken {
        Ok(Ok(Some(accepted))) => accepted,
        Ok(Ok(None)) => return,
        Ok(Err(cause)) => return failed_handshake(&local, peer, &cause),
        Err(_) => return record(&local, peer, ConnectionFault::Timeout, "no TLS handshake in time"),
    };
    let Accepted { stream, version, certificate, is_http2 } = accepted;
    local.recorder.metrics().tls_handshake(version);
    let connection = Connection { tls: Some(version), certificate, ..Connection::plain(peer, client) };
    if is_http2 {
        Box::pin(http2::serve(stream, connection, &gate, &local)).await;
    } else {
        http1::serve(stream, connection, &gate, &local).await;
    }
}

/// For whom the connection is: the peer, or whom a proxy names before the first byte. `None` if it is to be closed.
pub(super) async fn client(stream: &mut Stream, peer: SocketAddr, gate: &Gate, local: &Local) -> Option<IpAddr> {
    let server = &gate.config.server;
    match server.listening.proxy_protocol {
        ProxyProtocol::Off => Some(peer.ip().to_canonical()),
        ProxyProtocol::Required => {
            let asked = proxy::client(stream, peer, &server.trusted_proxies);
            match timeout(server.timeouts.handshake, asked).await {
                Ok(Ok(client)) => Some(client),
                // A health check that only connects.
                Ok(Err(Unproxied::Cut(_))) => None,
                Ok(Err(cause)) => {
                    record(local, peer, ConnectionFault::Protocol, &cause.to_string());
                    None
                }
                Err(_) => {
                    record(local, peer, ConnectionFault::Timeout, "no PROXY header in time");
                    None
                }
            }
        }
    }
}

/// Returns when the worker drains.
pub(super) async fn draining(local: &Local) {
    let _ = local.phase.clone().wait_for(|phase| *phase != Phase::Serving).await;
}

/// Begins to answer. Not `async`: what it is given goes into the one box of the request, and not into the future as well.
pub(super) fn answer(
    request: Request<Incoming>,
    refused: Option<Refused>,
    connection: Connection,
    local: Rc<Local>,
) -> impl Future<Output = Response<AnswerBody>> {
    let arrived = SystemTime::now();
    let is_http1 = request.version() < Version::HTTP_2;
    let raw = Raw::new(request, connection, arrived, local.request_ids.next(arrived));
    async move {
        // The gate is looked up for each request: a reload reaches connections that are already open.
        let gate = local.gate();
        if let Some(refused) = refused {
            return pipeline::refuse(&raw, &refused, &gate, &local.recorder).map(AnswerBody::full);
        }
        let mut answer = pipeline::run(raw, &gate, &local.pool, &local.recorder).await;
        if local.is_draining.get() && is_http1 && answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

fn failed_handshake(local: &Local, peer: SocketAddr, cause: &io::Error) {
    match cause.kind() {
        // A port scan, or a browser that changed its mind: no attempt was made.
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {}
        _ => record(local, peer, ConnectionFault::TlsHandshake, &cause.to_string()),
    }
}

pub(super) fn failed(local: &Local, peer: SocketAddr, cause: &hyper::Error) {
    let fault = if cause.is_timeout() {
        ConnectionFault::Timeout
    } else if cause.is_parse() || cause.is_parse_too_large() {
        ConnectionFault::Protocol
    } else {
        // The client went away; whatever was in flight has left its own event.
        return;
    };
    record(local, peer, fault, &cause.to_string());
}

pub(super) fn record(local: &Local, peer: SocketAddr, fault: ConnectionFault, detail: &str) {
    let control = match fault {
        ConnectionFault::TlsHandshake => Some(controls::TLS.id),
        ConnectionFault::Protocol => Some(controls::REQUEST_INTEGRITY.id),
        ConnectionFault::Flood | ConnectionFault::Overload => Some(controls::LOAD_SHEDDING.id),
        _ => None,
    };
    let Some(slot) = local.recorder.reserve() else { return };
    slot.record(Event::Connection(ConnectionEvent {
        time: SystemTime::now(),
        peer,
        fault,
        control,
        detail: Detail::new(detail),
    }));
}
