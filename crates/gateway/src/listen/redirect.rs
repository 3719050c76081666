use std::future::ready;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::SystemTime;

use http::{Request, Response};
use hyper::body::Incoming;

use super::connection::client;
use super::http1::{Reuse, drive};
use super::stream::Stream;
use super::tracked::Tracked;
use super::worker::Local;
use crate::body::AnswerBody;
use crate::exchange::{Connection, Raw};
use crate::pipeline;
use crate::wire::{InFlight, Refused};

/// Serves plain HTTP: answers 308 to the same URL over TLS, and nothing else.
pub(super) async fn serve(mut stream: Stream, peer: SocketAddr, local: Rc<Local>) {
    let _open = local.open.subscribe();
    let gate = local.gate();
    let Some(mut place) = local.enter(peer, &gate) else { return };
    let Some(client) = client(&mut stream, peer, &gate, &local).await else { return };
    if !local.claim(&mut place, peer, client, &gate) {
        return;
    }
    let connection = Connection::plain(peer, client);
    let pace = local.pace(&gate);
    let service = |request: Request<Incoming>| {
        let (in_flight, refused) = InFlight::begin(&pace);
        let response = answer(request, refused, connection.clone(), &local);
        ready(Ok(response.map(|body| Tracked::new(body, in_flight))))
    };
    drive(stream, service, Reuse::Once, peer, &gate, &local, pace.clone(), || None).await;
}

fn answer(
    request: Request<Incoming>,
    refused: Option<Refused>,
    connection: Connection,
    local: &Local,
) -> Response<AnswerBody> {
    let arrived = SystemTime::now();
    let raw = Raw::new(request, connection, arrived, local.request_ids.next(arrived));
    match refused {
        Some(refused) => pipeline::refuse(&raw, &refused, &local.gate(), &local.recorder).map(AnswerBody::full),
        None => pipeline::redirect(&raw, &local.gate(), &local.recorder),
    }
}
