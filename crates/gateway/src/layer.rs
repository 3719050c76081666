//! The gate's decisions inside a Rust service: a [`tower_layer::Layer`] for axum, tonic, and whatever else is a tower service.
//!
//! Requests pass the same stages as at the gate (*admit*, limits, *route*, *authenticate*, *authorize*, *validate*, *inspect*), what
//! passes is handed to the inner service, its answer goes through *filter*, and exactly one event is written for each request.
//!
//! # What it does not do
//!
//! **The *wire* is not in it.** Bytes are read by the server that the service runs on (hyper, mostly), so what that server accepts
//! silently (a bare LF, equal repeated `Content-Length`, blank lines before a request) is not refused, and its limits on connections,
//! slow clients and HTTP/2 floods are the ones that count. It has no TLS, no listener, and no upstream connections. Put a gate in front
//! where strangers connect directly.
//!
//! # Where it stands
//!
//! Around the router, not inside it: *admit* normalizes the path, and what routes has to see the path that was judged. With axum:
//!
//! ```ignore
//! let guarded = Router::new().fallback_service(gate_layer.layer(app));
//! axum::serve(listener, guarded.into_make_service_with_connect_info::<SocketAddr>()).await
//! ```
//!
//! It needs a tokio runtime with timers. An error of the inner service becomes a 500 that tells nothing.

mod setup;

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bartizan_evidence::{Recorder, TlsVersion};
use bartizan_policy::Principal;
use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::{Body, Frame, SizeHint};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::{AnswerBody, ClientBody, RequestBody};
use crate::exchange::{Connection, Raw};
use crate::gate::Gate;
use crate::listen::{Current, request_id};
use crate::pipeline::{self, Handed, Inside, Known};
use crate::refusal::Refusal;

type BoxError = Box<dyn Error + Send + Sync>;
type PeerOf = dyn Fn(&Extensions) -> Option<Peer> + Send + Sync;

/// Where a request came in, as the server around the service knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The other end of the socket: perhaps a proxy.
    pub address: SocketAddr,
    /// The version of TLS that the server spoke, if it did.
    pub tls: Option<TlsVersion>,
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }
}

/// Puts the gate's decisions around a service.
#[derive(Clone)]
pub struct GateLayer {
    current: Arc<Current>,
    recorder: Recorder,
    peer: Arc<PeerOf>,
}

/// A service behind the gate's decisions.
#[derive(Clone)]
pub struct Guarded<S> {
    layer: GateLayer,
    inner: S,
}

/// Who calls, as an extension of the request that the inner service gets: absent if nobody is signed in.
#[derive(Clone)]
pub struct Caller(Arc<Known>);

/// A request's body as the inner service reads it: bounded in size and in the time between two pieces.
pub struct JudgedBody(RequestBody);

/// An answer's body behind *filter*.
pub struct FilteredBody(AnswerBody<Handed>);

impl GateLayer {
    /// A layer that decides by `gate` and records in `recorder`. `peer` tells from a request's extensions where it came in; with axum
    /// `|extensions| extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.into())`. A request of which it knows nothing is
    /// refused with 500: without an address neither limits nor networks nor the audit log hold.
    pub fn new(
        gate: Gate,
        recorder: Recorder,
        peer: impl Fn(&Extensions) -> Option<Peer> + Send + Sync + 'static,
    ) -> Self {
        Self { current: Current::new(Arc::new(gate)), recorder, peer: Arc::new(peer) }
    }

    /// Puts another configuration in force, for this layer and all its clones. Requests in flight finish on the old one.
    pub fn replace(&self, gate: Gate) {
        self.current.replace(Arc::new(gate));
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { layer: self.clone(), inner }
    }
}

impl<S, B, R> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<JudgedBody>, Response = Response<R>, Error: Into<BoxError>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    R: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<FilteredBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    /// Always ready: the inner service is waited for once a request was judged, so that a refusal never waits for it.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let arrived = SystemTime::now();
        let peer = (self.layer.peer)(request.extensions());
        // Only for the event of the refusal below.
        let known = peer.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into());
        let client = known.address.ip().to_canonical();
        let connection = Connection { peer: known.address, client, tls: known.tls, certificate: None };
        let raw = Raw::new(request.map(ClientBody::of_service), connection, arrived, request_id(arrived));
        let (gate, recorder) = (self.layer.current.gate(), self.layer.recorder.clone());
        let inside = Inside(self.inner.clone());
        Box::pin(async move {
            let response = match peer {
                Some(_) => pipeline::run(raw, &gate, &inside, &recorder).await,
                None => {
                    pipeline::turn_away(&raw, Refusal::Internal("unknown-peer"), &gate, &recorder).map(AnswerBody::full)
                }
            };
            Ok(response.map(FilteredBody))
        })
    }
}

impl Caller {
    pub(crate) fn new(known: Arc<Known>) -> Self {
        Self(known)
    }
}

impl Deref for Caller {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.0.principal
    }
}

impl JudgedBody {
    pub(crate) fn new(body: RequestBody) -> Self {
        Self(body)
    }
}

/// Passes every call on to the body inside, whatever its errors are.
macro_rules! pass_on {
    ($($body:ident),+) => {$(
        impl Body for $body {
            type Data = Bytes;
            type Error = BoxError;

            fn poll_frame(
                self: Pin<&mut Self>,
                task: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
                Pin::new(&mut self.get_mut().0).poll_frame(task).map_err(Into::into)
            }

            fn is_end_stream(&self) -> bool {
                self.0.is_end_stream()
            }

            fn size_hint(&self) -> SizeHint {
                self.0.size_hint()
            }
        }
    )+};
}

pass_on!(JudgedBody, FilteredBody);
