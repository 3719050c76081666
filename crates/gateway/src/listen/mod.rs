//! The data plane: one thread and one runtime for each core, each with its own sockets, connections and pools.

mod connection;
mod heartbeat;
mod http1;
mod http2;
mod inherited;
mod proxy;
mod redirect;
mod request_ids;
mod room;
mod socket;
mod stream;
mod tracked;
mod unix;
mod worker;

pub(crate) use request_ids::request_id;
pub(crate) use room::Room;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bartizan_evidence::Recorder;
use tokio::sync::watch;

pub use self::inherited::{Inherited, InheritedError, SocketRole};
use self::stream::Listener;
use self::unix::SocketFile;
use crate::config::{ListenAddress, Server};
use crate::gate::Gate;
use heartbeat::Pulse;

pub use heartbeat::Heartbeat;

/// Listeners that are bound and not served yet: a port that is taken is known before anything else happens.
pub struct Bound {
    workers: Vec<Vec<Listener>>,
    redirect: Option<Listener>,
    places: Places,
}

/// A data plane that serves.
pub struct Serving {
    places: Places,
    redirect: Option<SocketAddr>,
    /// A second hold on each listening socket, for as long as it may be handed over.
    held: Mutex<Vec<(SocketRole, Listener)>>,
    current: Arc<Current>,
    phase: watch::Sender<Phase>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    pulses: Vec<Pulse>,
}

/// Where a data plane listens.
#[derive(Default)]
struct Places {
    addresses: Vec<SocketAddr>,
    unix_sockets: Vec<PathBuf>,
    files: Vec<SocketFile>,
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
    pub address: ListenAddress,
    /// Why.
    #[source]
    pub cause: io::Error,
    /// What to do about it.
    pub remedy: &'static str,
}

impl Current {
    pub(crate) fn new(gate: Arc<Gate>) -> Arc<Self> {
        gate.put_in_force();
        Arc::new(Self { number: AtomicU64::new(0), gate: RwLock::new(gate) })
    }

    fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    pub(crate) fn gate(&self) -> Arc<Gate> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn replace(&self, gate: Arc<Gate>) {
        gate.put_in_force();
        *self.gate.write().unwrap_or_else(PoisonError::into_inner) = gate;
        self.number.fetch_add(1, Ordering::Release);
    }
}

impl Bound {
    /// Binds every listener of the configuration.
    ///
    /// # Errors
    /// The first address that cannot be had.
    pub fn bind(server: &Server) -> Result<Self, ListenError> {
        Self::bind_with(server, &mut Inherited::none())
    }

    /// The same, with sockets that the process was started with: those that listen on an address of the configuration are used, the
    /// rest is left where it is.
    ///
    /// # Errors
    /// The first address that cannot be had.
    pub fn bind_with(server: &Server, inherited: &mut Inherited) -> Result<Self, ListenError> {
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let count = server.workers.unwrap_or(cores).get();
        let mut workers: Vec<Vec<Listener>> = (0..count).map(|_| Vec::new()).collect();
        let mut places = Places::default();
        for address in &server.listen {
            let handed = inherited.take(SocketRole::Gate, address);
            if handed.is_empty() {
                places.bind(address, server, &mut workers)?;
            } else {
                let local = share(&handed, &mut workers).map_err(|cause| socket::explain(address.clone(), cause))?;
                places.note(address, local);
            }
        }
        let redirect = match server.redirect_from {
            Some(address) => Some(match inherited.take_tcp(SocketRole::Redirect, address).pop() {
                Some(listener) => Listener::Tcp(listener),
                None => Listener::Tcp(socket::listen(socket::reserve(address)?.local)?),
            }),
            None => None,
        };
        Ok(Self { workers, redirect, places })
    }

    /// Gives the Unix sockets that were made here to another user, who may then remove them: for a process that is about to become
    /// that user.
    ///
    /// # Errors
    /// The system's refusal.
    pub fn give_unix_sockets_to(&self, user: u32, group: u32) -> io::Result<()> {
        self.places.files.iter().try_for_each(|file| file.give_to(user, group))
    }

    /// Serves `gate` on all of them.
    ///
    /// # Errors
    /// A thread or a runtime that cannot be had.
    pub fn serve(self, gate: Gate, recorder: &Recorder) -> io::Result<Serving> {
        recorder.metrics().requests().watch_in_flight(&gate.in_flight);
        let held = self.hold()?;
        let current = Current::new(Arc::new(gate));
        let (phase, _) = watch::channel(Phase::Serving);
        let mut redirect = self.redirect;
        let redirect_address = redirect.as_ref().map(Listener::local_addr).transpose()?.flatten();
        let mut threads = Vec::new();
        let mut pulses = Vec::new();
        for (number, listeners) in self.workers.into_iter().enumerate() {
            let pulse = Pulse::default();
            pulses.push(pulse.clone());
            let worker = worker::Worker {
                listeners,
                redirect: redirect.take(),
                current: current.clone(),
                phase: phase.subscribe(),
                recorder: recorder.clone(),
                pulse,
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let thread = thread::Builder::new().name(format!("gate-{number}"));
            threads.push(thread.spawn(move || worker.run(&runtime))?);
        }
        Ok(Serving {
            places: self.places,
            redirect: redirect_address,
            held: Mutex::new(held),
            current,
            phase,
            threads: Mutex::new(threads),
            pulses,
        })
    }

    fn hold(&self) -> io::Result<Vec<(SocketRole, Listener)>> {
        let gate = self.workers.iter().flatten().map(|listener| (SocketRole::Gate, listener));
        let redirect = self.redirect.iter().map(|listener| (SocketRole::Redirect, listener));
        gate.chain(redirect).map(|(role, listener)| Ok((role, listener.try_clone()?))).collect()
    }
}

impl Places {
    /// Opens a place for every worker.
    fn bind(
        &mut self,
        address: &ListenAddress,
        server: &Server,
        workers: &mut [Vec<Listener>],
    ) -> Result<(), ListenError> {
        match address {
            ListenAddress::Tcp(tcp) => {
                let reserved = socket::reserve(*tcp)?;
                for listeners in workers {
                    listeners.push(Listener::Tcp(socket::listen(reserved.local)?));
                }
                self.note(address, Some(reserved.local));
            }
            ListenAddress::Unix(path) => {
                let fault = |cause| socket::explain(address.clone(), cause);
                let (listener, file) = unix::listen(path, server.listening.unix_sockets).map_err(fault)?;
                share(&[Listener::Unix(listener)], workers).map_err(fault)?;
                self.unix_sockets.push(path.clone());
                self.files.push(file);
            }
        }
        Ok(())
    }

    /// Remembers a place that somebody else opened. The file of an inherited socket is not ours to remove: systemd keeps it.
    fn note(&mut self, address: &ListenAddress, local: Option<SocketAddr>) {
        match address {
            ListenAddress::Tcp(asked) => self.addresses.push(local.unwrap_or(*asked)),
            ListenAddress::Unix(path) => self.unix_sockets.push(path.clone()),
        }
    }
}

/// Gives every worker a hold on the same sockets, and every socket a worker: one that nobody accepts from would swallow connections.
fn share(sockets: &[Listener], workers: &mut [Vec<Listener>]) -> io::Result<Option<SocketAddr>> {
    let local = sockets.first().map(Listener::local_addr).transpose()?.flatten();
    let places = sockets.len().max(workers.len());
    for number in 0..places {
        let socket = sockets.get(number % sockets.len().max(1)).map(Listener::try_clone).transpose()?;
        let worker = number % workers.len().max(1);
        if let (Some(socket), Some(listeners)) = (socket, workers.get_mut(worker)) {
            listeners.push(socket);
        }
    }
    Ok(local)
}

impl Serving {
    /// Where it listens, with the ports that the system chose.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.places.addresses
    }

    /// The Unix sockets that it listens on.
    pub fn unix_sockets(&self) -> &[PathBuf] {
        &self.places.unix_sockets
    }

    /// Its listening sockets, to be handed to the process that replaces this one ([`Inherited`]). They stay open here until the
    /// drain ends, so that no connection is refused in between. None after that.
    ///
    /// # Errors
    /// Descriptors that the system does not give.
    pub fn sockets(&self) -> io::Result<Vec<(SocketRole, OwnedFd)>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(role, listener)| Ok((*role, listener.try_clone()?.into()))).collect()
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

    /// Tells from now on whether every worker lives.
    pub fn heartbeat(&self) -> Heartbeat {
        Heartbeat::of(&self.pulses, Instant::now())
    }

    /// Ends a drain at once: what is still in flight is cut.
    pub fn cut(&self) {
        self.phase.send_replace(Phase::Cut);
    }

    /// Stops taking connections and returns when the requests in flight are answered, or after the configured time. The files of
    /// Unix sockets are removed.
    pub fn drain(&self) {
        self.places.files.iter().for_each(SocketFile::remove);
        self.drain_handed_over();
    }

    /// The same, after another process has taken the sockets over: their files are its to remove.
    pub fn drain_handed_over(&self) {
        // A socket that is held but not accepted from would let clients wait for nothing.
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
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
