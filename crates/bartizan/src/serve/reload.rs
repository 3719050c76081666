//! A changed configuration in force without a dropped connection; a wrong one changes nothing and says why.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bartizan_evidence::{Detail, Event, Name, NodeEvent};
use bartizan_gateway::Gate;
use bartizan_gateway::listen::Serving;
use bartizan_policy::Timestamp;
use tokio::signal::unix::Signal;
use tokio::time::interval;

use super::{Shared, notify};
use crate::config::{self, Digest, Environment, Faults, Loaded, Process, Style};

/// How often files are looked at. Polling sees what notification misses: a Kubernetes ConfigMap is swapped by a symbolic link, a
/// network file system tells nobody.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What `systemctl status` shows while the file and what is in force differ.
const REFUSED: &str = "serving by the old configuration: the changed one does not hold, see the log";

/// Why a configuration was looked at again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Signal,
    Change,
}

/// Watches the configuration and every file that it names, and listens for SIGHUP, for as long as the node runs.
pub(super) async fn watch(shared: Arc<Shared>, serving: Arc<Serving>, mut digest: Digest, mut hangup: Signal) {
    let mut ticks = interval(LOOK_EVERY);
    let mut seen = Seen::default();
    let mut was_refused = false;
    loop {
        let cause = tokio::select! {
            _ = ticks.tick() => Cause::Change,
            _ = hangup.recv() => Cause::Signal,
        };
        if cause == Cause::Change && !seen.has_changed() {
            continue;
        }
        if cause == Cause::Signal {
            notify::reloading();
        }
        let (file, reading) = (shared.file.clone(), Reading::default());
        let Ok((outcome, reading)) =
            tokio::task::spawn_blocking(move || (config::load(&file, &reading), reading)).await
        else {
            notify::ready(if was_refused { REFUSED } else { "serving" });
            continue;
        };
        seen = Seen::of(reading);
        // A look that finds nothing new is no reload, and the service manager hears nothing of it.
        match &outcome {
            Ok(loaded) if loaded.digest == digest && cause == Cause::Change => {
                if std::mem::take(&mut was_refused) {
                    tracing::info!("the configuration is again the one that is in force");
                    notify::ready("serving");
                }
                continue;
            }
            _ if cause == Cause::Change => notify::reloading(),
            _ => {}
        }
        match outcome {
            Ok(loaded) => {
                let applied = apply(&shared, &serving, loaded);
                was_refused = applied.is_none();
                digest = applied.unwrap_or(digest);
            }
            Err(faults) => {
                was_refused = true;
                refuse(&shared, &faults);
            }
        }
        notify::ready(if was_refused { REFUSED } else { "serving" });
    }
}

/// Puts a configuration in force; `None` if it cannot be.
fn apply(shared: &Shared, serving: &Serving, loaded: Loaded) -> Option<Digest> {
    let digest = loaded.digest;
    let own_sign_in = shared.identity.as_ref().map(|identity| identity.config());
    let sign_in = (own_sign_in != loaded.sign_in.as_ref()).then_some("identity");
    let unchangeable: Vec<_> = shared.fixed.changed(&loaded).collect();
    match Gate::build(loaded.gateway, &shared.ports) {
        Ok(gate) => serving.replace(gate),
        Err(cause) => {
            tell_refused(shared, vec![Detail::new(&cause.to_string())]);
            tracing::error!("the changed configuration is not in force, the old one is: {cause}");
            return None;
        }
    }
    *shared.posture.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded.posture);
    if let Some(identity) = &shared.identity {
        identity.provider().declare(loaded.provider.clients);
    }
    for key in unchangeable.into_iter().chain(sign_in) {
        tracing::warn!("`{key}` is changed in the file; it takes effect at the next start");
    }
    tracing::info!(%digest, "the changed configuration is in force");
    let path = Name::new(&shared.file.display().to_string());
    let event = NodeEvent::ConfigurationLoaded { digest: Name::new(&digest.to_string()), path };
    shared.recorder.record_important(Event::Node(event));
    Some(digest)
}

fn refuse(shared: &Shared, faults: &Faults) {
    let details = faults.iter().map(|fault| Detail::new(&fault.message)).collect();
    tell_refused(shared, details);
    tracing::error!("the changed configuration is not in force, the old one is:\n{}", faults.render(Style::Plain));
}

fn tell_refused(shared: &Shared, faults: Vec<Detail>) {
    let path = Name::new(&shared.file.display().to_string());
    shared.recorder.record_important(Event::Node(NodeEvent::ConfigurationRefused { path, faults }));
}

/// The process's environment, remembering which files a configuration names.
#[derive(Default)]
struct Reading {
    files: Mutex<Vec<(PathBuf, Option<Stamp>)>>,
}

impl Environment for Reading {
    fn variable(&self, name: &str) -> Option<String> {
        Process.variable(name)
    }

    fn read(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push((path.to_owned(), stamp(path)));
        Process.read(path)
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        Process.mode(path)
    }

    fn now(&self) -> Timestamp {
        Process.now()
    }
}

/// Files as they were when they were last read.
#[derive(Default)]
struct Seen(Vec<(PathBuf, Option<Stamp>)>);

#[derive(PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

impl Seen {
    /// Stamps were taken before each file was read: a change in between is seen at the next look.
    fn of(reading: Reading) -> Self {
        Self(reading.files.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Also true before anything was seen: what changed between the start and the first look is not missed.
    fn has_changed(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(|(file, seen)| stamp(file) != *seen)
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(file).ok()?;
    Some(Stamp { modified: metadata.modified().ok(), length: metadata.len() })
}
