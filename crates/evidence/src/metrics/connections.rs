use std::collections::BTreeMap;
use std::sync::Arc;

use super::counter::{Counters, Gauge, Label};
use super::family::{Family, Snapshot};
use crate::event::{ConnectionEvent, ConnectionFault};
use crate::{Metrics, TlsVersion};

static OPEN: Family = Family::gauge("bartizan_connections", "Open client connections.", &[]);
static HANDSHAKES: Family =
    Family::counter("bartizan_tls_handshakes_total", "TLS handshakes by version and outcome.", &["version", "outcome"]);
static FAULTS: Family = Family::counter(
    "bartizan_connection_faults_total",
    "Connections that failed apart from any request, by what was wrong.",
    &["fault"],
);

/// Client connections.
#[derive(Debug, Default)]
pub struct ConnectionMetrics {
    open: Arc<Gauge>,
    handshakes: Counters<TlsVersion>,
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
