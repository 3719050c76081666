//! What an operator is shown of upstreams.

use std::sync::atomic::Ordering::Relaxed;

use bartizan_evidence::{EndpointStatus, UpstreamStatus};

use super::breaker::Position;
use super::endpoint::{Checked, Endpoint, Millis};
use super::group::Remote;

/// A group at this moment.
pub(super) fn status(remote: &Remote) -> UpstreamStatus {
    let (counts, now) = (&remote.counts, remote.now());
    UpstreamStatus {
        upstream: remote.rules.name.clone(),
        endpoints: remote.members().iter().map(|it| endpoint_status(it, now)).collect(),
        pending: remote.queue.waiting.load(Relaxed).into(),
        retries: counts.retries.load(Relaxed),
        retries_denied: counts.retries_denied.load(Relaxed),
        ejections: counts.ejections.load(Relaxed),
        circuits_opened: counts.circuits_opened.load(Relaxed),
        all_down: counts.all_down.load(Relaxed),
        refused: counts.refused.load(Relaxed),
        mirrored: counts.mirrored.load(Relaxed),
        mirrors_skipped: counts.mirrors_skipped.load(Relaxed),
        lookup_failures: counts.lookup_failures.load(Relaxed),
        check_failures: counts.check_failures.load(Relaxed),
    }
}

fn endpoint_status(endpoint: &Endpoint, now: Millis) -> EndpointStatus {
    EndpointStatus {
        endpoint: endpoint.label.clone(),
        is_healthy: endpoint.health.checked() != Checked::Unhealthy,
        is_ejected: endpoint.health.is_ejected(now),
        is_circuit_open: endpoint.circuit_position(now) != Position::Closed,
        in_flight: endpoint.load.in_flight.load(Relaxed).into(),
        answered: endpoint.load.answered.load(Relaxed),
        failed: endpoint.load.failed.load(Relaxed),
    }
}
