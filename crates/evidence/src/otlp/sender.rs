use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prost::Message;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout_at};

use super::client::{Answer, Client};
use super::delivery::{Verdict, verdict, wait};
use super::logs::Logs;
use super::messages::{
    ExportLogs, ExportMetrics, ExportResponse, ExportTraces, KeyValue, Resource, ResourceLogs, ResourceMetrics,
    ResourceSpans, Scope, ScopeLogs, ScopeMetrics, ScopeSpans,
};
use super::{Exported, Otlp, numbers, spans};
use crate::Metrics;
use crate::metrics::{Dropped, Signal};

/// Events of one message.
const BATCH: usize = 512;
/// How long the first event of a batch waits for others.
const GATHER: Duration = Duration::from_millis(500);
/// The semantic conventions that attributes follow.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";

/// The exporter's thread: gathers events, and sends them and the metrics.
pub(super) struct Sender {
    settings: Arc<Otlp>,
    client: Client,
    resource: Resource,
    logs: Logs,
    metrics: Metrics,
    closing: watch::Receiver<bool>,
    /// Whether the last try failed: said once, and once when it is over.
    failing: bool,
}

impl Sender {
    pub(super) fn new(
        settings: Arc<Otlp>,
        instance: &str,
        metrics: Metrics,
        closing: watch::Receiver<bool>,
    ) -> Result<Self, String> {
        let attributes = vec![
            KeyValue::text("service.name", settings.service.as_str()),
            KeyValue::text("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::text("service.instance.id", instance),
        ];
        let client = Client::new(settings.clone())?;
        let (resource, logs) = (Resource { attributes }, Logs::default());
        Ok(Self { settings, client, resource, logs, metrics, closing, failing: false })
    }

    pub(super) async fn run(mut self, mut events: Receiver<Exported>) {
        let every = self.settings.interval;
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                first = events.recv() => {
                    let Some(first) = first else { break };
                    batch.push(first);
                    gather(&mut events, &mut batch).await;
                    self.send_events(&batch).await;
                    batch.clear();
                }
                _ = ticks.tick(), if self.settings.metrics => self.send_metrics().await,
            }
        }
        if self.settings.metrics {
            self.send_metrics().await;
        }
    }

    async fn send_events(&mut self, batch: &[Exported]) {
        if self.settings.logs {
            let records = batch.iter().map(|exported| self.logs.record(exported)).collect();
            let resource_logs = vec![ResourceLogs {
                resource: Some(self.resource.clone()),
                scope_logs: vec![ScopeLogs { scope: Some(scope()), log_records: records }],
                schema_url: SCHEMA.to_owned(),
            }];
            let message = ExportLogs { resource_logs }.encode_to_vec();
            self.deliver(Signal::Logs, message, batch.len()).await;
        }
        if !self.settings.traces {
            return;
        }
        let spans: Vec<_> = batch.iter().flat_map(|exported| spans::of(&exported.event)).collect();
        let count = spans.len();
        if count > 0 {
            let resource_spans = vec![ResourceSpans {
                resource: Some(self.resource.clone()),
                scope_spans: vec![ScopeSpans { scope: Some(scope()), spans }],
                schema_url: SCHEMA.to_owned(),
            }];
            let message = ExportTraces { resource_spans }.encode_to_vec();
            self.deliver(Signal::Traces, message, count).await;
        }
    }

    /// Metrics are tried once: the next ones say more.
    async fn send_metrics(&mut self) {
        let snapshot = self.metrics.snapshot();
        let metrics = numbers::metrics(&snapshot, self.metrics.started(), SystemTime::now());
        let count = metrics.len();
        let resource_metrics = vec![ResourceMetrics {
            resource: Some(self.resource.clone()),
            scope_metrics: vec![ScopeMetrics { scope: Some(scope()), metrics }],
            schema_url: SCHEMA.to_owned(),
        }];
        let message = ExportMetrics { resource_metrics }.encode_to_vec();
        if self.attempt(Signal::Metrics, message, count).await != Verdict::Taken {
            self.drop_all(Signal::Metrics, count);
        }
    }

    /// Tries until the receiver has taken the message or refused it, until it was tried often enough, or the node ends.
    async fn deliver(&mut self, signal: Signal, message: Vec<u8>, count: usize) {
        let mut tries = 0;
        loop {
            tries += 1;
            let asked = match self.attempt(signal, message.clone(), count).await {
                Verdict::Taken => return,
                Verdict::Refused => break,
                Verdict::Again(asked) => asked,
            };
            let Some(pause) = wait(tries, asked, chance()) else { break };
            let mut closing = self.closing.clone();
            tokio::select! {
                () = sleep(pause) => {}
                _ = closing.wait_for(|closing| *closing) => break,
            }
        }
        self.drop_all(signal, count);
    }

    async fn attempt(&mut self, signal: Signal, message: Vec<u8>, count: usize) -> Verdict {
        match self.client.post(signal.word(), message).await {
            Ok(answer) => {
                let verdict = verdict(answer.status, answer.retry_after.as_deref());
                if verdict == Verdict::Taken {
                    self.taken(signal, &answer, count);
                } else {
                    self.failed(signal, &format!("it answered {}", answer.status));
                }
                verdict
            }
            Err(cause) => {
                self.failed(signal, &cause);
                Verdict::Again(None)
            }
        }
    }

    fn taken(&mut self, signal: Signal, answer: &Answer, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let partial = ExportResponse::decode(answer.body.clone()).ok().and_then(|response| response.partial_success);
        let rejected = partial.as_ref().map_or(0, |partial| u64::try_from(partial.rejected).unwrap_or_default());
        let rejected = rejected.min(count);
        if rejected > 0 {
            let why = partial.map(|partial| crate::mask(&partial.error_message).chars().take(200).collect::<String>());
            tracing::warn!(signal = signal.word(), rejected, ?why, "the OTLP receiver rejected a part");
            self.metrics.otlp().dropped(signal, Dropped::Rejected, rejected);
        }
        self.metrics.otlp().exported(signal, count - rejected);
        if std::mem::take(&mut self.failing) {
            tracing::info!(endpoint = %self.settings.endpoint, "the OTLP receiver takes records again");
        }
    }

    fn failed(&mut self, signal: Signal, cause: &str) {
        self.metrics.otlp().failed(signal);
        if !std::mem::replace(&mut self.failing, true) {
            let endpoint = &self.settings.endpoint;
            tracing::warn!(%endpoint, signal = signal.word(), "the OTLP receiver does not take records: {cause}");
        }
    }

    fn drop_all(&self, signal: Signal, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.metrics.otlp().dropped(signal, Dropped::Undeliverable, count);
    }
}

/// Waits a little for more events, up to a batch.
async fn gather(events: &mut Receiver<Exported>, batch: &mut Vec<Exported>) {
    let until = Instant::now() + GATHER;
    while batch.len() < BATCH {
        let room = BATCH - batch.len();
        match timeout_at(until, events.recv_many(batch, room)).await {
            Ok(more) if more > 0 => {}
            _ => break,
        }
    }
}

fn scope() -> Scope {
    Scope { name: "bartizan".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
}

/// Spreads retries; nothing is decided by it, so that the clock's last digits will do.
fn chance() -> u8 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u8::try_from(now.subsec_micros() % 256).unwrap_or_default()
}
