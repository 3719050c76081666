//! A request on its way to one of several endpoints: chosen, counted, and tried again where that does no harm.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::balance::{self, Candidate};
use super::breaker::Position;
use super::endpoint::{Endpoint, Millis, Outcome};
use super::group::Remote;
use super::pool::{LocalGroup, Pool};
use super::slot::{Lease, Slot};
use super::transport::Transport;
use super::{Deadlines, SendFault, dedicated, mirror, retry};
use crate::body::RequestBody;
use crate::config::{Balance, WhenAllDown};

/// A request that never left is taken to so many other endpoints, whatever the rules say of repetitions.
const LEAST_TRIES_UNSENT: u8 = 2;
/// The pause before an endpoint is asked again that has just failed; twice as long each time.
const PAUSE: Duration = Duration::from_millis(25);

/// A request, or a connection of its own, counted at its endpoint until this is dropped.
pub(crate) struct Ticket {
    remote: Arc<Remote>,
    pub(super) endpoint: Arc<Endpoint>,
    outcome: Outcome,
    is_told: bool,
}

impl Ticket {
    /// `None` if the endpoint has enough to do, or a probe is under way.
    fn take(remote: &Arc<Remote>, endpoint: &Arc<Endpoint>, now: Millis) -> Option<Self> {
        let load = &endpoint.load.in_flight;
        let before = load.fetch_add(1, Relaxed);
        let is_full = remote.rules.limits.requests.is_some_and(|most| before >= most.get());
        if is_full || !endpoint.enter(now) {
            load.fetch_sub(1, Relaxed);
            return None;
        }
        let (remote, endpoint) = (remote.clone(), endpoint.clone());
        Some(Self { remote, endpoint, outcome: Outcome::Abandoned, is_told: false })
    }

    pub(super) fn failed(&mut self) {
        self.outcome = Outcome::Failed;
    }

    /// What an answer says about the endpoint.
    fn answered(&mut self, status: StatusCode) {
        self.outcome = if is_failure(status) { Outcome::Failed } else { Outcome::Answered };
    }

    /// The same where the place is kept for long after the answer: a circuit that asks by one request is told at once.
    pub(super) fn answered_and_stays(&mut self, status: StatusCode) {
        self.answered(status);
        self.tell();
    }

    fn tell(&mut self) {
        if !std::mem::replace(&mut self.is_told, true) {
            self.remote.ended(&self.endpoint, self.outcome);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.endpoint.load.in_flight.fetch_sub(1, Relaxed);
        self.tell();
        if self.remote.queue.waiting.load(Relaxed) > 0 {
            self.remote.queue.freed.notify_one();
        }
    }
}

/// Sends a request to one of the endpoints.
pub(super) async fn send(
    pool: &Pool,
    remote: &Arc<Remote>,
    group: &LocalGroup,
    request: &mut Option<Request<RequestBody>>,
    deadlines: Deadlines,
) -> Result<(Response<Incoming>, Lease), SendFault> {
    let Some(mut request) = request.take() else { return Err(SendFault::NoAnswer("no-request")) };
    let rules = &remote.rules.retry;
    remote.budget.earn(rules);
    mirror::copy(pool, remote, &mut request, deadlines);
    let mut tries = Tries::new(pool, remote, group);
    loop {
        let (mut ticket, slot) = tries.admit(deadlines).await?;
        let spare = (tries.repeated < rules.most).then(|| retry::copy_of_repeatable(&request, rules)).flatten();
        let watch = request.body().watch();
        let patience = rules.per_try.filter(|_| spare.is_some());
        let mut sent = Some(request);
        let fault = match attempt(&slot, &mut sent, deadlines, patience).await {
            Ok((response, mut lease)) => {
                ticket.answered(response.status());
                let is_taken = !rules.statuses.contains(&response.status().as_u16())
                    // The upstream has said when to come back: that is for the client to hear.
                    || response.headers().contains_key(header::RETRY_AFTER);
                let Some(again) = spare.filter(|_| !is_taken && tries.may_repeat(deadlines)) else {
                    lease.ticket = Some(ticket);
                    return Ok((response, lease));
                };
                request = again;
                tries.next(&ticket).await;
                continue;
            }
            Err(fault) => fault,
        };
        // A body that the client cut breaks the connection as well, and says nothing about the endpoint.
        if watch.is_none_or(|watch| watch.fault().is_none()) {
            ticket.failed();
        }
        request = if let Some(unsent) = sent {
            if !tries.may_go_elsewhere(deadlines) {
                return Err(fault);
            }
            unsent
        } else {
            spare.filter(|_| retry::is_worth_another(fault) && tries.may_repeat(deadlines)).ok_or(fault)?
        };
        tries.next(&ticket).await;
    }
}

/// Opens a connection of its own to one of the endpoints, and takes a place there for as long as the connection stays.
pub(super) async fn open(
    pool: &Pool,
    remote: &Arc<Remote>,
    group: &LocalGroup,
    deadlines: Deadlines,
) -> Result<(Transport, Ticket), SendFault> {
    let mut tries = Tries::new(pool, remote, group);
    loop {
        let (mut ticket, _) = tries.admit(deadlines).await?;
        match dedicated::reach(&ticket.endpoint, deadlines).await {
            Ok(transport) => return Ok((transport, ticket)),
            Err(fault) => {
                ticket.failed();
                if !tries.may_go_elsewhere(deadlines) {
                    return Err(fault);
                }
                tries.next(&ticket).await;
            }
        }
    }
}

async fn attempt(
    slot: &Rc<Slot>,
    request: &mut Option<Request<RequestBody>>,
    deadlines: Deadlines,
    patience: Option<Duration>,
) -> Result<(Response<Incoming>, Lease), SendFault> {
    let Some(patience) = patience else { return slot.exchange(request, deadlines).await };
    timeout(patience, slot.exchange(request, deadlines)).await.unwrap_or(Err(SendFault::Timeout("try-too-slow")))
}

/// What an endpoint's health counts as a failure. A 500 is none: one request that finds a bug must not be able to take out endpoint
/// after endpoint.
fn is_failure(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

/// The tries of one request.
struct Tries<'a> {
    pool: &'a Pool,
    remote: &'a Arc<Remote>,
    group: &'a LocalGroup,
    tried: Vec<Arc<Endpoint>>,
    repeated: u8,
}

/// What came of looking for an endpoint.
enum Choice {
    Taken(Ticket, Rc<Slot>),
    /// All that could be asked have enough to do.
    Full,
    /// Nobody is to be asked.
    Refused(&'static str),
}

impl<'a> Tries<'a> {
    fn new(pool: &'a Pool, remote: &'a Arc<Remote>, group: &'a LocalGroup) -> Self {
        Self { pool, remote, group, tried: Vec::new(), repeated: 0 }
    }

    /// Whether what never left may be tried once more.
    fn may_go_elsewhere(&self, deadlines: Deadlines) -> bool {
        self.repeated < self.remote.rules.retry.most.max(LEAST_TRIES_UNSENT) && Instant::now() < deadlines.total
    }

    /// Whether a request that left may be sent once more: within its time and the upstream's budget.
    fn may_repeat(&self, deadlines: Deadlines) -> bool {
        if Instant::now() >= deadlines.total {
            return false;
        }
        let may = self.remote.budget.spend(&self.remote.rules.retry, self.remote.now());
        if !may {
            self.remote.counts.retries_denied.fetch_add(1, Relaxed);
        }
        may
    }

    /// Makes ready for the next try; an endpoint that is asked twice in a row gets a moment.
    async fn next(&mut self, failed: &Ticket) {
        self.remote.counts.retries.fetch_add(1, Relaxed);
        self.tried.push(failed.endpoint.clone());
        if self.tried.len() >= self.group.slots(self.remote).slots.len() {
            let pause = PAUSE.saturating_mul(1 << self.repeated.min(5));
            let jitter = self.pool.worker().dice.below(u64::try_from(pause.as_micros()).unwrap_or(u64::MAX));
            sleep(pause / 2 + Duration::from_micros(jitter)).await;
        }
        self.repeated = self.repeated.saturating_add(1);
    }

    /// A place at an endpoint, waited for if need be.
    async fn admit(&self, deadlines: Deadlines) -> Result<(Ticket, Rc<Slot>), SendFault> {
        let refused = |why| {
            self.remote.counts.refused.fetch_add(1, Relaxed);
            Err(SendFault::Busy(why))
        };
        match self.choose() {
            Choice::Taken(ticket, slot) => return Ok((ticket, slot)),
            Choice::Refused(why) => return refused(why),
            Choice::Full => {}
        }
        let (queue, limits) = (&self.remote.queue, &self.remote.rules.limits);
        let before = queue.waiting.fetch_add(1, Relaxed);
        let _left = scopeguard(|| {
            queue.waiting.fetch_sub(1, Relaxed);
        });
        if before >= limits.pending {
            return refused("too-many-wait");
        }
        let until = deadlines.total.min(Instant::now() + limits.pending_timeout);
        loop {
            // Listened for before the look: room that is made in between is not missed.
            let mut freed = pin!(queue.freed.notified());
            freed.as_mut().enable();
            match self.choose() {
                Choice::Taken(ticket, slot) => return Ok((ticket, slot)),
                Choice::Refused(why) => return refused(why),
                Choice::Full if timeout_at(until, freed).await.is_err() => return refused("no-room-in-time"),
                Choice::Full => {}
            }
        }
    }

    /// The endpoints that were not tried yet before those that were, and those that are thought well before all others.
    fn choose(&self) -> Choice {
        let slots = self.group.slots(self.remote);
        let now = self.remote.now();
        let is_new = |slot: &Slot| !self.tried.iter().any(|tried| Arc::ptr_eq(tried, &slot.endpoint));
        let is_available = |slot: &Slot| slot.endpoint.is_available(now);
        let is_closed = |slot: &Slot| slot.endpoint.circuit_position(now) != Position::Open;
        let well: [&dyn Fn(&Slot) -> bool; 2] = [&|slot| is_available(slot) && is_new(slot), &is_available];
        if let Some(choice) = well.iter().find_map(|tier| self.choose_among(&slots, tier, now)) {
            return choice;
        }
        if self.remote.rules.when_all_down == WhenAllDown::Refuse {
            return Choice::Refused("no-endpoint-is-well");
        }
        let all: [&dyn Fn(&Slot) -> bool; 2] = [&|slot| is_closed(slot) && is_new(slot), &is_closed];
        if let Some(choice) = all.iter().find_map(|tier| self.choose_among(&slots, tier, now)) {
            self.remote.counts.all_down.fetch_add(1, Relaxed);
            return choice;
        }
        Choice::Refused("circuits-open")
    }

    /// One of those that `is_meant` means; `None` if it means none.
    fn choose_among(
        &self,
        slots: &super::pool::Slots,
        is_meant: &dyn Fn(&Slot) -> bool,
        now: Millis,
    ) -> Option<Choice> {
        let rules = &self.remote.rules;
        let most = rules.limits.requests.map_or(u32::MAX, std::num::NonZeroU32::get);
        let mut candidates = self.group.candidates.borrow_mut();
        candidates.clear();
        let mut is_anybody_meant = false;
        for (index, slot) in slots.slots.iter().enumerate().filter(|(_, slot)| is_meant(slot)) {
            is_anybody_meant = true;
            let load = slot.endpoint.load.in_flight.load(Relaxed);
            if load < most {
                let weight = slot.endpoint.effective_weight(rules.slow_start, now);
                candidates.push(Candidate { index, weight, load });
            }
        }
        // Another worker may take the last place between the look and the deed: then the next best is asked.
        while !candidates.is_empty() {
            let chosen = match rules.balance {
                Balance::LeastLoaded => balance::least_loaded(&candidates, &self.pool.worker().dice),
                Balance::RoundRobin => balance::in_turns(&candidates, &slots.turns),
            }?;
            let slot = slots.slots.get(chosen)?;
            if let Some(ticket) = Ticket::take(self.remote, &slot.endpoint, now) {
                return Some(Choice::Taken(ticket, slot.clone()));
            }
            candidates.retain(|candidate| candidate.index != chosen);
        }
        is_anybody_meant.then_some(Choice::Full)
    }
}

/// Does something when it is dropped.
fn scopeguard<F: FnMut()>(act: F) -> impl Drop {
    struct Guard<F: FnMut()>(F);
    impl<F: FnMut()> Drop for Guard<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    Guard(act)
}
