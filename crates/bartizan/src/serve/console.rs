//! The operator's listener: health, readiness, metrics, the inventory of sensitive data and the assertion's keys. Never on the public one.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use anyhow::Context;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use bartizan_evidence::Format;
use serde_json::Value;

use super::{Shared, well_known};
use crate::inventory;

/// A bound console listener.
pub(super) struct Console {
    listener: TcpListener,
    address: SocketAddr,
}

impl Console {
    /// Binds the listener.
    pub(super) fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let bound = TcpListener::bind(address).and_then(Self::on);
        bound.with_context(|| format!("cannot listen on {address} (`[console] listen`)"))
    }

    /// On a listener that the process was started with.
    pub(super) fn on(listener: TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { address: listener.local_addr()?, listener })
    }

    /// A second hold on the listener, to hand over.
    pub(super) fn hold(&self) -> io::Result<OwnedFd> {
        Ok(self.listener.try_clone()?.into())
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process ends.
    pub(super) async fn serve(self, shared: Arc<Shared>) {
        let router = Router::new()
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .route("/inventory", get(inventory))
            .route(well_known::ASSERTION_JWKS, get(jwks))
            .with_state(shared);
        let listener = tokio::net::TcpListener::from_std(self.listener);
        let served = async { axum::serve(listener?, router).await };
        if let Err(cause) = served.await {
            tracing::error!(%cause, "the console's listener ended");
        }
    }
}

/// Whether the process lives.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the node should be sent requests.
async fn readyz(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    if !shared.ready.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else if shared.recorder.fault().is_some() {
        // Requests whose events cannot be kept are refused: another node serves them better.
        (StatusCode::SERVICE_UNAVAILABLE, "the audit log cannot be written\n")
    } else if shared.ports.waits_for_certificate() {
        (StatusCode::SERVICE_UNAVAILABLE, "no certificate yet\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

/// In OpenMetrics for those who ask for it (exemplars), in Prometheus' text format for everybody else.
async fn metrics(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let format = Format::negotiate(accept);
    ([(header::CONTENT_TYPE, format.content_type())], shared.recorder.metrics().render_as(format))
}

/// Which operations and fields carry data of people: names, never values.
async fn inventory(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let posture = shared.posture.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Json(inventory::record(&posture, &shared.learning.learned()))
}

async fn jwks(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    well_known::key_set(&shared.keys).map(axum::body::Body::new)
}
