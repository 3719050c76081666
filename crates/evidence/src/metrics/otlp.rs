use super::counter::{Counter, Counters, Label};
use super::family::{Family, Snapshot};

static EXPORTED: Family = Family::counter(
    "bartizan_otlp_exported_total",
    "Log records, spans and metrics that the OTLP receiver took.",
    &["signal"],
);
static FAILURES: Family =
    Family::counter("bartizan_otlp_failures_total", "Requests to the OTLP receiver that failed.", &["signal"]);
static DROPPED: Family = Family::counter(
    "bartizan_otlp_dropped_total",
    "Log records, spans and metrics that the OTLP receiver never got; the audit log has the events.",
    &["signal", "reason"],
);

/// What is sent over OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Logs,
    Traces,
    Metrics,
}

/// Why something was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// The exporter fell behind.
    QueueFull,
    /// The receiver was gone for too long, or refused it.
    Undeliverable,
    /// The receiver took the message, but not all of it.
    Rejected,
}

/// The OTLP exporter.
#[derive(Debug, Default)]
pub(crate) struct OtlpMetrics {
    exported: [Counter; 3],
    failures: Counters<Signal>,
    dropped: [[Counter; 3]; 3],
}

impl OtlpMetrics {
    pub(crate) fn exported(&self, signal: Signal, count: u64) {
        if let Some(counter) = self.exported.get(signal.index()) {
            counter.add(count);
        }
    }

    pub(crate) fn failed(&self, signal: Signal) {
        self.failures.increment(signal);
    }

    pub(crate) fn dropped(&self, signal: Signal, reason: Dropped, count: u64) {
        if let Some(counter) = self.dropped.get(signal.index()).and_then(|reasons| reasons.get(reason.index())) {
            counter.add(count);
        }
    }

    pub(super) fn collect(&self, _: &super::Derived, into: &mut Snapshot) {
        let mut exported = into.family(&EXPORTED);
        for (signal, counter) in Signal::ALL.iter().zip(&self.exported) {
            exported.whole(&[signal.as_str()], counter.value());
        }
        let mut failures = into.family(&FAILURES);
        for (signal, count) in self.failures.iter() {
            failures.whole(&[signal], count);
        }
        let mut dropped = into.family(&DROPPED);
        for (signal, reasons) in Signal::ALL.iter().zip(&self.dropped) {
            for (reason, counter) in Dropped::ALL.iter().zip(reasons) {
                dropped.whole(&[signal.as_str(), reason.as_str()], counter.value());
            }
        }
    }
}

impl Signal {
    /// The word that metrics and the protocol's paths use.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Logs => "logs",
            Self::Traces => "traces",
            Self::Metrics => "metrics",
        }
    }
}

impl Label for Signal {
    const ALL: &'static [Self] = &[Self::Logs, Self::Traces, Self::Metrics];

    fn index(self) -> usize {
        self as usize
    }

    fn as_str(self) -> &'static str {
        self.word()
    }
}

impl Label for Dropped {
    const ALL: &'static [Self] = &[Self::QueueFull, Self::Undeliverable, Self::Rejected];

    fn index(self) -> usize {
        self as usize
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue-full",
            Self::Undeliverable => "undeliverable",
            Self::Rejected => "rejected",
        }
    }
}
