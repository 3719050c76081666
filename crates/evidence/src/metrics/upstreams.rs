use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::family::{Family, Snapshot};

static HEALTHY: Family = Family::gauge(
    "bartizan_upstream_endpoint_healthy",
    "1 while the gate's own questions do not say otherwise.",
    &["upstream", "endpoint"],
);
static EJECTED: Family = Family::gauge(
    "bartizan_upstream_endpoint_ejected",
    "1 while an endpoint is left out because of the requests that it failed.",
    &["upstream", "endpoint"],
);
static CIRCUIT: Family = Family::gauge(
    "bartizan_upstream_endpoint_circuit_open",
    "1 while an endpoint's circuit is open.",
    &["upstream", "endpoint"],
);
static IN_FLIGHT: Family = Family::gauge(
    "bartizan_upstream_endpoint_requests_in_flight",
    "Requests that an endpoint has now.",
    &["upstream", "endpoint"],
);
static REQUESTS: Family = Family::counter(
    "bartizan_upstream_endpoint_requests_total",
    "Requests that an endpoint answered, or failed: no connection, no answer, a broken one, 502, 503 or 504.",
    &["upstream", "endpoint", "outcome"],
);
static PENDING: Family =
    Family::gauge("bartizan_upstream_requests_pending", "Requests that wait for room at an endpoint.", &["upstream"]);
static RETRIES: Family =
    Family::counter("bartizan_upstream_retries_total", "Requests sent again, by upstream.", &["upstream"]);
static RETRIES_DENIED: Family = Family::counter(
    "bartizan_upstream_retries_denied_total",
    "Requests not sent again because the budget was used up.",
    &["upstream"],
);
static EJECTIONS: Family =
    Family::counter("bartizan_upstream_ejections_total", "Endpoints left out for a while.", &["upstream"]);
static OPENED: Family =
    Family::counter("bartizan_upstream_circuits_opened_total", "Circuits of endpoints that opened.", &["upstream"]);
static ALL_DOWN: Family = Family::counter(
    "bartizan_upstream_all_down_total",
    "Requests sent although no endpoint was thought well.",
    &["upstream"],
);
static REFUSED: Family = Family::counter(
    "bartizan_upstream_refused_total",
    "Requests refused with 503 because no endpoint was to be asked, or none had room.",
    &["upstream"],
);
static MIRRORED: Family = Family::counter(
    "bartizan_upstream_mirrored_requests_total",
    "Copies of requests that were sent, and those that were left out since too many were under way or a body was too large.",
    &["upstream", "outcome"],
);
static LOOKUPS: Family = Family::counter(
    "bartizan_upstream_lookup_failures_total",
    "Names of endpoints that could not be looked up.",
    &["upstream"],
);
static CHECKS: Family =
    Family::counter("bartizan_upstream_health_check_failures_total", "Health checks that failed.", &["upstream"]);

/// What is known of upstreams: read where it is kept, when somebody asks.
#[derive(Default)]
pub struct UpstreamMetrics(Mutex<Option<Arc<Ask>>>);

type Ask = dyn Fn() -> Vec<UpstreamStatus> + Send + Sync;
/// A family, and what of an upstream or endpoint it shows.
type Shown<T> = (&'static Family, fn(&T) -> u64);

/// One upstream at one moment.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each is described by the family that shows it")]
pub struct UpstreamStatus {
    pub upstream: Arc<str>,
    pub endpoints: Vec<EndpointStatus>,
    pub pending: u64,
    pub retries: u64,
    pub retries_denied: u64,
    pub ejections: u64,
    pub circuits_opened: u64,
    pub all_down: u64,
    pub refused: u64,
    pub mirrored: u64,
    pub mirrors_skipped: u64,
    pub lookup_failures: u64,
    pub check_failures: u64,
}

/// One of its endpoints.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each is described by the family that shows it")]
pub struct EndpointStatus {
    pub endpoint: Arc<str>,
    pub is_healthy: bool,
    pub is_ejected: bool,
    pub is_circuit_open: bool,
    pub in_flight: u64,
    pub answered: u64,
    pub failed: u64,
}

impl fmt::Debug for UpstreamMetrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("UpstreamMetrics")
    }
}

impl UpstreamMetrics {
    /// Where to read it from now on.
    pub fn read_from(&self, source: impl Fn() -> Vec<UpstreamStatus> + Send + Sync + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(source));
    }

    pub(super) fn collect(&self, _: &super::Derived, into: &mut Snapshot) {
        let source = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut upstreams = source.map(|source| source()).unwrap_or_default();
        let mut left = super::MAX_SERIES;
        for upstream in &mut upstreams {
            upstream.endpoints.truncate(left);
            left -= upstream.endpoints.len();
        }
        of_endpoints(&upstreams, into);
        of_groups(&upstreams, into);
    }
}

fn of_endpoints(upstreams: &[UpstreamStatus], into: &mut Snapshot) {
    let gauges: [Shown<EndpointStatus>; 4] = [
        (&HEALTHY, |it| u64::from(it.is_healthy)),
        (&EJECTED, |it| u64::from(it.is_ejected)),
        (&CIRCUIT, |it| u64::from(it.is_circuit_open)),
        (&IN_FLIGHT, |it| it.in_flight),
    ];
    for (family, value) in gauges {
        let mut samples = into.family(family);
        for upstream in upstreams {
            for endpoint in &upstream.endpoints {
                samples.whole(&[&upstream.upstream, &endpoint.endpoint], value(endpoint));
            }
        }
    }
    let mut samples = into.family(&REQUESTS);
    for upstream in upstreams {
        for endpoint in &upstream.endpoints {
            samples.whole(&[&upstream.upstream, &endpoint.endpoint, "answered"], endpoint.answered);
            samples.whole(&[&upstream.upstream, &endpoint.endpoint, "failed"], endpoint.failed);
        }
    }
}

fn of_groups(upstreams: &[UpstreamStatus], into: &mut Snapshot) {
    let families: [Shown<UpstreamStatus>; 9] = [
        (&PENDING, |it| it.pending),
        (&RETRIES, |it| it.retries),
        (&RETRIES_DENIED, |it| it.retries_denied),
        (&EJECTIONS, |it| it.ejections),
        (&OPENED, |it| it.circuits_opened),
        (&ALL_DOWN, |it| it.all_down),
        (&REFUSED, |it| it.refused),
        (&LOOKUPS, |it| it.lookup_failures),
        (&CHECKS, |it| it.check_failures),
    ];
    for (family, value) in families {
        let mut samples = into.family(family);
        for upstream in upstreams {
            samples.whole(&[&upstream.upstream], value(upstream));
        }
    }
    let mut samples = into.family(&MIRRORED);
    for upstream in upstreams {
        samples.whole(&[&upstream.upstream, "sent"], upstream.mirrored);
        samples.whole(&[&upstream.upstream, "skipped"], upstream.mirrors_skipped);
    }
}
