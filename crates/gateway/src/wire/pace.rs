use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use super::stream::Refused;

/// The time between two looks at all connections of a worker: fine enough for limits of seconds, and four wake-ups a second when idle.
pub(crate) const TICK: Duration = Duration::from_millis(250);
/// Ticks after which a connection that asks for nothing gives its buffers back.
const REST: u32 = 4;

/// A worker's coarse clock. Reading it is one load; a timer for each request would be an entry in the runtime's wheel, made and removed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ticks(Arc<AtomicU32>);

/// How long a client may keep the gate waiting, in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    head: u32,
    stall: u32,
    bytes_per_tick: u32,
}

/// What a client used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lapse {
    /// Its next request did not come in time, or did not become whole.
    Head = 1,
    /// It does not take its answers.
    Stall = 2,
}

/// The state of one connection that its worker's tick looks at. Only one thread touches it: the atomics are plain loads and stores, and
/// the locks are never contended; it is `Sync` so that an answer's body, which counts as in flight, can be `Send`.
#[derive(Debug)]
pub(crate) struct Pace {
    ticks: Ticks,
    budget: Budget,
    /// When the gate began to wait for a request.
    waiting_since: AtomicU32,
    /// Requests handed to hyper.
    handed: AtomicU32,
    /// Of these, those that reached the service.
    started: AtomicU32,
    /// Of these, those whose answers are written.
    done: AtomicU32,
    /// Whether the socket takes no more of an answer.
    is_blocked: AtomicBool,
    /// HTTP/2: streams that stand open on the wire, and when a block of fields began that is not whole.
    open: AtomicU32,
    block_since: AtomicU32,
    /// HTTP/2: requests that the gate or an upstream works on; the others that are open wait for their client.
    busy: AtomicU32,
    /// Ticks that the client kept the gate waiting beyond what its bytes earned.
    stalled: AtomicU32,
    /// Bytes that the client took since the last tick.
    taken: AtomicU32,
    lapse: AtomicU8,
    is_draining: AtomicBool,
    /// Whether the connection has asked for nothing for so long that its buffers may go.
    may_rest: AtomicBool,
    /// Whether reading goes on when the last answer is known.
    awaits_answer: AtomicBool,
    refused_at: AtomicU32,
    refused: Mutex<Option<Refused>>,
    waker: Mutex<Option<Waker>>,
}

const NEVER: u32 = u32::MAX;

impl Ticks {
    pub(crate) fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn advance(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Budget {
    /// `head` for a request's head, `stall` for a client that takes or sends fewer than `rate` bytes a second.
    pub(crate) fn new(head: Duration, stall: Duration, rate: u32) -> Self {
        let ticks = |time: Duration| u32::try_from(time.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u32::MAX);
        let per_second = u32::try_from(1000 / TICK.as_millis()).unwrap_or(1);
        Self { head: ticks(head), stall: ticks(stall), bytes_per_tick: (rate / per_second).max(1) }
    }
}

impl Pace {
    pub(crate) fn new(ticks: &Ticks, budget: Budget) -> Arc<Self> {
        Arc::new(Self {
            ticks: ticks.clone(),
            budget,
            waiting_since: AtomicU32::new(ticks.now()),
            handed: AtomicU32::default(),
            started: AtomicU32::default(),
            done: AtomicU32::default(),
            is_blocked: AtomicBool::default(),
            open: AtomicU32::default(),
            block_since: AtomicU32::new(NEVER),
            busy: AtomicU32::default(),
            stalled: AtomicU32::default(),
            taken: AtomicU32::default(),
            lapse: AtomicU8::default(),
            is_draining: AtomicBool::default(),
            may_rest: AtomicBool::default(),
            awaits_answer: AtomicBool::default(),
            refused_at: AtomicU32::new(NEVER),
            refused: Mutex::default(),
            waker: Mutex::default(),
        })
    }

    /// Looks at the connection, once a tick.
    pub(crate) fn tick(&self) {
        let waits_for_client = self.is_blocked.load(Ordering::Relaxed) || load(&self.open) > load(&self.busy);
        let earned = self.taken.swap(0, Ordering::Relaxed) / self.budget.bytes_per_tick;
        let stalled = load(&self.stalled).saturating_add(u32::from(waits_for_client)).saturating_sub(earned);
        self.stalled.store(if waits_for_client { stalled } else { 0 }, Ordering::Relaxed);
        let now = self.ticks.now();
        let is_late = |since: u32| since != NEVER && now.wrapping_sub(since) > self.budget.head;
        if waits_for_client && stalled > self.budget.stall {
            self.lapse(Lapse::Stall);
        } else if (self.is_idle() && is_late(load(&self.waiting_since))) || is_late(load(&self.block_since)) {
            self.lapse(Lapse::Head);
        } else if self.is_idle() && now.wrapping_sub(load(&self.waiting_since)) == REST {
            self.may_rest.store(true, Ordering::Relaxed);
            self.wake();
        }
    }

    /// From now on the connection takes what its worker is about into account.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
        self.wake();
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    /// Whether the connection may give its buffers back; told once for each time that it falls idle.
    pub(crate) fn takes_rest(&self) -> bool {
        self.may_rest.load(Ordering::Relaxed) && self.may_rest.swap(false, Ordering::Relaxed) && self.is_idle()
    }

    /// Whether nothing is asked for.
    fn is_idle(&self) -> bool {
        let has_answered_all = load(&self.handed) == load(&self.done);
        has_answered_all && load(&self.open) == 0 && !self.is_blocked.load(Ordering::Relaxed)
    }

    fn lapse(&self, lapse: Lapse) {
        self.lapse.store(lapse as u8, Ordering::Relaxed);
        self.wake();
    }

    pub(super) fn now(&self) -> u32 {
        self.ticks.now()
    }

    /// What the client used up, if anything.
    pub(crate) fn lapsed(&self) -> Option<Lapse> {
        match self.lapse.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Lapse::Head),
            _ => Some(Lapse::Stall),
        }
    }

    /// Whether no request ever reached the service.
    pub(crate) fn is_fresh(&self) -> bool {
        load(&self.started) == 0
    }

    /// From here on the client's time runs.
    pub(super) fn wait_for_head(&self) {
        self.waiting_since.store(self.ticks.now(), Ordering::Relaxed);
    }

    pub(super) fn handed(&self, heads: u32) {
        self.handed.store(heads, Ordering::Relaxed);
    }

    pub(super) fn has_answered_all(&self) -> bool {
        load(&self.handed) == load(&self.done)
    }

    /// Whoever reads is woken when every answer is written.
    pub(super) fn await_answer(&self) {
        self.awaits_answer.store(true, Ordering::Relaxed);
    }

    pub(super) fn blocked(&self) {
        self.is_blocked.store(true, Ordering::Relaxed);
    }

    /// The socket took so many bytes.
    pub(super) fn took(&self, bytes: usize) {
        self.unblocked();
        self.earned(bytes);
    }

    pub(super) fn unblocked(&self) {
        self.is_blocked.store(false, Ordering::Relaxed);
    }

    pub(super) fn earned(&self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.taken.store(load(&self.taken).saturating_add(bytes), Ordering::Relaxed);
    }

    /// HTTP/2: so many streams stand open on the wire.
    pub(super) fn streams(&self, open: usize) {
        let before = self.open.swap(u32::try_from(open).unwrap_or(u32::MAX), Ordering::Relaxed);
        if before != 0 && open == 0 {
            self.wait_for_head();
        }
    }

    /// HTTP/2: whether a block of fields began that is not whole.
    pub(super) fn in_block(&self, is_open: bool) {
        let since = load(&self.block_since);
        let since = if !is_open {
            NEVER
        } else if since == NEVER {
            self.ticks.now()
        } else {
            since
        };
        self.block_since.store(since, Ordering::Relaxed);
    }

    /// The next request that reaches the service is one that stands in for this.
    pub(super) fn refuse(&self, refused: Refused, number: u32) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refused);
        self.refused_at.store(number, Ordering::Relaxed);
    }

    pub(super) fn watch(&self, waker: &Waker) {
        let mut kept = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.as_ref().is_some_and(|kept| kept.will_wake(waker)) {
            *kept = Some(waker.clone());
        }
    }

    fn wake(&self) {
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn load(counter: &AtomicU32) -> u32 {
    counter.load(Ordering::Relaxed)
}

/// A request that the gate owes an answer to, until the answer's last byte went to hyper or the request was given up.
#[derive(Debug)]
pub(crate) struct InFlight {
    pace: Arc<Pace>,
    is_busy: bool,
}

impl InFlight {
    /// A request reached the service: with what was refused in its place, if it only stands in for that.
    pub(crate) fn begin(pace: &Arc<Pace>) -> (Self, Option<Refused>) {
        let number = load(&pace.started);
        pace.started.store(number.wrapping_add(1), Ordering::Relaxed);
        pace.busy.store(load(&pace.busy).saturating_add(1), Ordering::Relaxed);
        let refused = if load(&pace.refused_at) == number {
            pace.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
        } else {
            None
        };
        (Self { pace: pace.clone(), is_busy: true }, refused)
    }

    /// Whether the gate has to do the next thing, or the client has to take what there is.
    pub(crate) fn set_busy(&mut self, is_busy: bool) {
        if self.is_busy != is_busy {
            let busy = load(&self.pace.busy);
            let busy = if is_busy { busy.saturating_add(1) } else { busy.saturating_sub(1) };
            self.pace.busy.store(busy, Ordering::Relaxed);
            self.is_busy = is_busy;
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.set_busy(false);
        let done = load(&self.pace.done).wrapping_add(1);
        self.pace.done.store(done, Ordering::Relaxed);
        if done == load(&self.pace.handed) {
            self.pace.wait_for_head();
            if self.pace.awaits_answer.swap(false, Ordering::Relaxed) {
                self.pace.wake();
            }
        }
    }
}
