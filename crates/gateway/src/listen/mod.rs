//! The data plane: one thread and one runtime for each core, each with its own sockets, connections and pools.

mod connection;
mod http1;
mod http2;
mod redirect;
mod room;
mod socket;
mod tracked;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bartizan_evidence::Recorder;
use tokio::sync::watch;

use crate::gate::Gate;

pub(crate) use room::Room;

/// Listeners that are bound and not served yet: a port that is taken is known before anything else happens.
pub struct Bound {
    workers: Vec<Vec<std::net::TcpListener>>,
    redirect: Option<std::net::TcpListener>,
    addresses: Vec<SocketAddr>,
}

/// A data plane that serves.
pub struct Serving {
    addresses: Vec<SocketAddr>,
    redirect: Option<SocketAddr>,
    current: Arc<Current>,
    phase: watch::Sender<Phase>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What connections are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Serve.
    Serving,
    /// Take no new connections, finish the requests in flight.
    Draining,
    /// Finish nothing more.
    Cut,
}

/// The gate in force. Workers look at the number, which is one relaxed load, and fetch the gate only when it changed.
pub(crate) struct Current {
    number: AtomicU64,
    gate: RwLock<Arc<Gate>>,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {cause}{remedy}")]
pub struct ListenError {
    /// The address.
    pub address: SocketAddr,
    /// Why.
    #[source]
    pub cause: io::Error,
    /// What to do about it.
    pub remedy: &'static str,
}

impl Current {
    fn new(gate: Arc<Gate>) -> Arc<Self> {
        Arc::new(Self { number: AtomicU64::new(0), gate: RwLock::new(gate) })
    }

    fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    fn gate(&self) -> Arc<Gate> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, gate: Arc<Gate>) {
        *self.gate.write().unwrap_or_else(PoisonError::into_inner) = gate;
        self.number.fetch_add(1, Ordering::Release);
    }
}

impl Bound {
    /// Binds every listener of the configuration.
    ///
    /// # Errors
    /// The first address that cannot be had.
    pub fn bind(server: &crate::config::Server) -> Result<Self, ListenError> {
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let count = server.workers.unwrap_or(cores).get();
        let mut workers: Vec<Vec<std::net::TcpListener>> = (0..count).map(|_| Vec::new()).collect();
        let mut addresses = Vec::new();
        for &address in &server.listen {
            let address = socket::reserve(address)?;
            for listeners in &mut workers {
                listeners.push(socket::listen(address.local)?);
            }
            addresses.push(address.local);
        }
        let redirect = match server.redirect_from {
            Some(address) => Some(socket::listen(socket::reserve(address)?.local)?),
            None => None,
        };
        Ok(Self { workers, redirect, addresses })
    }

    /// Serves `gate` on all of them.
    ///
    /// # Errors
    /// A thread or a runtime that cannot be had.
    pub fn serve(self, gate: Gate, recorder: &Recorder) -> io::Result<Serving> {
        let current = Current::new(Arc::new(gate));
        let (phase, _) = watch::channel(Phase::Serving);
        let mut redirect = self.redirect;
        let redirect_address = redirect.as_ref().map(std::net::TcpListener::local_addr).transpose()?;
        let mut threads = Vec::new();
        for (number, listeners) in self.workers.into_iter().enumerate() {
            let worker = worker::Worker {
                listeners,
                redirect: redirect.take(),
                current: current.clone(),
                phase: phase.subscribe(),
                recorder: recorder.clone(),
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let thread = thread::Builder::new().name(format!("gate-{number}"));
            threads.push(thread.spawn(move || worker.run(&runtime))?);
        }
        Ok(Serving {
            addresses: self.addresses,
            redirect: redirect_address,
            current,
            phase,
            threads: Mutex::new(threads),
        })
    }
}

impl Serving {
    /// Where it listens, with the ports that the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where the plain HTTP listener is, if there is one.
    pub fn redirect_address(&self) -> Option<SocketAddr> {
        self.redirect
    }

    /// Puts another configuration in force. Requests in flight finish on the old one; new requests, on old connections too, meet
    /// the new one.
    pub fn replace(&self, gate: Gate) {
        self.current.replace(Arc::new(gate));
    }

    /// The gate in force.
    pub fn gate(&self) -> Arc<Gate> {
        self.current.gate()
    }

    /// Ends a drain at once: what is still in flight is cut.
    pub fn cut(&self) {
        self.phase.send_replace(Phase::Cut);
    }

    /// Stops taking connections and returns when the requests in flight are answered, or after the configured time.
    pub fn drain(&self) {
        self.phase.send_if_modified(|phase| {
            let is_serving = *phase == Phase::Serving;
            if is_serving {
                *phase = Phase::Draining;
            }
            is_serving
        });
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A worker that panicked has nothing left to drain.
            let _ = thread.join();
        }
    }
}

/// How often idle upstream connections are looked through.
const HOUSEKEEPING: Duration = Duration::from_secs(1);
