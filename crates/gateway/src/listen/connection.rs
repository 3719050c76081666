use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::SystemTime;

use bartizan_controls::gate as controls;
use bartizan_evidence::{ConnectionEvent, ConnectionFault, Detail, Event, RequestId, TlsVersion};
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::worker::Local;
use super::{Phase, http1, http2};
use crate::body::AnswerBody;
use crate::exchange::{Connection, Raw};
use crate::pipeline;
use crate::wire::Refused;

/// Serves one connection from its first byte to its last.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, local: Rc<Local>) {
    let _open = local.open.subscribe();
    let _counted = local.recorder.metrics().connection_opened();
    let gate = local.gate();
    let _place = match local.enter(peer, &gate) {
        Ok(place) => place,
        Err(refusal) => return local.turn_away(peer, refusal),
    };
    let Some(tls) = gate.tls.as_ref().map(|tls| tls.config.clone()) else {
        return http1::serve(stream, Connection { peer, tls: None }, &gate, &local).await;
    };
    let under_way = match gate.room.begin_handshake(&gate.config.limits) {
        Ok(under_way) => under_way,
        Err(refusal) => return local.turn_away(peer, refusal),
    };
    let handshake = TlsAcceptor::from(tls).accept(stream);
    let shaken = timeout(gate.config.server.timeouts.handshake, handshake).await;
    drop(under_way);
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(cause)) => return failed_handshake(&local, peer, &cause),
        Err(_) => return record(&local, peer, ConnectionFault::Timeout, "no TLS handshake in time"),
    };
    let (_, session) = stream.get_ref();
    let version = match session.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
        _ => TlsVersion::Tls12,
    };
    local.recorder.metrics().tls_handshake(version);
    let is_http2 = session.alpn_protocol() == Some(b"h2");
    let connection = Connection { peer, tls: Some(version) };
    if is_http2 {
        http2::serve(stream, connection, &gate, &local).await;
    } else {
        http1::serve(stream, connection, &gate, &local).await;
    }
}

/// Returns when the worker drains.
pub(super) async fn draining(local: &Local) {
    let _ = local.phase.clone().wait_for(|phase| *phase != Phase::Serving).await;
}

pub(super) async fn answer(
    request: Request<Incoming>,
    refused: Option<Refused>,
    connection: Connection,
    local: Rc<Local>,
) -> Response<AnswerBody> {
    let arrived = SystemTime::now();
    let (head, body) = request.into_parts();
    let raw = Raw { head, body, connection, arrived, request_id: request_id(arrived) };
    // The gate is looked up for each request: a reload reaches connections that are already open.
    let gate = local.gate();
    if let Some(refused) = refused {
        return pipeline::refuse(&raw, &refused, &gate, &local.recorder);
    }
    pipeline::run(raw, &gate, &local.pool, &local.recorder).await
}

pub(super) fn request_id(now: SystemTime) -> RequestId {
    let mut random = [0; 10];
    // Without randomness the id is still ordered by time; uniqueness is not worth refusing service for.
    let _ = aws_lc_rs::rand::fill(&mut random);
    RequestId::new(now, random)
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
