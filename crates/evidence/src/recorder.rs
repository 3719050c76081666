use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, oneshot};

use crate::relay::{self, LastRecords};
use crate::writer::Writer;
use crate::{Config, Event, EvidenceError, Metrics};

/// Places beyond the queue's capacity that only the node's own events may take: a flood of requests cannot keep out the
/// record that tells of it.
const IMPORTANT_PLACES: usize = 1024;
/// What a closed queue counts as taken, so that `reserve` needs no second check to refuse.
const CLOSED: usize = usize::MAX / 4;
/// Between two looks for room by a thread that may wait.
const ROOM_POLL: Duration = Duration::from_millis(1);

/// A parked writer looks up this often even if nobody wakes it.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// Takes events from every part of the node. Cheap to clone; each call is a few atomic operations, without a lock or a
/// system call while the writer is busy.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Queue>);

/// A place in the queue for one event, taken before anything about a request is decided. Dropped unused, it is free again.
#[derive(Debug)]
#[must_use = "a slot that is dropped records nothing"]
pub struct Slot(Option<Arc<Queue>>);

/// Owns the thread that writes. Dropping it shuts down as [`WriterHandle::shutdown`] does, but says nothing of failures.
#[derive(Debug)]
pub struct WriterHandle {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<Result<(), EvidenceError>>>,
}

/// What callers and the writer share.
#[derive(Debug)]
pub(crate) struct Queue {
    sender: Sender<Item>,
    capacity: usize,
    /// The writer is parked until somebody wakes it.
    asleep: AtomicBool,
    stopping: AtomicBool,
    writer: Thread,
    room: Notify,
    clock: fn() -> SystemTime,
    metrics: Metrics,
    /// Set while the audit log cannot be written.
    fault: Mutex<Option<EvidenceError>>,
    /// Whom to hand the log over to.
    successor: Mutex<Option<Successor>>,
}

/// The process that the log is handed over to.
#[derive(Debug)]
pub(crate) struct Successor {
    pub(crate) stream: UnixStream,
    /// Told once the log is let go of, or could not be.
    pub(crate) tell: mpsc::SyncSender<Result<(), EvidenceError>>,
}

/// An event on its way to the writer.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) content: Content,
    /// When an event was recorded that carries no time of its own.
    pub(crate) recorded: SystemTime,
    /// Told once the event is durable, or could not be made so at once.
    pub(crate) acknowledge: Option<oneshot::Sender<Result<(), EvidenceError>>>,
}

/// What is to be recorded.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are events: boxing them would allocate for each request")]
pub(crate) enum Content {
    /// An event of this process.
    Event(Event),
    /// Whole lines of the process that had the log before, to be numbered.
    Relayed(Box<[u8]>),
}

impl Recorder {
    /// Opens the audit directory, mends what a crash left, and starts the thread that writes.
    ///
    /// # Errors
    /// If the directory or its last segment cannot be opened safely, or another process holds it.
    pub fn start(config: Config) -> Result<(Self, WriterHandle), EvidenceError> {
        let metrics = Metrics::new((config.clock)());
        let capacity = config.queue.get().min(CLOSED / 2);
        metrics.audit().capacity.store(capacity, Ordering::Relaxed);
        let clock = config.clock;
        let writer = Writer::open(config, metrics.clone())?;
        let (sender, receiver) = mpsc::channel();
        let (hand_over, queue) = mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("audit-writer".to_owned())
            .spawn(move || queue.recv().map_or(Ok(()), |queue: Arc<Queue>| writer.run(&receiver, &queue)))
            .map_err(|cause| EvidenceError::WriterGone(cause.to_string().into()))?;
        let queue = Arc::new(Queue {
            sender,
            capacity,
            asleep: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            writer: thread.thread().clone(),
            room: Notify::new(),
            clock,
            metrics,
            fault: Mutex::new(None),
            successor: Mutex::new(None),
        });
        // The thread holds the queue until it ends, so that it can close it whatever ends it.
        hand_over.send(Arc::clone(&queue)).map_err(|_| EvidenceError::WriterGone("it ended at once".into()))?;
        Ok((Self(Arc::clone(&queue)), WriterHandle { queue, thread: Some(thread) }))
    }

    /// Takes a place for one event. None means that the queue is full, or that the node shuts down: the request must be
    /// refused with 503, since it could not be recorded. Such requests are counted in a gap record.
    pub fn reserve(&self) -> Option<Slot> {
        if self.0.take(self.0.capacity) {
            return Some(Slot(Some(Arc::clone(&self.0))));
        }
        self.0.metrics.audit().unrecorded.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// Records an event of the node, waiting for room if there is none: for the control plane only. After shutdown the
    /// event is dropped.
    pub fn record_important(&self, event: Event) {
        while !self.0.take(self.0.capacity + IMPORTANT_PLACES) {
            if self.0.is_closed() {
                return;
            }
            thread::sleep(ROOM_POLL);
        }
        self.0.push(event, None);
        self.0.wake();
    }

    /// Records an event and waits until it is on the disk: for what must not be answered before it is (a sign-in, a
    /// changed right). Shares its sync with others, so it takes up to [`Config::sync_every`].
    ///
    /// # Errors
    /// If the event could not be made durable at the first attempt. It may become so later, when the disk recovers; the
    /// caller must treat what it tells of as not done.
    pub async fn durable(&self, event: Event) -> Result<(), EvidenceError> {
        loop {
            let room = self.0.room.notified();
            if self.0.take(self.0.capacity + IMPORTANT_PLACES) {
                break;
            }
            if self.0.is_closed() {
                return Err(closed());
            }
            room.await;
        }
        let (acknowledge, durable) = oneshot::channel();
        self.0.push(event, Some(acknowledge));
        self.0.wake();
        durable.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Records what the process that had the log before ([`WriterHandle::hand_over`]) still sends, until it ends.
    ///
    /// # Errors
    /// A thread that cannot be had.
    pub fn take_over(&self, stream: UnixStream) -> Result<LastRecords, EvidenceError> {
        let started = relay::take_over(self.clone(), stream);
        started.map_err(|cause| EvidenceError::WriterGone(cause.to_string().into()))
    }

    /// Makes lines of another process durable, as [`Recorder::durable`] does an event. Blocks.
    pub(crate) fn relayed(&self, lines: Box<[u8]>) -> Result<(), EvidenceError> {
        while !self.0.take(self.0.capacity + IMPORTANT_PLACES) {
            if self.0.is_closed() {
                return Err(closed());
            }
            thread::sleep(ROOM_POLL);
        }
        let (acknowledge, durable) = oneshot::channel();
        let content = Content::Relayed(lines);
        self.0.send(Item { content, recorded: (self.0.clock)(), acknowledge: Some(acknowledge) });
        self.0.wake();
        durable.blocking_recv().unwrap_or_else(|_| Err(closed()))
    }

    /// What keeps the audit log from being written at present: a node that reports it is not ready.
    pub fn fault(&self) -> Option<EvidenceError> {
        self.0.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The metrics, which the events feed.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }
}

fn closed() -> EvidenceError {
    EvidenceError::WriterGone("it has been shut down".into())
}

impl Slot {
    /// Records the event in this place.
    pub fn record(mut self, event: Event) {
        if let Some(queue) = self.0.take() {
            queue.push(event, None);
            // Orders the push before the look at the flag, as the writer orders its flag before its last look at the queue:
            // one of the two sees the other.
            fence(Ordering::SeqCst);
            if queue.asleep.load(Ordering::Relaxed) {
                queue.wake();
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(queue) = &self.0 {
            queue.release(1);
        }
    }
}

impl WriterHandle {
    /// Gives the audit log to another process: what was taken so far is made durable, the log is closed and let go of, and what
    /// this process records from now on goes through `stream` to [`Recorder::take_over`] there. Should that process end before this
    /// one, the log is taken back, with whatever was not durable yet.
    ///
    /// # Errors
    /// If the log cannot be closed well: it stays with this process.
    pub fn hand_over(&self, stream: UnixStream) -> Result<(), EvidenceError> {
        let (tell, told) = mpsc::sync_channel(1);
        *self.queue.successor.lock().unwrap_or_else(PoisonError::into_inner) = Some(Successor { stream, tell });
        self.queue.wake();
        told.recv().unwrap_or_else(|_| Err(closed()))
    }

    /// Takes no more events, makes all that were taken durable, and ends the thread. Blocks for up to
    /// [`Config::shutdown_within`], and for slots that are still held up to a second of it.
    ///
    /// # Errors
    /// If events could not be made durable in that time.
    pub fn shutdown(mut self) -> Result<(), EvidenceError> {
        self.stop()
    }

    fn stop(&mut self) -> Result<(), EvidenceError> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        self.queue.close();
        self.queue.stopping.store(true, Ordering::SeqCst);
        self.queue.wake();
        thread.join().unwrap_or_else(|_| Err(EvidenceError::WriterGone("it panicked".into())))
    }
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::error!(%error, "the audit log was not closed");
        }
    }
}

/// The number of places that are taken, open or closed.
pub(crate) fn in_use(places: &AtomicUsize) -> usize {
    places.load(Ordering::Relaxed) % CLOSED
}

impl Queue {
    fn taken(&self) -> &AtomicUsize {
        &self.metrics.audit().places
    }

    fn take(&self, limit: usize) -> bool {
        if self.taken().fetch_add(1, Ordering::Relaxed) < limit {
            return true;
        }
        self.taken().fetch_sub(1, Ordering::Relaxed);
        false
    }

    fn push(&self, event: Event, acknowledge: Option<oneshot::Sender<Result<(), EvidenceError>>>) {
        let recorded = match event {
            Event::Node(_) | Event::Gap { .. } => (self.clock)(),
            Event::Identity(ref event) => event.time,
            Event::Request(ref event) => event.time,
            Event::Connection(ref event) => event.time,
            Event::Closed(ref event) => event.time,
        };
        self.send(Item { content: Content::Event(event), recorded, acknowledge });
    }

    fn send(&self, item: Item) {
        // Fails only when the writer ended by a panic; it has then closed the queue, and the gate refuses.
        if self.sender.send(item).is_err() {
            self.metrics.audit().unrecorded.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn wake(&self) {
        self.asleep.store(false, Ordering::Relaxed);
        self.writer.unpark();
    }

    /// Lets no event in any more; closing twice is harmless.
    pub(crate) fn close(&self) {
        if !self.is_closed() {
            self.taken().fetch_add(CLOSED, Ordering::Relaxed);
        }
        self.room.notify_waiters();
    }

    fn is_closed(&self) -> bool {
        self.taken().load(Ordering::Relaxed) >= CLOSED
    }

    /// Places that are taken: by slots, and by events the writer has not fetched.
    pub(crate) fn in_use(&self) -> usize {
        in_use(self.taken())
    }

    /// Gives back the places of events that the writer has fetched.
    pub(crate) fn release(&self, places: usize) {
        self.taken().fetch_sub(places, Ordering::Relaxed);
        self.room.notify_waiters();
    }

    /// Requests that found no room since the start.
    pub(crate) fn unrecorded(&self) -> u64 {
        self.metrics.audit().unrecorded.load(Ordering::Relaxed)
    }

    pub(crate) fn set_fault(&self, fault: Option<EvidenceError>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    pub(crate) fn successor(&self) -> Option<Successor> {
        self.successor.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Parks the writer until an event comes, unless one is there already.
    pub(crate) fn sleep(&self, is_idle: impl FnOnce() -> bool) {
        self.asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if is_idle() && !self.is_stopping() {
            thread::park_timeout(LONGEST_SLEEP);
        }
        self.asleep.store(false, Ordering::Relaxed);
    }
}
