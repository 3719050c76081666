use std::future::ready;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::SystemTime;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpStream;

use super::connection::request_id;
use super::http1::{Reuse, drive};
use super::tracked::Tracked;
use super::worker::Local;
use crate::body::AnswerBody;
use crate::exchange::{Connection, Raw};
use crate::pipeline;
use crate::wire::{InFlight, Refused};

/// Serves plain HTTP: answers 308 to the same URL over TLS, and nothing else.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, local: Rc<Local>) {
    let _open = local.open.subscribe();
    let gate = local.gate();
    let _place = match local.enter(peer, &gate) {
        Ok(place) => place,
        Err(refusal) => return local.turn_away(peer, refusal),
    };
    let connection = Connection { peer, tls: None };
    let pace = local.pace(&gate);
    let service = |request: Request<Incoming>| {
        let (in_flight, refused) = InFlight::begin(&pace);
        let response = answer(request, refused, connection.clone(), &local);
        ready(Ok(response.map(|body| Tracked::new(body, in_flight))))
    };
    drive(stream, service, Reuse::Once, peer, &gate, &local, pace.clone()).await;
}

fn answer(
    request: Request<Incoming>,
    refused: Option<Refused>,
    connection: Connection,
    local: &Local,
) -> Response<AnswerBody> {
    let arrived = SystemTime::now();
    let (head, body) = request.into_parts();
    let raw = Raw { head, body, connection, arrived, request_id: request_id(arrived) };
    match refused {
        Some(refused) => pipeline::refuse(&raw, &refused, &local.gate(), &local.recorder),
        None => pipeline::redirect(&raw, &local.gate(), &local.recorder),
    }
}
