use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bartizan_evidence::Recorder;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::{interval, sleep};

use super::heartbeat::Pulse;
use super::request_ids::RequestIds;
use super::stream::{Accepting, Listener};
use super::{Current, HOUSEKEEPING, Phase, connection, redirect};
use crate::gate::Gate;
use crate::upstream::Pool;

/// What one thread of the data plane begins with.
pub(super) struct Worker {
    pub(super) listeners: Vec<Listener>,
    pub(super) redirect: Option<Listener>,
    pub(super) current: Arc<Current>,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) recorder: Recorder,
    pub(super) pulse: Pulse,
}

/// What the connections of one worker share; none of it is shared with another thread.
pub(super) struct Local {
    pub(super) pool: Pool,
    pub(super) recorder: Recorder,
    pub(super) request_ids: RequestIds,
    pub(super) phase: watch::Receiver<Phase>,
    current: Arc<Current>,
    seen: Cell<u64>,
    gate: RefCell<Arc<Gate>>,
    /// Held by every connection; the worker has drained when all are gone.
    pub(super) open: watch::Sender<()>,
}

impl Local {
    /// The gate in force.
    pub(super) fn gate(&self) -> Arc<Gate> {
        let number = self.current.number();
        if self.seen.replace(number) != number {
            *self.gate.borrow_mut() = self.current.gate();
        }
        self.gate.borrow().clone()
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
            gate: RefCell::new(current.gate()),
            current,
            open: watch::Sender::new(()),
        });
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
