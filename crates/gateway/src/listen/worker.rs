use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bartizan_evidence::{ConnectionFault, ConnectionRefusal, Recorder};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::heartbeat::Pulse;
use super::request_ids::RequestIds;
use super::room::{Handshake, Place};
use super::stream::{Accepting, Listener};
use super::{Current, HOUSEKEEPING, Phase, connection, redirect};
use crate::gate::Gate;
use crate::upstream::Pool;
use crate::wire::{Budget, Pace, TICK, Ticks};

/// What one thread of the data plane begins with.
pub(super) struct Worker {
    pub(super) listeners: Vec<Listener>,
    pub(super) redirect: Option<Listener>,
    pub(super) current: Arc<Current>,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) recorder: Recorder,
    pub(super) pulse: Pulse,
}

/// The gate, counted by one worker: all of them would write to one counter for each request.
type CountedHere = Rc<Arc<Gate>>;

/// What the connections of one worker share; none of it is shared with another thread.
pub(super) struct Local {
    pub(super) pool: Pool,
    pub(super) recorder: Recorder,
    pub(super) request_ids: RequestIds,
    pub(super) phase: watch::Receiver<Phase>,
    current: Arc<Current>,
    seen: Cell<u64>,
    gate: RefCell<CountedHere>,
    ticks: Ticks,
    /// The connections that each tick looks at; those that are gone go at the next one.
    paces: RefCell<Vec<Weak<Pace>>>,
    turned_away: TurnedAway,
    /// Answers say that their connection ends with them (`RFC 9112 §9.6`).
    pub(super) is_draining: Cell<bool>,
    /// Held by every connection; the worker has drained when all are gone.
    pub(super) open: watch::Sender<()>,
}

impl Local {
    /// The gate in force.
    pub(super) fn gate(&self) -> CountedHere {
        let number = self.current.number();
        if self.seen.replace(number) != number {
            *self.gate.borrow_mut() = Rc::new(self.current.gate());
        }
        self.gate.borrow().clone()
    }

    /// What the worker's tick will look at for a new connection.
    pub(super) fn pace(&self, gate: &Gate) -> Arc<Pace> {
        let timeouts = gate.config.server.timeouts;
        let budget = Budget::new(timeouts.head, timeouts.body_idle, timeouts.min_rate.get());
        let pace = Pace::new(&self.ticks, budget);
        if self.is_draining.get() {
            pace.drain();
        }
        self.paces.borrow_mut().push(Arc::downgrade(&pace));
        pace
    }

    fn tick(&self) {
        self.ticks.advance();
        self.paces.borrow_mut().retain(|pace| pace.upgrade().inspect(|pace| pace.tick()).is_some());
    }

    /// Tells every connection that its answers are the last.
    fn drain(&self) {
        self.is_draining.set(true);
        self.paces.borrow().iter().filter_map(Weak::upgrade).for_each(|pace| pace.drain());
    }

    /// A place for another connection, if there is one.
    pub(super) fn enter(&self, peer: SocketAddr, gate: &Gate) -> Option<Place> {
        let place = gate.room.enter(&gate.config.limits);
        place.map_err(|refusal| self.turn_away(peer, refusal)).ok()
    }

    /// Whether the client may have one more connection. A proxy without a PROXY header stands for many clients, and so does whoever
    /// connects by a Unix socket: *limit* tells those apart.
    pub(super) fn claim(&self, place: &mut Place, peer: SocketAddr, client: IpAddr, gate: &Gate) -> bool {
        let is_proxy = gate.config.server.trusted_proxies.iter().any(|network| network.contains(&client));
        if is_proxy || (peer.port() == 0 && client == peer.ip()) {
            return true;
        }
        let claimed = place.claim(gate.prefix_of(client), &gate.config.limits);
        claimed.map_err(|refusal| self.turn_away(peer, refusal)).is_ok()
    }

    /// A place for another TLS handshake, if there is one.
    pub(super) fn begin_handshake(&self, peer: SocketAddr, gate: &Gate) -> Option<Handshake> {
        let handshake = gate.room.begin_handshake(&gate.config.limits);
        handshake.map_err(|refusal| self.turn_away(peer, refusal)).ok()
    }

    /// Tells of a connection for which there is no room. Each one is counted; one event a second tells of them, or the flood would go
    /// on in the audit log.
    fn turn_away(&self, peer: SocketAddr, refusal: ConnectionRefusal) {
        self.recorder.metrics().connection_refused(refusal);
        let Some(count) = self.turned_away.count(refusal, self.ticks.now()) else { return };
        let detail = format!("{}: {count} since the last event", refusal.as_str());
        connection::record(self, peer, ConnectionFault::Overload, &detail);
    }

    fn evict_idle(&self) {
        self.pool.evict();
    }
}

impl Worker {
    /// Serves until told to drain, then until drained.
    pub(super) fn run(self, runtime: &Runtime) {
        let tasks = LocalSet::new();
        tasks.block_on(runtime, async {
            // Listeners become tokio's on the runtime that polls them.
            if let Err(cause) = self.serve().await {
                tracing::error!(%cause, "a worker cannot serve");
            }
        });
    }

    async fn serve(self) -> io::Result<()> {
        let Self { listeners, redirect, current, mut phase, recorder, pulse } = self;
        let local = Rc::new(Local {
            pool: Pool::default(),
            recorder,
            request_ids: RequestIds::default(),
            phase: phase.clone(),
            seen: Cell::new(current.number()),
            gate: RefCell::new(Rc::new(current.gate())),
            current,
            is_draining: Cell::new(false),
            open: watch::Sender::new(()),
            ticks: Ticks::default(),
            paces: RefCell::default(),
            turned_away: TurnedAway::default(),
        });
        // Until the last connection is drained: a slow client must not use the drain up.
        tokio::task::spawn_local(tick(Rc::downgrade(&local)));
        for listener in listeners {
            tokio::task::spawn_local(accept(listener.accepting()?, local.clone(), Role::Gate));
        }
        if let Some(listener) = redirect {
            tokio::task::spawn_local(accept(listener.accepting()?, local.clone(), Role::Redirect));
        }
        let mut ticks = interval(HOUSEKEEPING);
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    pulse.beat();
                    local.evict_idle();
                }
                changed = phase.wait_for(|phase| *phase != Phase::Serving) => {
                    drop(changed);
                    break;
                }
            }
        }
        local.drain();
        let patience = local.gate().config.server.drain;
        let is_cut = phase.wait_for(|phase| *phase == Phase::Cut);
        tokio::select! {
            () = local.open.closed() => {}
            _ = is_cut => tracing::warn!("cut the connections that had not finished"),
            () = sleep(patience) => {
                tracing::warn!(seconds = patience.as_secs(), "cut the connections that had not finished in time");
            }
        }
        Ok(())
    }
}

async fn tick(local: std::rc::Weak<Local>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let Some(local) = local.upgrade() else { return };
        local.tick();
    }
}

/// Connections turned away since the last event that told of them, by reason.
#[derive(Debug, Default)]
struct TurnedAway([Cell<(u64, Option<u32>)>; ConnectionRefusal::ALL.len()]);

impl TurnedAway {
    /// Ticks between two events.
    const QUIET: u32 = 4;

    /// Counts one; how many there were if it is time to tell.
    fn count(&self, refusal: ConnectionRefusal, now: u32) -> Option<u64> {
        let cell = self.0.get(refusal as usize)?;
        let (count, told) = cell.get();
        let is_time = told.is_none_or(|told| now.wrapping_sub(told) >= Self::QUIET);
        cell.set(if is_time { (0, Some(now)) } else { (count + 1, told) });
        is_time.then_some(count + 1)
    }
}

/// What a listener is for.
#[derive(Clone, Copy)]
enum Role {
    Gate,
    Redirect,
}

async fn accept(listener: Accepting, local: Rc<Local>, role: Role) {
    let mut phase = local.phase.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = phase.wait_for(|phase| *phase != Phase::Serving) => return,
        };
        match accepted {
            Ok((stream, peer)) => match role {
                Role::Gate => drop(tokio::task::spawn_local(connection::serve(stream, peer, local.clone()))),
                Role::Redirect => drop(tokio::task::spawn_local(redirect::serve(stream, peer, local.clone()))),
            },
            Err(cause) => wait_for_room(&cause).await,
        }
    }
}

/// Out of file descriptors, accepting again at once would spin without accepting; connections that end make room.
async fn wait_for_room(cause: &io::Error) {
    let is_the_clients = matches!(cause.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset);
    if !is_the_clients {
        tracing::warn!(%cause, "cannot accept a connection; trying again");
        sleep(Duration::from_millis(50)).await;
    }
}
