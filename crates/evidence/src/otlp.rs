//! Events, spans and metrics to a receiver of OpenTelemetry's protocol (OTLP 1.x: Protocol Buffers over HTTP).
//!
//! The writer hands over each event that it has appended to the audit log; a thread of its own turns them into messages and sends
//! them. A receiver that is slow or gone costs the gate nothing: what does not fit the queue is left out, counted, and owned up to by
//! an `audit-gap` record. The audit log has everything.

mod client;
mod delivery;
mod logs;
mod messages;
mod numbers;
mod sender;
mod spans;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, SystemTime};

use bartizan_vault::Secret;
use http::{HeaderName, Uri};
use tokio::sync::mpsc as queue;
use tokio::sync::watch;

use crate::metrics::{Dropped, Signal};
use crate::{Event, EvidenceError, Metrics};
use sender::Sender;

/// Events that may wait for the exporter: some 6 MB.
const WAITING_EVENTS: usize = 8192;
/// How long the exporter may take over what waits for it when the node ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// A receiver, and what it gets.
#[derive(PartialEq, Eq)]
pub struct Otlp {
    /// Its base URL: `/v1/logs`, `/v1/traces` and `/v1/metrics` are appended.
    pub endpoint: Uri,
    /// Whether it gets events.
    pub logs: bool,
    /// Whether it gets spans of sampled requests.
    pub traces: bool,
    /// Whether it gets metrics.
    pub metrics: bool,
    /// Time between two sendings of metrics.
    pub interval: Duration,
    /// Fields of each request.
    pub headers: Vec<(HeaderName, Secret<Vec<u8>>)>,
    /// PEM file of the authorities to trust instead of the system's.
    pub authorities: Option<PathBuf>,
    /// How bodies are compressed.
    pub compression: Compression,
    /// `service.name`.
    pub service: String,
}

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// By gzip.
    Gzip,
}

impl fmt::Debug for Otlp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        let Self { endpoint, logs, traces, metrics, .. } = self;
        write!(
            out,
            "Otlp {{ endpoint: {endpoint}, logs: {logs}, traces: {traces}, metrics: {metrics}, headers: {names:?} }}"
        )
    }
}

/// An event on its way to the receiver.
#[derive(Debug)]
struct Exported {
    event: Event,
    recorded: SystemTime,
    /// Its number in the audit log; a record without one is the exporter's own, or was numbered elsewhere.
    sequence: Option<u64>,
}

/// The writer's end of the exporter.
#[derive(Debug)]
pub(crate) struct Exporter {
    settings: Arc<Otlp>,
    events: queue::Sender<Exported>,
    /// Events left out and not yet owned up to.
    lost: u64,
    closing: watch::Sender<bool>,
    ended: Receiver<()>,
    metrics: Metrics,
}

impl Exporter {
    pub(crate) fn start(settings: Arc<Otlp>, instance: &str, metrics: Metrics) -> Result<Self, EvidenceError> {
        let (events, received) = queue::channel(WAITING_EVENTS);
        let (closing, is_closing) = watch::channel(false);
        let (end, ended) = mpsc::channel();
        let gone = |cause: &dyn fmt::Display| EvidenceError::Otlp(cause.to_string().into());
        let sender =
            Sender::new(settings.clone(), instance, metrics.clone(), is_closing).map_err(|cause| gone(&cause))?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|cause| gone(&cause))?;
        thread::Builder::new()
            .name("otlp".to_owned())
            .spawn(move || {
                runtime.block_on(sender.run(received));
                let _ = end.send(());
            })
            .map_err(|cause| gone(&cause))?;
        Ok(Self { settings, events, lost: 0, closing, ended, metrics })
    }

    /// Hands an event over without waiting.
    pub(crate) fn offer(&mut self, event: Event, recorded: SystemTime, sequence: Option<u64>) {
        if !self.wants(&event) {
            return;
        }
        if self.lost > 0 && self.settings.logs {
            let gap = Event::Gap { lost: Some(self.lost), cause: crate::GapCause::SlowSink };
            if self.events.try_send(Exported { event: gap, recorded, sequence: None }).is_ok() {
                self.lost = 0;
            }
        }
        if self.events.try_send(Exported { event, recorded, sequence }).is_err() {
            self.lost += 1;
            let signal = if self.settings.logs { Signal::Logs } else { Signal::Traces };
            self.metrics.otlp().dropped(signal, Dropped::QueueFull, 1);
        }
    }

    fn wants(&self, event: &Event) -> bool {
        self.settings.logs || (self.settings.traces && spans::is_sampled(event))
    }

    /// Lets the exporter send what it has, for a while.
    pub(crate) fn close(self) {
        let _ = self.closing.send(true);
        drop(self.events);
        if let Err(RecvTimeoutError::Timeout) = self.ended.recv_timeout(FAREWELL) {
            tracing::warn!("the OTLP receiver did not take the last records in time; the audit log has them");
        }
    }
}
