use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::family::{Family, Snapshot};
use super::histogram::{FINE, Histogram};

static QUEUE: Family = Family::gauge("bartizan_audit_queue_length", "Places taken in the audit queue.", &[]);
static CAPACITY: Family =
    Family::gauge("bartizan_audit_queue_capacity", "Places of the audit queue; without one a request gets 503.", &[]);
static RECORDS: Family = Family::counter("bartizan_audit_records_total", "Records handed to the audit log.", &[]);
static UNRECORDED: Family = Family::counter(
    "bartizan_audit_unrecorded_total",
    "Requests refused because there was no room to record them.",
    &[],
);
static DROPPED: Family = Family::counter(
    "bartizan_audit_dropped_total",
    "Records left out of a sink that was too slow; the audit log has them.",
    &[],
);
static FAILURES: Family =
    Family::counter("bartizan_audit_write_failures_total", "Attempts to write or sync the audit log that failed.", &[]);
static FAILING: Family = Family::gauge("bartizan_audit_failing", "1 while the audit log cannot be written.", &[]);
static SYNC: Family = Family::histogram("bartizan_audit_sync_seconds", "Time of each sync of the audit log.", &[]);

/// The audit queue, as those who put events into it see it.
#[derive(Debug, Default)]
pub(crate) struct AuditMetrics {
    /// Places taken in the audit queue. Lives here so that the gauge is true even while the writer hangs in a disk.
    pub(crate) places: AtomicUsize,
    pub(crate) capacity: AtomicUsize,
    pub(crate) unrecorded: AtomicU64,
}

impl AuditMetrics {
    pub(super) fn collect(&self, derived: &super::Derived, into: &mut Snapshot) {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let derived = &derived.audit;
        into.family(&QUEUE).whole(&[], count(crate::recorder::in_use(&self.places)));
        into.family(&CAPACITY).whole(&[], count(self.capacity.load(Ordering::Relaxed)));
        into.family(&RECORDS).whole(&[], derived.records);
        into.family(&UNRECORDED).whole(&[], self.unrecorded.load(Ordering::Relaxed));
        into.family(&DROPPED).whole(&[], derived.dropped);
        into.family(&FAILURES).whole(&[], derived.write_failures);
        into.family(&FAILING).whole(&[], u64::from(derived.failing));
        into.family(&SYNC).histogram(&[], &derived.sync);
    }
}

/// The writer's own work.
#[derive(Debug)]
pub(crate) struct Derived {
    records: u64,
    dropped: u64,
    write_failures: u64,
    failing: bool,
    sync: Histogram,
}

impl Default for Derived {
    fn default() -> Self {
        Self { records: 0, dropped: 0, write_failures: 0, failing: false, sync: Histogram::new(&FINE) }
    }
}

impl Derived {
    pub(crate) fn records_written(&mut self, records: u64) {
        self.records += records;
    }

    pub(crate) fn records_dropped(&mut self, records: u64) {
        self.dropped += records;
    }

    pub(crate) fn synced(&mut self, took: Duration) {
        self.sync.observe(took);
        self.failing = false;
    }

    pub(crate) fn write_failed(&mut self) {
        self.write_failures += 1;
        self.failing = true;
    }
}
