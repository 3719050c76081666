//! What the node counts, in Prometheus' terms. One file a subject; each exposes its families and nothing else.
//!
//! # To add a family
//!
//! 1. Where its subject has no file yet, make `metrics/<subject>.rs` with a `pub struct <Subject>Metrics` (`Debug`, `Default`) and
//!    name both in `subjects!` below: `Metrics::<subject>()` is there then.
//! 2. Give the struct a field: [`Counter`], [`Counters<L>`](Counters) with a [`Label`] enum, [`Gauge`], [`SharedHistogram`], or
//!    [`Named<T>`](Named) of such for the names of the configuration. All of them count without lock and allocation.
//! 3. Describe it: `static FAMILY: Family = Family::counter("bartizan_<subsystem>_<what>_<unit>_total", "One sentence.", &["label"]);`
//! 4. Show it in the subject's `collect`: `into.family(&FAMILY).whole(&[label], self.field.value());`
//! 5. `UPDATE_REFERENCE=1 cargo test -p bartizan-evidence --lib metrics` writes it into `docs/reference/metrics.md`.
//!
//! A subject's `collect` is also given what the writer derived. A label's values come from an enum or from the configuration, never from a request. What an event already tells is counted by
//! the thread that writes events (`observe` in `requests.rs`, [`Derived`]), and costs a request nothing.

mod audit;
mod configuration;
mod connections;
mod counter;
mod credentials;
pub(crate) mod family;
pub(crate) mod histogram;
mod otlp;
mod process;
mod reference;
mod requests;
mod streams;
#[cfg(test)]
mod tests;
mod text;
mod upstreams;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::Event;

pub use connections::{ConnectionGuard, ConnectionMetrics};
pub use counter::{Counter, Counters, Gauge, Label, Named};
pub use credentials::{CredentialMetrics, IntrospectionOutcome};
pub use histogram::SharedHistogram;
pub(crate) use otlp::{Dropped, OtlpMetrics, Signal};
pub use requests::RequestMetrics;
pub use text::Format;
pub use upstreams::{EndpointStatus, UpstreamMetrics, UpstreamStatus};

use family::Snapshot;

/// Series per family at most. Routes and upstreams are as many as the configuration has; this holds even if they were not.
const MAX_SERIES: usize = 20_000;
/// The label of what came after [`MAX_SERIES`].
const OVERFLOW: &str = "(other)";

/// What the node counts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Registry>);

/// Declares the subjects that count for themselves: for each an accessor of [`Metrics`], and its place in every scrape.
macro_rules! subjects {
    ($($(#[$doc:meta])* $visible:vis $subject:ident: $type:ty,)*) => {
        #[derive(Debug, Default)]
        struct Subjects {
            $($subject: $type,)*
        }

        impl Subjects {
            fn collect(&self, derived: &Derived, into: &mut Snapshot) {
                $(self.$subject.collect(derived, into);)*
            }
        }

        impl Metrics {
            $($(#[$doc])* $visible fn $subject(&self) -> &$type {
                &self.0.subjects.$subject
            })*
        }
    };
}

subjects! {
    /// Requests in flight and answers' sizes; the rest of what there is to count about requests comes from events.
    pub requests: RequestMetrics,
    /// Client connections and their handshakes.
    pub connections: ConnectionMetrics,
    /// Credentials, and the issuers that are asked about them.
    pub credentials: CredentialMetrics,
    /// Upstreams and their endpoints.
    pub upstreams: UpstreamMetrics,
    pub(crate) audit: audit::AuditMetrics,
    pub(crate) otlp: OtlpMetrics,
    process: process::ProcessMetrics,
}

#[derive(Debug)]
struct Registry {
    started: SystemTime,
    subjects: Subjects,
    /// Locked once per batch by the writer and once per scrape; never by a request.
    derived: Mutex<Derived>,
}

/// What the writer derives from events and from its own work.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    requests: requests::Derived,
    connections: connections::Derived,
    credentials: credentials::Derived,
    configuration: configuration::Derived,
    streams: streams::Derived,
    pub(crate) audit: audit::Derived,
}

impl Metrics {
    pub(crate) fn new(started: SystemTime) -> Self {
        Self(Arc::new(Registry { started, subjects: Subjects::default(), derived: Mutex::default() }))
    }

    /// All metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        self.render_as(Format::Prometheus)
    }

    /// All metrics in one of the formats that scrapers read.
    pub fn render_as(&self, format: Format) -> String {
        text::render(&self.snapshot(), format)
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        // Read before the lock is taken: the writer waits for no file of /proc.
        self.process().refresh(self.0.started);
        let mut snapshot = Snapshot::default();
        let derived = self.derived();
        self.0.subjects.collect(&derived, &mut snapshot);
        derived.configuration.collect(&mut snapshot);
        derived.streams.collect(&mut snapshot);
        drop(derived);
        snapshot
    }

    pub(crate) fn started(&self) -> SystemTime {
        self.0.started
    }

    pub(crate) fn derived(&self) -> MutexGuard<'_, Derived> {
        // Counters stay meaningful whatever interrupted their last holder.
        self.0.derived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Derived {
    pub(crate) fn observe(&mut self, event: &Event, recorded: SystemTime) {
        match event {
            Event::Request(request) => {
                self.requests.observe(request);
                self.credentials.observe(request);
            }
            Event::Connection(connection) => self.connections.observe(connection),
            Event::Node(node) => self.configuration.observe(node, recorded),
            Event::Closed(closed) => self.streams.observe(closed),
            Event::Identity(_) | Event::Gap { .. } => {}
        }
    }
}
