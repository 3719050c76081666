//! `bartizan serve`: the rooms wired together, from a loaded configuration to a drained process.

mod assertion_keys;
mod console;
mod reload;
mod well_known;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use anyhow::Context;
use bartizan_evidence::{Event, Name, NodeEvent, Recorder, RequestId, WriterHandle};
use bartizan_gateway::listen::{Bound, Serving};
use bartizan_gateway::{CertificateInfo, FetchedKeys, Gate, Ports};
use bartizan_store::Store;
use bartizan_vault::Root;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::config::Loaded;
use assertion_keys::RotatingKeys;
use console::Console;

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
pub fn run(file: &Path, loaded: Loaded) -> anyhow::Result<ExitCode> {
    let running = start(file, loaded)?;
    for line in running.banner() {
        tracing::info!("{line}");
    }
    running.until_told()?;
    running.stop()?;
    Ok(ExitCode::SUCCESS)
}

/// Starts a node; it serves when this returns.
///
/// # Errors
/// Whatever keeps the node from serving: the state, a port, a certificate.
pub fn start(file: &Path, loaded: Loaded) -> anyhow::Result<Running> {
    let control = ControlPlane::new().context("the control plane did not start")?;
    let root = Root::load(&loaded.vault, &aws_lc_rs::rand::SystemRandom::new())?;
    let now = SystemTime::now();
    let evidence = bartizan_evidence::Config { instance: instance(now), ..loaded.evidence };
    let (recorder, writer) = Recorder::start(evidence)?;
    let keys = control.block_on(async {
        let store = Store::open(&loaded.store, &[assertion_keys::MIGRATIONS], now).await?;
        let issuer = loaded.gateway.server.public_url.to_string().trim_end_matches('/').to_owned();
        RotatingKeys::load(store, &root, issuer, loaded.gateway.assertion.lifetime, now).await
    })?;
    let fetched = FetchedKeys::new(control.handle.clone(), recorder.clone());
    let ports =
        Ports::alone(loaded.gateway.limits, keys.clone(), fetched).with_mount(well_known::assertion_jwks(&keys));
    let bound = Bound::bind(&loaded.gateway.server)?;
    let console = control.block_on(Console::bind(loaded.console.listen))?;
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

/// What tells this run from others in what is sent to an OTLP receiver: a UUID of the time and of randomness.
fn instance(now: SystemTime) -> String {
    let mut random = [0; 10];
    // Without randomness the time alone tells runs of one node apart.
    let _ = aws_lc_rs::rand::fill(&mut random);
    RequestId::new(now, random).as_text().as_str().to_owned()
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
        self.serving.gate().certificates().to_vec()
    }

    /// What an operator wants to know first.
    fn banner(&self) -> Vec<String> {
        let scheme = if self.certificates().is_empty() { "http" } else { "https" };
        let listens = self.addresses().iter().map(|address| format!("serving {scheme}://{address}"));
        let redirect = self.serving.redirect_address().map(|address| format!("redirecting http://{address} to https"));
        let console = format!("health, readiness and metrics on http://{}", self.console);
        let certificates = self.certificates().into_iter().map(|certificate| {
            let kind = if certificate.is_self_signed { "self-signed certificate" } else { "certificate" };
            format!("{kind} {}, SHA-256 {}", certificate.file.display(), certificate.fingerprint)
        });
        listens.chain(redirect).chain([console]).chain(certificates).collect()
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
