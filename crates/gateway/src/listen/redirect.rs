use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::SystemTime;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::Phase;
use super::connection::client;
use super::stream::Stream;
use super::worker::Local;
use crate::body::AnswerBody;
use crate::exchange::{Connection, Raw};
use crate::pipeline;

/// Serves plain HTTP: answers 308 to the same URL over TLS, and nothing else.
pub(super) async fn serve(mut stream: Stream, peer: SocketAddr, local: Rc<Local>) {
    let _open = local.open.subscribe();
    let gate = local.gate();
    let Some(client) = client(&mut stream, peer, &gate, &local).await else { return };
    let connection = Connection::plain(peer, client);
    let (bounds, timeouts) = (gate.config.server.bounds, gate.config.server.timeouts);
    let service = service_fn(|request| ready(Ok::<_, Infallible>(answer(request, connection.clone(), &local))));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.head)
        .max_headers(bounds.headers.get())
        .max_buf_size(bounds.head_bytes.get().max(8 * 1024))
        // One redirect is all that anybody needs from a connection.
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    let mut phase = local.phase.clone();
    tokio::select! {
        _ = served.as_mut() => {}
        _ = phase.wait_for(|phase| *phase != Phase::Serving) => {
            served.as_mut().graceful_shutdown();
            let _ = served.await;
        }
    }
}

fn answer(request: Request<Incoming>, connection: Connection, local: &Local) -> Response<AnswerBody> {
    let arrived = SystemTime::now();
    let raw = Raw::new(request, connection, arrived, local.request_ids.next(arrived));
    pipeline::redirect(&raw, &local.gate(), &local.recorder)
}
