mod destination;
mod failure;
mod handover;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::oneshot;

use crate::ecs::Encoder;
use crate::log::Log;
use crate::recorder::{Content, Item, Queue};
use crate::relay::{self, UNNUMBERED};
use crate::sink::SinkQueue;
use crate::{Config, Event, EvidenceError, GapCause, Metrics, NodeEvent};
use destination::Destination;
use failure::Failure;

/// Events that are encoded before the file gets them: bounds the time until a waiting one is written.
const BATCH: usize = 1024;
/// Encoded bytes that may wait for the disk, some 2,500 events. They are synced at once then; while that fails, the queue
/// fills, and the gate refuses.
const MAX_PENDING: usize = 2 << 20;
/// The pace of a busy writer: events gather in between, and one system call writes them.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
/// Empty looks at the queue before the writer goes to sleep and has to be woken.
const IDLE_LOOKS: u32 = 5;
/// How long slots that are still held at shutdown may take to be used.
const LAST_SLOTS: Duration = Duration::from_secs(1);

/// The thread that numbers, encodes, writes and syncs. Nobody else touches the audit directory.
#[derive(Debug)]
pub(crate) struct Writer {
    log: Destination,
    encoder: Encoder,
    /// The last number that was given.
    sequence: u64,
    sinks: Vec<SinkQueue>,
    metrics: Metrics,
    config: Config,
    /// Those who wait for the next sync.
    waiting: Vec<oneshot::Sender<Result<(), EvidenceError>>>,
    /// Events fetched while the disk fails; they keep their places.
    held: VecDeque<Item>,
    /// When the oldest line came that is not durable.
    oldest: Option<Instant>,
    last_sync: Option<Instant>,
    pending_events: u64,
    /// Requests without a record that a gap has told of.
    unrecorded_told: u64,
    failure: Option<Failure>,
    maintenance_failed: bool,
    idle_looks: u32,
}

/// Refuses all further requests once the writer has ended, for whatever reason.
struct CloseAtEnd<'queue>(&'queue Queue);

impl Drop for CloseAtEnd<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Writer {
    pub(crate) fn open(config: Config, metrics: Metrics) -> Result<Self, EvidenceError> {
        let (log, tail) = Log::open(&config)?;
        let sinks = config.sinks.iter().map(SinkQueue::open).collect::<Result<_, _>>()?;
        let mut writer = Self {
            log: Destination::Segments(log),
            encoder: Encoder::default(),
            sequence: tail.sequence,
            sinks,
            metrics,
            config,
            waiting: Vec::new(),
            held: VecDeque::new(),
            oldest: None,
            last_sync: None,
            pending_events: 0,
            unrecorded_told: 0,
            failure: None,
            maintenance_failed: false,
            idle_looks: 0,
        };
        if let Some(cause) = tail.gap {
            writer.append_own(&Event::Gap { lost: None, cause });
        }
        Ok(writer)
    }

    pub(crate) fn run(mut self, events: &Receiver<Item>, queue: &Queue) -> Result<(), EvidenceError> {
        let _closing = CloseAtEnd(queue);
        while !queue.is_stopping() {
            self.look_for_successor(events, queue);
            let fetched = self.fetch(events, queue);
            self.tell_of_unrecorded(queue);
            self.persist(queue, Instant::now());
            if fetched < BATCH {
                self.pause(events, queue, fetched);
            }
        }
        self.finish(events, queue)
    }

    /// Encodes what waits, as far as there is room for it. While the disk fails, the queue is emptied into `held`, so that
    /// those who wait for durability hear of it; the places stay taken.
    fn fetch(&mut self, events: &Receiver<Item>, queue: &Queue) -> usize {
        if self.failure.is_some() {
            self.held.extend(events.try_iter());
            self.answer_held();
        }
        let begin = self.log.pending_bytes();
        let mut fetched = 0;
        let metrics = self.metrics.clone();
        let mut derived = None;
        while fetched < BATCH && self.log.pending_bytes() < MAX_PENDING {
            let Some(item) = self.held.pop_front().or_else(|| events.try_recv().ok()) else { break };
            match item.content {
                Content::Event(event) => {
                    derived.get_or_insert_with(|| metrics.derived()).observe(&event, item.recorded);
                    self.append(item.recorded, &event);
                }
                Content::Relayed(lines) => self.append_relayed(&lines),
            }
            self.waiting.extend(item.acknowledge);
            fetched += 1;
        }
        drop(derived);
        if fetched > 0 {
            queue.release(fetched);
            self.feed_sinks(begin, fetched);
        }
        fetched
    }

    fn append(&mut self, recorded: SystemTime, event: &Event) {
        let sequence = if self.log.is_ours() {
            self.sequence += 1;
            self.sequence
        } else {
            UNNUMBERED
        };
        self.pending_events += 1;
        self.oldest.get_or_insert_with(Instant::now);
        self.encoder.encode(self.log.pending(), Some(sequence), recorded, event);
    }

    /// Records of the process that had the log before, numbered among our own.
    fn append_relayed(&mut self, lines: &[u8]) {
        self.oldest.get_or_insert_with(Instant::now);
        self.pending_events += relay::number(lines, &mut self.sequence, self.log.pending());
    }

    /// A record of the writer's own.
    fn append_own(&mut self, event: &Event) {
        let begin = self.log.pending_bytes();
        self.append((self.config.clock)(), event);
        self.feed_sinks(begin, 1);
    }

    fn feed_sinks(&mut self, begin: usize, records: usize) {
        let records = u64::try_from(records).unwrap_or(u64::MAX);
        self.metrics.derived().audit.records_written(records);
        if self.sinks.is_empty() {
            return;
        }
        let lines: Arc<[u8]> = self.log.pending().get(begin..).unwrap_or_default().into();
        for sink in &self.sinks {
            let encoder = &mut self.encoder;
            let dropped = sink.offer(&lines, records, |lost| {
                let mut line = Vec::new();
                let gap = Event::Gap { lost: Some(lost), cause: GapCause::SlowSink };
                encoder.encode(&mut line, None, (self.config.clock)(), &gap);
                line
            });
            if dropped > 0 {
                self.metrics.derived().audit.records_dropped(dropped);
            }
        }
    }

    /// Requests that were refused for want of a place have no record of their own; one gap tells how many they were.
    fn tell_of_unrecorded(&mut self, queue: &Queue) {
        let unrecorded = queue.unrecorded();
        let lost = unrecorded - self.unrecorded_told;
        if lost > 0 && self.failure.is_none() && self.log.pending_bytes() < MAX_PENDING {
            self.unrecorded_told = unrecorded;
            self.append_own(&Event::Gap { lost: Some(lost), cause: GapCause::NoRoom });
        }
    }

    /// Writes what is pending, syncs it when that is due, and keeps trying, ever more slowly, while the disk refuses.
    fn persist(&mut self, queue: &Queue, now: Instant) {
        if self.failure.as_ref().is_some_and(|failure| !failure.may_retry(now)) {
            return;
        }
        let due = self.sync_due().is_some_and(|due| due <= now) || self.failure.is_some();
        let attempt = if due { self.sync() } else { self.log.write() };
        match attempt {
            Ok(()) if due => {
                self.recovered(queue);
                self.maintain();
            }
            Ok(()) => {}
            Err(error) => self.failed(queue, error),
        }
    }

    fn sync(&mut self) -> Result<(), EvidenceError> {
        let begun = Instant::now();
        self.last_sync = Some(begun);
        self.sync_somewhere()?;
        self.metrics.derived().audit.synced(begun.elapsed());
        self.oldest = None;
        self.pending_events = 0;
        for waiting in self.waiting.drain(..) {
            // Whoever no longer waits does not need to know.
            let _ = waiting.send(Ok(()));
        }
        Ok(())
    }

    /// Begins a new segment and removes old ones where that is due. Without either, the log goes on in its last segment.
    fn maintain(&mut self) {
        match self.rotate_and_expire() {
            Ok(()) => self.maintenance_failed = false,
            Err(error) if !self.maintenance_failed => {
                self.maintenance_failed = true;
                tracing::warn!(%error, "the audit log goes on in its last segment");
            }
            Err(_) => {}
        }
    }

    fn rotate_and_expire(&mut self) -> Result<(), EvidenceError> {
        self.log.rotate_if_full()?;
        while let Some(removed) = self.log.expire_one((self.config.clock)())? {
            let segment = removed.name.into();
            self.append_own(&Event::Node(NodeEvent::SegmentRemoved { segment, bytes: removed.bytes }));
        }
        Ok(())
    }

    /// When the next sync is due: at once for those who wait, yet no more often than `sync_every`, unless so much is
    /// pending that no more can be taken.
    fn sync_due(&self) -> Option<Instant> {
        let oldest = self.oldest?;
        if self.log.pending_bytes() >= MAX_PENDING {
            return Some(oldest);
        }
        if self.waiting.is_empty() {
            return Some(oldest + self.config.sync_every);
        }
        Some(self.last_sync.map_or(oldest, |last| last + self.config.sync_every))
    }

    fn failed(&mut self, queue: &Queue, error: EvidenceError) {
        self.metrics.derived().audit.write_failed();
        for waiting in self.waiting.drain(..) {
            let _ = waiting.send(Err(error.clone()));
        }
        if self.failure.is_none() {
            tracing::error!(%error, "the audit log cannot be written; requests are refused once its queue is full");
        }
        queue.set_fault(Some(error.clone()));
        self.failure = Some(Failure::next(self.failure.take(), error, Instant::now()));
    }

    fn recovered(&mut self, queue: &Queue) {
        if self.failure.take().is_some() {
            queue.set_fault(None);
            tracing::info!("the audit log is written again");
        }
    }

    fn answer_held(&mut self) {
        let Some(failure) = &self.failure else { return };
        for item in &mut self.held {
            if let Some(waiting) = item.acknowledge.take() {
                let _ = waiting.send(Err(failure.error().clone()));
            }
        }
    }

    /// Waits for events to gather, for the next sync or the next attempt, or, when nothing comes, to be woken.
    fn pause(&mut self, events: &Receiver<Item>, queue: &Queue, fetched: usize) {
        let is_idle = fetched == 0 && self.oldest.is_none() && self.failure.is_none();
        self.idle_looks = if is_idle { self.idle_looks + 1 } else { 0 };
        if self.idle_looks > IDLE_LOOKS {
            let held = &mut self.held;
            queue.sleep(|| {
                held.extend(events.try_recv());
                held.is_empty()
            });
            self.idle_looks = 0;
            return;
        }
        let due = self.failure.as_ref().map(Failure::retry_at).or_else(|| self.sync_due());
        let until_due = due.map_or(BUSY_PAUSE, |due| due.saturating_duration_since(Instant::now()));
        // A look at the queue at least every pause: it is bounded, and a flood fills it quickly.
        thread::park_timeout(until_due.min(BUSY_PAUSE).min(self.config.sync_every));
    }

    /// Takes the last events, ends the log with the record that says so, and makes all of it durable.
    fn finish(mut self, events: &Receiver<Item>, queue: &Queue) -> Result<(), EvidenceError> {
        let begun = Instant::now();
        let deadline = begun + self.config.shutdown_within;
        let slots_until = begun + LAST_SLOTS.min(self.config.shutdown_within);
        let mut closed = false;
        loop {
            let fetched = self.fetch(events, queue);
            let now = Instant::now();
            let slots_done = queue.in_use() == 0 || (fetched == 0 && self.held.is_empty() && now >= slots_until);
            if slots_done && !closed {
                closed = true;
                self.tell_of_abandoned(queue);
                if self.log.is_ours() {
                    self.append_own(&Event::Node(NodeEvent::AuditClosed));
                }
            }
            match self.sync() {
                Ok(()) if closed => break,
                Ok(()) => self.failure = None,
                Err(error) if now >= deadline => return Err(self.not_durable(error)),
                Err(error) => self.failed(queue, error),
            }
            thread::park_timeout(Duration::from_millis(1));
        }
        self.sinks.drain(..).for_each(SinkQueue::close);
        Ok(())
    }

    /// Slots that nobody used or dropped in time, and refusals not told of yet.
    fn tell_of_abandoned(&mut self, queue: &Queue) {
        let abandoned = u64::try_from(queue.in_use()).unwrap_or(u64::MAX);
        let lost = abandoned + queue.unrecorded() - self.unrecorded_told;
        if lost > 0 {
            self.append_own(&Event::Gap { lost: Some(lost), cause: GapCause::NoRoom });
        }
    }

    fn not_durable(&self, cause: EvidenceError) -> EvidenceError {
        let events = self.pending_events + u64::try_from(self.held.len()).unwrap_or_default();
        EvidenceError::NotDurable { events, cause: Arc::new(cause) }
    }
}
