//! `bartizan serve`: the rooms wired together, from a loaded configuration to a drained process.

mod assertion_keys;
mod console;
pub(crate) mod control;
mod fixed;
mod identity;
mod learning;
mod notify;
mod privileges;
mod reload;
mod restart;
mod takeover;
mod well_known;

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow, bail};
use bartizan_evidence::{Event, LastRecords, Name, NodeEvent, Recorder, RequestId, WriterHandle};
use bartizan_gateway::config::Tls;
use bartizan_gateway::listen::{Bound, Inherited, Serving, SocketRole};
use bartizan_gateway::{AcmeCertificates, CertificateInfo, FetchedKeys, Gate, Ports};
use bartizan_identity::provider::ProviderConfig;
use bartizan_identity::{Identity, Parts};
use bartizan_inspect::learn::Learning;
use bartizan_store::{Migrations, Store};
use bartizan_vault::{Root, RootSource};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{RwLock, mpsc};
use tokio::task::JoinHandle;

use crate::config::{self, Loaded, Posture, Process, Style};
use assertion_keys::RotatingKeys;
use console::Console;
use fixed::Fixed;
use identity::{Hold, Holder};
use takeover::{Conversation, Word};

pub use privileges::{Account, Become, IdentityError};

/// What a stop may take beyond the drain: the last events on a slow disk.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// A node that serves.
pub struct Running {
    serving: Arc<Serving>,
    console_address: SocketAddr,
    console: JoinHandle<()>,
    /// A second hold on its listener, to hand over.
    console_socket: OwnedFd,
    state: PathBuf,
    /// Those of the process before this one, until that has ended.
    last_records: Option<LastRecords>,
    shared: Arc<Shared>,
    writer: WriterHandle,
    control: ControlPlane,
}

/// The runtime of everything but requests. Dropped, it ends in the background: dropping a bare runtime on another one panics.
struct ControlPlane {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl ControlPlane {
    fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("control").enable_all().build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(task);
    }

    /// What the sign-in does beside answering: it hears the command line, and removes what has ended.
    fn tend(&self, identity: &Arc<Identity>, state: &Path) -> anyhow::Result<()> {
        let _on_this_runtime = self.handle.enter();
        let listener = control::listen(state).context("the control socket in the state directory cannot be opened")?;
        self.spawn(control::serve(listener, identity.clone()));
        self.spawn(identity.clone().keep_house());
        self.spawn(identity.clone().deliver_mail());
        Ok(())
    }

    fn block_on<T>(&self, task: impl Future<Output = T>) -> T {
        self.handle.block_on(task)
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What a signal says.
enum Told {
    Stop,
    Restart,
}

/// Why a process ends.
#[derive(Clone, Copy)]
enum End {
    Stopped,
    /// Another process serves on the same sockets.
    Replaced,
}

/// What the console and a reload look at.
pub(crate) struct Shared {
    recorder: Recorder,
    ports: Ports,
    keys: Arc<RotatingKeys>,
    /// The gate's own sign-in, if it has one.
    identity: Option<Arc<Identity>>,
    hold: Hold,
    /// What traffic looked like.
    learning: Arc<Learning>,
    /// Of the configuration in force.
    posture: Mutex<Arc<Posture>>,
    ready: AtomicBool,
    /// The process was told to end.
    ending: AtomicBool,
    file: PathBuf,
    /// What a reload cannot change.
    fixed: Fixed,
}

impl Shared {
    fn record_start(&self, digest: &config::Digest) {
        let path = Name::new(&self.file.display().to_string());
        let events = [
            NodeEvent::Started { version: env!("CARGO_PKG_VERSION") },
            NodeEvent::ConfigurationLoaded { digest: Name::new(&digest.to_string()), path },
        ];
        for event in events {
            self.recorder.record_important(Event::Node(event));
        }
    }
}

/// How a process serves: what the command line says beside the file.
pub struct Manner<'a> {
    /// Whom it becomes once the ports are bound.
    pub identity: Become,
    /// It takes the place of the process that started it.
    pub takes_over: bool,
    /// What it was started with, to start the next one.
    pub command: &'a [OsString],
}

/// Serves a configuration file until the process is told to stop, or another has taken its place.
///
/// # Errors
/// Whatever keeps the node from serving, with its remedy.
pub fn run(file: &Path, loaded: Loaded, manner: &Manner<'_>) -> anyhow::Result<ExitCode> {
    privileges::harden()?;
    let predecessor = if manner.takes_over { Some(Conversation::at_standard_input()?) } else { None };
    let inherited = match &predecessor {
        Some(predecessor) => Inherited::from_sockets(predecessor.sockets()?)?,
        None => Inherited::from_environment()?,
    };
    let running = start_as(file, loaded, &manner.identity, inherited, predecessor.as_ref())?;
    // Before anybody is told that the node serves: an early SIGTERM would end the process in the middle of everything.
    let mut told = running.listen_for_signals()?;
    for line in running.banner() {
        tracing::info!("{line}");
    }
    if let Some(predecessor) = predecessor {
        predecessor.say(Word::Serving)?;
        // Before that, the manager would not listen to this process.
        predecessor.hear(Word::Drain)?;
    }
    notify::ready("serving");
    running.control.spawn(notify::feed_watchdog(running.shared.clone(), running.serving.clone()));
    let end = running.until_told(&mut told, manner.command);
    running.end(end)?;
    Ok(ExitCode::SUCCESS)
}

/// Starts a node; it serves when this returns.
///
/// # Errors
/// Whatever keeps the node from serving: the state, a port, a certificate.
pub fn start(file: &Path, loaded: Loaded) -> anyhow::Result<Running> {
    start_as(file, loaded, &Become::Itself, Inherited::none(), None)
}

/// The same, on sockets that were opened before, in the place of another process, and as another user from the moment on when the ports
/// are bound. No thread is started before that.
fn start_as(
    file: &Path,
    loaded: Loaded,
    identity: &Become,
    inherited: Inherited,
    predecessor: Option<&Conversation>,
) -> anyhow::Result<Running> {
    let random = aws_lc_rs::rand::SystemRandom::new();
    // A root that only the super-user reads is read now; one that is the account's own, or inside the state, by the account.
    let early_root = match (&loaded.vault, identity) {
        (RootSource::Automatic(_), _) | (_, Become::Itself) => None,
        (given, Become::Account(_)) => Root::load(given, &random).ok(),
    };
    let (bound, console) = bind(&loaded, inherited)?;
    let loaded = match identity {
        Become::Itself => loaded,
        Become::Account(account) => {
            account.own_sockets(&bound)?;
            assume(account, file, &loaded)?
        }
    };
    let fixed = Fixed::of(&loaded);
    let control = ControlPlane::new().context("the control plane did not start")?;
    let root = early_root.map_or_else(|| Root::load(&loaded.vault, &random), Ok)?;
    let last_records = predecessor.map(take_state).transpose()?;
    let now = SystemTime::now();
    let evidence = bartizan_evidence::Config { instance: instance(now), ..loaded.evidence };
    let (recorder, writer) = Recorder::start(evidence)?;
    let last_records = last_records.map(|stream| recorder.take_over(stream)).transpose()?;
    let state = state_directory(&loaded.store)?;
    let (store, keys) = control.block_on(async {
        let store = Store::open(&loaded.store, &rooms(), now).await?;
        let issuer = fixed.issuer().to_string().trim_end_matches('/').to_owned();
        let lifetime = loaded.gateway.assertion.lifetime;
        let keys = RotatingKeys::load(store.clone(), &root, issuer, lifetime, now).await?;
        anyhow::Ok((store, keys))
    })?;
    let open = |config| control.block_on(sign_in(config, loaded.provider, store, &root, &recorder));
    let identity = loaded.sign_in.map(open).transpose()?;
    let fetched = FetchedKeys::new(control.handle.clone(), recorder.clone());
    let acme = AcmeCertificates::new(control.handle.clone(), recorder.clone());
    let learning = learning::resume(&state);
    let mut ports = Ports::alone(loaded.gateway.limits, keys.clone(), fetched.clone())
        .with_mount(well_known::assertion_jwks(&keys))
        .with_acme(acme)
        .with_learning(learning.clone());
    let hold = Hold::new(RwLock::new(Holder::ThisProcess));
    if let Some(identity) = &identity {
        let people = identity::People::new(identity.clone(), control.handle.clone(), hold.clone());
        ports = people.plug_into(ports, &fetched);
    }
    let gate = Gate::build(loaded.gateway, &ports)?;
    let serving = Arc::new(bound.serve(gate, &recorder).context("the data plane did not start")?);
    let shared = Arc::new(Shared {
        recorder,
        ports,
        keys,
        identity,
        hold,
        learning,
        posture: Mutex::new(Arc::new(loaded.posture)),
        ready: AtomicBool::new(true),
        ending: AtomicBool::new(false),
        file: file.to_owned(),
        fixed,
    });
    let (console_address, console_socket) = (console.address(), console.hold()?);
    let console = control.handle.spawn(console.serve(shared.clone()));
    // Listened for before anybody is told that the node serves: an early SIGHUP would end the process.
    let hangup = control.block_on(async { signal(SignalKind::hangup()) })?;
    control.spawn(reload::watch(shared.clone(), serving.clone(), loaded.digest, hangup));
    control.spawn(shared.keys.clone().keep_rotating());
    control.spawn(learning::keep(state.clone(), shared.clone()));
    if let Some(identity) = &shared.identity {
        control.tend(identity, &state)?;
    }
    shared.record_start(&loaded.digest);
    Ok(Running { serving, console_address, console, console_socket, state, last_records, shared, writer, control })
}

/// The tables of every room, in the order in which they may refer to each other.
pub(crate) fn rooms() -> Vec<Migrations> {
    [&[assertion_keys::MIGRATIONS], bartizan_identity::MIGRATIONS].concat()
}

/// The gate's own sign-in, on the store that is open.
pub(crate) async fn sign_in(
    config: bartizan_identity::Config,
    provider: ProviderConfig,
    store: Store,
    root: &Root,
    recorder: &Recorder,
) -> anyhow::Result<Arc<Identity>> {
    let parts = Parts { store, root, recorder: recorder.clone(), clock: Arc::new(SystemTime::now) };
    Ok(Identity::open(config, provider, &parts).await?)
}

/// Opens every listener, or takes it from those that the process was started with.
fn bind(loaded: &Loaded, mut inherited: Inherited) -> anyhow::Result<(Bound, Console)> {
    let bound = Bound::bind_with(&loaded.gateway.server, &mut inherited)?;
    let console = match inherited.take_tcp(SocketRole::Console, loaded.console.listen).pop() {
        Some(listener) => Console::on(listener)?,
        None => Console::bind(loaded.console.listen)?,
    };
    for unused in inherited.left() {
        tracing::warn!("nothing in the configuration listens on {unused}, which the process was started with: closed");
    }
    Ok((bound, console))
}

/// Waits until the process before this one has let go of the state; gives back where its last records come from.
fn take_state(predecessor: &Conversation) -> anyhow::Result<UnixStream> {
    predecessor.say(Word::Prepared)?;
    let relay = predecessor.hear(Word::State)?;
    Ok(relay.context("the process before this one sent no way for its last records")?.into())
}

pub(crate) fn state_directory(store: &bartizan_store::Config) -> anyhow::Result<PathBuf> {
    match store {
        bartizan_store::Config::Sqlite { directory } => Ok(directory.clone()),
        bartizan_store::Config::Postgres { .. } => bail!("the state of this version is a directory"),
    }
}

/// What tells this run from others in what is sent to an OTLP receiver: a UUID of the time and of randomness.
fn instance(now: SystemTime) -> String {
    let mut random = [0; 10];
    // Without randomness the time alone tells runs of one node apart.
    let _ = aws_lc_rs::rand::fill(&mut random);
    RequestId::new(now, random).as_text().as_str().to_owned()
}

/// Becomes the account, and reads everything again with its eyes: what it cannot read now, it could not read at a reload either, when a
/// renewed certificate would be served no more and nobody looks.
fn assume(account: &Account, file: &Path, loaded: &Loaded) -> anyhow::Result<Loaded> {
    account.own_new_directory(&state_directory(&loaded.store)?)?;
    account.assume()?;
    privileges::keep_debuggers_out()?;
    tracing::info!("gave up root for `{}`", account.name());
    config::load(file, &Process).map_err(|faults| {
        anyhow!("as `{}`, the configuration does not hold:\n{}", account.name(), faults.render(Style::Plain))
    })
}

impl Running {
    /// Where the gate listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.serving.addresses()
    }

    /// Where health, readiness and metrics are.
    pub fn console(&self) -> SocketAddr {
        self.console_address
    }

    /// The certificates that the gate shows.
    pub fn certificates(&self) -> Vec<CertificateInfo> {
        self.serving.gate().certificates()
    }

    /// What an operator wants to know first.
    fn banner(&self) -> Vec<String> {
        let is_plain = matches!(self.serving.gate().config().server.tls, Tls::Off);
        let scheme = if is_plain { "http" } else { "https" };
        let listens = self.addresses().iter().map(|address| format!("serving {scheme}://{address}"));
        let redirect = self.serving.redirect_address().map(|address| format!("redirecting http://{address} to https"));
        let console = format!("health, readiness and metrics on http://{}", self.console_address);
        let setup = self
            .setup_link()
            .map(|link| format!("nobody administers this gate yet; who opens this link first, does: {link}"));
        let certificates = self.certificates().into_iter().map(|certificate| {
            let (file, fingerprint) = (certificate.file.display(), certificate.fingerprint);
            let known = if certificate.is_self_signed { "; browsers know it after `bartizan trust`" } else { "" };
            format!("certificate {file}, SHA-256 {fingerprint}{known}")
        });
        let unix_sockets = self.serving.unix_sockets().iter().map(|path| format!("serving on unix:{}", path.display()));
        listens.chain(unix_sockets).chain(redirect).chain([console]).chain(certificates).chain(setup).collect()
    }

    /// A link that makes the first administrator, if there is a sign-in and nobody is one.
    fn setup_link(&self) -> Option<String> {
        let identity = self.shared.identity.as_ref()?;
        self.control.block_on(identity.setup_link()).unwrap_or_else(|cause| {
            tracing::error!(%cause, "no link for the first administrator could be made; restart the gate for another try");
            None
        })
    }

    /// Hears SIGTERM, Ctrl-C and SIGUSR2 from now on.
    fn listen_for_signals(&self) -> anyhow::Result<mpsc::Receiver<Told>> {
        let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::user_defined2()];
        let [terminate, interrupt, restart] = self.control.block_on(async { kinds.map(signal) });
        let (mut terminate, mut interrupt, mut restart) = (terminate?, interrupt?, restart?);
        let (tell, told) = mpsc::channel(1);
        let (serving, shared) = (self.serving.clone(), self.shared.clone());
        self.control.spawn(async move {
            loop {
                let signal = tokio::select! {
                    _ = terminate.recv() => Told::Stop,
                    _ = interrupt.recv() => Told::Stop,
                    _ = restart.recv() => Told::Restart,
                };
                match signal {
                    // Whoever says it twice does not want to wait for the requests in flight.
                    Told::Stop if shared.ending.swap(true, Ordering::Relaxed) => serving.cut(),
                    Told::Stop => drop(tell.send(Told::Stop).await),
                    // One at a time: what comes while one is under way adds nothing.
                    Told::Restart => drop(tell.try_send(Told::Restart)),
                }
            }
        });
        Ok(told)
    }

    /// Returns when the process is told to stop, or when the one that SIGUSR2 asked for has taken its place.
    fn until_told(&self, told: &mut mpsc::Receiver<Told>, command: &[OsString]) -> End {
        while let Some(Told::Restart) = self.control.block_on(told.recv()) {
            if self.replace(command) {
                self.shared.ending.store(true, Ordering::Relaxed);
                return End::Replaced;
            }
        }
        End::Stopped
    }

    /// Takes no more connections, finishes the requests in flight, and puts every event on disk.
    ///
    /// # Errors
    /// Events that could not be made durable.
    pub fn stop(self) -> anyhow::Result<()> {
        self.end(End::Stopped)
    }

    fn end(self, end: End) -> anyhow::Result<()> {
        let Self { serving, console, console_socket, state, last_records, shared, writer, control, .. } = self;
        drop(console_socket);
        // Load balancers that ask for readiness stop sending before connections are refused.
        shared.ready.store(false, Ordering::Relaxed);
        tracing::info!("draining: finishing the requests in flight");
        shared.recorder.record_important(Event::Node(NodeEvent::Draining));
        match end {
            End::Stopped => {
                notify::stopping(serving.gate().config().server.drain + LAST_WRITES);
                serving.drain();
                learning::save(&shared.learning, &state);
            }
            End::Replaced => {
                // It is the other process that is asked now, and that is ready.
                console.abort();
                serving.drain_handed_over();
            }
        }
        shared.recorder.record_important(Event::Node(NodeEvent::Stopped));
        control.block_on(shared.keys.close());
        drop(control);
        if let Some(last_records) = last_records {
            last_records.wait(serving.gate().config().server.drain + LAST_WRITES);
        }
        writer.shutdown().context("the last events are not on disk")?;
        tracing::info!("stopped");
        Ok(())
    }
}
