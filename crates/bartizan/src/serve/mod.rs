//! `bartizan serve`: the rooms wired together, from a loaded configuration to a drained process.

mod assertion_keys;
mod console;
mod notify;
mod privileges;
mod reload;
mod well_known;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow, bail};
use bartizan_evidence::{Event, Name, NodeEvent, Recorder, WriterHandle};
use bartizan_gateway::config::Tls;
use bartizan_gateway::listen::{Bound, Serving};
use bartizan_gateway::{AcmeCertificates, CertificateInfo, FetchedKeys, Gate, Ports};
use bartizan_store::Store;
use bartizan_vault::{Root, RootSource};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::config::{self, Loaded, Process, Style};
use assertion_keys::RotatingKeys;
use console::Console;

pub use privileges::{Account, Become, IdentityError};

/// What a stop may take beyond the drain: the last events on a slow disk.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// A node that serves.
pub struct Running {
    serving: Arc<Serving>,
    console: SocketAddr,
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

/// What the console and a reload look at.
pub(crate) struct Shared {
    recorder: Recorder,
    ports: Ports,
    keys: Arc<RotatingKeys>,
    ready: AtomicBool,
    file: PathBuf,
}

/// Serves a configuration file until the process is told to stop.
///
/// # Errors
/// Whatever keeps the node from serving, with its remedy.
pub fn run(file: &Path, loaded: Loaded, identity: &Become) -> anyhow::Result<ExitCode> {
    privileges::harden()?;
    let running = start_as(file, loaded, identity)?;
    for line in running.banner() {
        tracing::info!("{line}");
    }
    notify::ready("serving");
    running.control.spawn(notify::feed_watchdog(running.shared.clone(), running.serving.clone()));
    running.until_told()?;
    running.stop()?;
    Ok(ExitCode::SUCCESS)
}

/// Starts a node; it serves when this returns.
///
/// # Errors
/// Whatever keeps the node from serving: the state, a port, a certificate.
pub fn start(file: &Path, loaded: Loaded) -> anyhow::Result<Running> {
    start_as(file, loaded, &Become::Itself)
}

/// The same, as another user from the moment on when the ports are bound. No thread is started before that.
fn start_as(file: &Path, loaded: Loaded, identity: &Become) -> anyhow::Result<Running> {
    let random = aws_lc_rs::rand::SystemRandom::new();
    // A root that only the super-user reads is read now; one that is the account's own, or inside the state, by the account.
    let early_root = match (&loaded.vault, identity) {
        (RootSource::Automatic(_), _) | (_, Become::Itself) => None,
        (given, Become::Account(_)) => Root::load(given, &random).ok(),
    };
    let bound = Bound::bind(&loaded.gateway.server)?;
    let console = Console::bind(loaded.console.listen)?;
    let loaded = match identity {
        Become::Itself => loaded,
        Become::Account(account) => {
            account.own_sockets(&bound)?;
            assume(account, file, &loaded)?
        }
    };
    let control = ControlPlane::new().context("the control plane did not start")?;
    let root = early_root.map_or_else(|| Root::load(&loaded.vault, &random), Ok)?;
    let (recorder, writer) = Recorder::start(loaded.evidence)?;
    let now = SystemTime::now();
    let keys = control.block_on(async {
        let store = Store::open(&loaded.store, &[assertion_keys::MIGRATIONS], now).await?;
        let issuer = loaded.gateway.server.public_url.to_string().trim_end_matches('/').to_owned();
        RotatingKeys::load(store, &root, issuer, loaded.gateway.assertion.lifetime, now).await
    })?;
    let fetched = FetchedKeys::new(control.handle.clone(), recorder.clone());
    let acme = AcmeCertificates::new(control.handle.clone(), recorder.clone());
    let ports = Ports::alone(loaded.gateway.limits, keys.clone(), fetched)
        .with_mount(well_known::assertion_jwks(&keys))
        .with_acme(acme);
    let gate = Gate::build(loaded.gateway, &ports)?;
    let serving = Arc::new(bound.serve(gate, &recorder).context("the data plane did not start")?);
    let shared = Arc::new(Shared { recorder, ports, keys, ready: AtomicBool::new(true), file: file.to_owned() });
    let console_address = console.address();
    control.spawn(console.serve(shared.clone()));
    // Listened for before anybody is told that the node serves: an early SIGHUP would end the process.
    let hangup = control.block_on(async { signal(SignalKind::hangup()) })?;
    control.spawn(reload::watch(shared.clone(), serving.clone(), loaded.digest, hangup));
    control.spawn(shared.keys.clone().keep_rotating());
    let started = [
        NodeEvent::Started { version: env!("CARGO_PKG_VERSION") },
        NodeEvent::ConfigurationLoaded {
            digest: Name::new(&loaded.digest.to_string()),
            path: Name::new(&file.display().to_string()),
        },
    ];
    for event in started {
        shared.recorder.record_important(Event::Node(event));
    }
    Ok(Running { serving, console: console_address, shared, writer, control })
}

/// Becomes the account, and reads everything again with its eyes: what it cannot read now, it could not read at a reload either, when a
/// renewed certificate would be served no more and nobody looks.
fn assume(account: &Account, file: &Path, loaded: &Loaded) -> anyhow::Result<Loaded> {
    let bartizan_store::Config::Sqlite { directory } = &loaded.store else {
        bail!("only the embedded store can be given to another user");
    };
    account.own_new_directory(directory)?;
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
        self.console
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
        let console = format!("health, readiness and metrics on http://{}", self.console);
        let certificates = self.certificates().into_iter().map(|certificate| {
            let kind = if certificate.is_self_signed { "self-signed certificate" } else { "certificate" };
            format!("{kind} {}, SHA-256 {}", certificate.file.display(), certificate.fingerprint)
        });
        let unix_sockets = self.serving.unix_sockets().iter().map(|path| format!("serving on unix:{}", path.display()));
        listens.chain(unix_sockets).chain(redirect).chain([console]).chain(certificates).collect()
    }

    /// Returns when the process is told to stop: SIGTERM, or Ctrl-C.
    fn until_told(&self) -> anyhow::Result<()> {
        let signals = async { anyhow::Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)) };
        let (mut terminate, mut interrupt) = self.control.block_on(signals)?;
        let mut told = async move || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let serving = self.serving.clone();
        let (first, is_told) = oneshot::channel();
        self.control.spawn(async move {
            told().await;
            let _ = first.send(());
            // Whoever says it twice does not want to wait for the requests in flight.
            told().await;
            serving.cut();
        });
        let _ = self.control.block_on(is_told);
        Ok(())
    }

    /// Takes no more connections, finishes the requests in flight, and puts every event on disk.
    ///
    /// # Errors
    /// Events that could not be made durable.
    pub fn stop(self) -> anyhow::Result<()> {
        let Self { serving, console: _, shared, writer, control } = self;
        notify::stopping(serving.gate().config().server.drain + LAST_WRITES);
        // Load balancers that ask for readiness stop sending before connections are refused.
        shared.ready.store(false, Ordering::Relaxed);
        tracing::info!("draining: finishing the requests in flight");
        shared.recorder.record_important(Event::Node(NodeEvent::Draining));
        serving.drain();
        shared.recorder.record_important(Event::Node(NodeEvent::Stopped));
        control.block_on(shared.keys.close());
        drop(control);
        writer.shutdown().context("the last events are not on disk")?;
        tracing::info!("stopped");
        Ok(())
    }
}
