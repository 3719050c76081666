mod credentials;
mod exposition;
mod histogram;
mod process;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::event::{ConnectionEvent, ConnectionFault, RequestEvent};
use crate::{Event, NodeEvent, Outcome, Stage, TlsVersion};
use histogram::Histogram;

pub use credentials::IntrospectionOutcome;

/// Series per family at most. Routes and upstreams are as many as the configuration has; this holds even if they were not.
const MAX_SERIES: usize = 20_000;
/// The label of what came after [`MAX_SERIES`].
const OVERFLOW: &str = "(other)";

/// What the node counts, in Prometheus' terms. Cheap to clone. Nearly all of it is derived from events by the thread that
/// writes them, so that it costs a request nothing.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Registry>);

/// Counts one open connection until it is dropped.
#[derive(Debug)]
#[must_use = "the connection counts as closed when this is dropped"]
pub struct ConnectionGuard(Arc<Registry>);

#[derive(Debug)]
struct Registry {
    started: SystemTime,
    connections: AtomicI64,
    handshakes_tls12: AtomicU64,
    handshakes_tls13: AtomicU64,
    /// Places taken in the audit queue. Lives here so that the gauge is true even while the writer hangs in a disk.
    places: AtomicUsize,
    unrecorded: AtomicU64,
    introspections: credentials::Introspections,
    /// Locked once per batch by the writer and once per scrape; never by a request.
    derived: Mutex<Derived>,
}

/// What the writer derives from events and from its own work.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    requests: HashMap<Arc<str>, RouteCounts>,
    authenticated: BTreeMap<&'static str, u64>,
    refusals: BTreeMap<(Stage, &'static str), u64>,
    observed: BTreeMap<(Stage, &'static str), u64>,
    request_duration: Histogram,
    stage_duration: [Histogram; Stage::ALL.len()],
    upstream_duration: HashMap<Arc<str>, Histogram>,
    connection_faults: BTreeMap<&'static str, u64>,
    handshakes_failed: u64,
    config_loaded: Option<SystemTime>,
    config_reload_failures: u64,
    audit_records: u64,
    audit_dropped: u64,
    audit_write_failures: u64,
    audit_failing: bool,
    audit_sync: Histogram,
}

/// Requests of one route by class of status and by outcome.
type RouteCounts = [[u64; Outcome::ALL.len()]; STATUS_CLASSES.len()];

const STATUS_CLASSES: [&str; 6] = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"];

impl Metrics {
    pub(crate) fn new(started: SystemTime) -> Self {
        Self(Arc::new(Registry {
            started,
            connections: AtomicI64::new(0),
            handshakes_tls12: AtomicU64::new(0),
            handshakes_tls13: AtomicU64::new(0),
            places: AtomicUsize::new(0),
            unrecorded: AtomicU64::new(0),
            introspections: credentials::Introspections::default(),
            derived: Mutex::default(),
        }))
    }

    /// Counts a connection as open until the guard is dropped.
    pub fn connection_opened(&self) -> ConnectionGuard {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        ConnectionGuard(Arc::clone(&self.0))
    }

    /// Counts a TLS handshake that succeeded; one that failed is counted by its [`ConnectionEvent`].
    pub fn tls_handshake(&self, version: TlsVersion) {
        let counter = match version {
            TlsVersion::Tls12 => &self.0.handshakes_tls12,
            TlsVersion::Tls13 => &self.0.handshakes_tls13,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a question to an issuer about one of its tokens.
    pub fn introspection(&self, outcome: IntrospectionOutcome) {
        self.0.introspections.count(outcome);
    }

    /// All metrics in Prometheus' text format 0.0.4 (`text/plain; version=0.0.4`).
    pub fn render(&self) -> String {
        exposition::render(&self.0)
    }

    pub(crate) fn places(&self) -> &AtomicUsize {
        &self.0.places
    }

    pub(crate) fn unrecorded(&self) -> &AtomicU64 {
        &self.0.unrecorded
    }

    pub(crate) fn derived(&self) -> MutexGuard<'_, Derived> {
        self.0.derived()
    }
}

impl Registry {
    fn derived(&self) -> MutexGuard<'_, Derived> {
        // Counters stay meaningful whatever interrupted their last holder.
        self.derived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Derived {
    pub(crate) fn observe(&mut self, event: &Event, recorded: SystemTime) {
        match event {
            Event::Request(request) => self.observe_request(request),
            Event::Connection(connection) => self.observe_connection(connection),
            Event::Node(NodeEvent::ConfigurationLoaded { .. }) => self.config_loaded = Some(recorded),
            Event::Node(NodeEvent::ConfigurationRefused { .. }) => self.config_reload_failures += 1,
            Event::Node(_) | Event::Closed(_) | Event::Gap { .. } => {}
        }
    }

    pub(crate) fn records_written(&mut self, records: u64) {
        self.audit_records += records;
    }

    pub(crate) fn records_dropped(&mut self, records: u64) {
        self.audit_dropped += records;
    }

    pub(crate) fn synced(&mut self, took: Duration) {
        self.audit_sync.observe(took);
        self.audit_failing = false;
    }

    pub(crate) fn write_failed(&mut self) {
        self.audit_write_failures += 1;
        self.audit_failing = true;
    }

    fn observe_request(&mut self, request: &RequestEvent) {
        let class =
            STATUS_CLASSES.get(usize::from(request.status / 100)).map_or(0, |_| usize::from(request.status / 100));
        let counts = series(&mut self.requests, request.route.as_ref());
        if let Some(count) = counts.get_mut(class).and_then(|outcomes| outcomes.get_mut(request.outcome as usize)) {
            *count += 1;
        }
        self.request_duration.observe(request.timings.total());
        for (stage, took) in request.timings.iter() {
            if let Some(histogram) = self.stage_duration.get_mut(stage as usize) {
                histogram.observe(took);
            }
        }
        if request.upstream.is_some() {
            series(&mut self.upstream_duration, request.upstream.as_ref()).observe(request.timings.of(Stage::Forward));
        }
        if let Some(credential) = request.credential {
            *self.authenticated.entry(credential).or_default() += 1;
        }
        if request.outcome == Outcome::Refused {
            let code = request.reason.as_ref().map_or("unspecified", |reason| reason.code);
            *self.refusals.entry((request.stage, code)).or_default() += 1;
        }
        for observed in &request.observed {
            *self.observed.entry((observed.stage, observed.reason.code)).or_default() += 1;
        }
    }

    fn observe_connection(&mut self, connection: &ConnectionEvent) {
        *self.connection_faults.entry(connection.fault.as_str()).or_default() += 1;
        if connection.fault == ConnectionFault::TlsHandshake {
            self.handshakes_failed += 1;
        }
    }
}

/// The series of that name; one for all, once there are too many.
fn series<'map, T: Default>(map: &'map mut HashMap<Arc<str>, T>, name: Option<&Arc<str>>) -> &'map mut T {
    let name = name.map_or("", AsRef::as_ref);
    let name = if map.len() < MAX_SERIES || map.contains_key(name) { name } else { OVERFLOW };
    if !map.contains_key(name) {
        map.insert(name.into(), T::default());
    }
    map.entry(name.into()).or_default()
}
