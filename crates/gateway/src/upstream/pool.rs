use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::rc::Rc;
use std::sync::{Arc, Weak};

use http::{Request, Response};
use hyper::body::Incoming;

use super::balance::{Candidate, Dice};
use super::group::Remote;
use super::slot::{Lease, Slot};
use super::steer::Ticket;
use super::transport::Transport;
use super::{Deadlines, SendFault, dedicated, steer};
use crate::body::RequestBody;

/// The connections of one worker: no lock, and no socket that another runtime polls.
#[derive(Clone, Default)]
pub(crate) struct Pool(Rc<Worker>);

pub(super) struct Worker {
    groups: RefCell<HashMap<u64, Rc<LocalGroup>, BuildHasherDefault<ById>>>,
    pub(super) dice: Dice,
    /// Copies of requests that are under way.
    pub(super) mirrors: Rc<Cell<usize>>,
}

/// A group as one worker sees it.
pub(super) struct LocalGroup {
    remote: Weak<Remote>,
    version: Cell<u64>,
    slots: RefCell<Rc<Slots>>,
    /// Filled anew for each choice, so that choosing allocates nothing.
    pub(super) candidates: RefCell<Vec<Candidate>>,
}

#[derive(Default)]
pub(super) struct Slots {
    pub(super) slots: Vec<Rc<Slot>>,
    pub(super) turns: Vec<Cell<i64>>,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            groups: RefCell::default(),
            dice: Dice::new(RandomState::new().build_hasher().finish()),
            mirrors: Rc::default(),
        }
    }
}

impl Pool {
    /// Sends a request to one of the endpoints of `remote`, and waits for the head of its answer.
    ///
    /// It is sent a second time only where that cannot repeat its effect. It is not handed over by value: each layer of futures would
    /// hold it once more, and the future of every request be as much larger.
    pub(crate) async fn send(
        &self,
        remote: &Arc<Remote>,
        request: &mut Option<Request<RequestBody>>,
        deadlines: Deadlines,
    ) -> Result<(Response<Incoming>, Lease), SendFault> {
        let group = self.group(remote);
        if remote.is_plain {
            let Some(slot) = group.only(remote) else { return Err(SendFault::Unreachable("no-endpoint")) };
            // Boxed: unboxed, it makes the future of every request, which hyper copies, half as large again.
            return Box::pin(slot.exchange(request, deadlines)).await;
        }
        // Boxed: the usual future stays small.
        Box::pin(steer::send(self, remote, &group, request, deadlines)).await
    }

    /// Opens a connection to one of the endpoints of `remote` that is nobody else's, counted where the upstream counts.
    pub(super) async fn open(
        &self,
        remote: &Arc<Remote>,
        deadlines: Deadlines,
    ) -> Result<(Transport, Option<Ticket>), SendFault> {
        let group = self.group(remote);
        if remote.is_plain {
            let only = group.only(remote).ok_or(SendFault::Unreachable("no-endpoint"))?;
            return Ok((dedicated::reach(&only.endpoint, deadlines).await?, None));
        }
        let (transport, ticket) = steer::open(self, remote, &group, deadlines).await?;
        Ok((transport, Some(ticket)))
    }

    fn group(&self, remote: &Arc<Remote>) -> Rc<LocalGroup> {
        if let Some(group) = self.0.groups.borrow().get(&remote.id) {
            return group.clone();
        }
        let group = Rc::new(LocalGroup {
            remote: Arc::downgrade(remote),
            version: Cell::new(0),
            slots: RefCell::default(),
            candidates: RefCell::default(),
        });
        self.0.groups.borrow_mut().insert(remote.id, group.clone());
        group
    }

    pub(super) fn worker(&self) -> &Worker {
        &self.0
    }

    /// Closes what has been idle for too long, and forgets groups that no configuration has any more.
    pub(crate) fn evict(&self) {
        let mut groups = self.0.groups.borrow_mut();
        groups.retain(|_, group| group.remote.strong_count() > 0);
        for group in groups.values() {
            group.slots.borrow().slots.iter().for_each(|slot| slot.evict());
        }
    }
}

impl LocalGroup {
    /// The endpoints as they are now.
    pub(super) fn slots(&self, remote: &Remote) -> Rc<Slots> {
        self.refresh(remote);
        self.slots.borrow().clone()
    }

    fn only(&self, remote: &Remote) -> Option<Rc<Slot>> {
        self.refresh(remote);
        self.slots.borrow().slots.first().cloned()
    }

    /// Endpoints that stayed keep their connections.
    fn refresh(&self, remote: &Remote) {
        let version = remote.version();
        if self.version.replace(version) == version {
            return;
        }
        let old = self.slots.take();
        let members = remote.members();
        let slot = |endpoint: &Arc<super::endpoint::Endpoint>| {
            let kept = old.slots.iter().find(|slot| Arc::ptr_eq(&slot.endpoint, endpoint)).cloned();
            kept.unwrap_or_else(|| Rc::new(Slot::new(endpoint.clone(), remote.rules.clone())))
        };
        let slots: Vec<_> = members.iter().map(slot).collect();
        let turns = slots.iter().map(|_| Cell::new(0)).collect();
        *self.slots.borrow_mut() = Rc::new(Slots { slots, turns });
    }
}

/// Spreads numbers that count up: whoever chose them is the gate itself, so that nothing is gained by a slower hash.
#[derive(Default)]
struct ById(u64);

impl Hasher for ById {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
