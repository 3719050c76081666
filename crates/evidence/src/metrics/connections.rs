use std::collections::BTreeMap;
use std::sync::Arc;

use super::counter::{Counter, Counters, Gauge, Label};
use super::family::{Family, Snapshot};
use crate::event::{ConnectionEvent, ConnectionFault, ConnectionRefusal};
use crate::{Metrics, TlsVersion};

static OPEN: Family = Family::gauge("bartizan_connections", "Open client connections.", &[]);
static HANDSHAKES: Family =
    Family::counter("bartizan_tls_handshakes_total", "TLS handshakes by version and outcome.", &["version", "outcome"]);
static FAULTS: Family = Family::counter(
    "bartizan_connection_faults_total",
    "Connections that failed apart from any request, by what was wrong.",
    &["fault"],
);

static REFUSED: Family = Family::counter(
    "bartizan_connections_refused_total",
    "Connections closed before they were served, by the limit that they met.",
    &["limit"],
);
static RESETS: Family = Family::counter(
    "bartizan_http2_resets_total",
    "Streams that were reset, by a client or by the gate for what a client did; counted when their connection ends.",
    &["by"],
);

/// Client connections.
#[derive(Debug, Default)]
pub struct ConnectionMetrics {
    open: Arc<Gauge>,
    handshakes: Counters<TlsVersion>,
    refused: Counters<ConnectionRefusal>,
    resets_by_client: Counter,
    resets_by_gate: Counter,
}

/// Counts one open connection until it is dropped.
#[derive(Debug)]
#[must_use = "the connection counts as closed when this is dropped"]
pub struct ConnectionGuard(Arc<Gauge>);

impl ConnectionMetrics {
    pub(super) fn collect(&self, derived: &super::Derived, into: &mut Snapshot) {
        let Derived { faults, handshakes_failed } = &derived.connections;
        into.family(&OPEN).level(&[], self.open.value());
        let mut handshakes = into.family(&HANDSHAKES);
        for (version, count) in self.handshakes.iter() {
            handshakes.whole(&[version, "success"], count);
        }
        handshakes.whole(&["", "failure"], *handshakes_failed);
        let mut refused = into.family(&REFUSED);
        for (limit, count) in self.refused.iter() {
            refused.whole(&[limit], count);
        }
        let mut resets = into.family(&RESETS);
        resets.whole(&["client"], self.resets_by_client.value());
        resets.whole(&["gate"], self.resets_by_gate.value());
        let mut by_fault = into.family(&FAULTS);
        for (fault, count) in faults {
            by_fault.whole(&[fault], *count);
        }
    }
}

impl Metrics {
    /// Counts a connection as open until the guard is dropped.
    pub fn connection_opened(&self) -> ConnectionGuard {
        let open = self.connections().open.clone();
        open.add(1);
        ConnectionGuard(open)
    }

    /// Counts a connection that was closed before it was served.
    pub fn connection_refused(&self, limit: ConnectionRefusal) {
        self.connections().refused.increment(limit);
    }

    /// Counts the streams of an HTTP/2 connection that were cancelled by the client, and those that the gate reset for what it did.
    pub fn http2_resets(&self, by_client: u32, by_gate: u32) {
        self.connections().resets_by_client.add(by_client.into());
        self.connections().resets_by_gate.add(by_gate.into());
    }

    /// Counts a TLS handshake that succeeded; one that failed is counted by its [`ConnectionEvent`].
    pub fn tls_handshake(&self, version: TlsVersion) {
        self.connections().handshakes.increment(version);
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

impl Label for TlsVersion {
    const ALL: &'static [Self] = &[Self::Tls12, Self::Tls13];

    fn index(self) -> usize {
        self as usize
    }

    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

impl Label for ConnectionRefusal {
    const ALL: &'static [Self] = &[Self::Total, Self::Address, Self::Handshakes];

    fn index(self) -> usize {
        self as usize
    }

    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// What events tell of connections.
#[derive(Debug, Default)]
pub(super) struct Derived {
    faults: BTreeMap<&'static str, u64>,
    handshakes_failed: u64,
}

impl Derived {
    pub(super) fn observe(&mut self, connection: &ConnectionEvent) {
        *self.faults.entry(connection.fault.as_str()).or_default() += 1;
        if connection.fault == ConnectionFault::TlsHandshake {
            self.handshakes_failed += 1;
        }
    }
}
