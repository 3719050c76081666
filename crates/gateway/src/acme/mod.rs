//! Certificates that the gate fetches by itself (ACME, `RFC 8555`): got, kept, shown, and renewed long before they end.
//!
//! Everything here runs on the control plane. What is fetched is kept in the state directory and shown again after a restart, so that an
//! authority that is down takes nobody down. Before the first certificate is there, handshakes are refused: a certificate that the gate
//! made itself would teach people to click warnings away, and would be remembered by those who pin.

mod challenges;
mod http;
mod order;
mod schedule;
mod state;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand;
use bartizan_evidence::{Detail, Event, Name, NodeEvent, Recorder};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::runtime::Handle;
use tokio::time::sleep;

use self::challenges::Challenges;
use self::order::{OrderError, issue, suggested_renewal};
use self::schedule::{Dice, Validity, back_off, renew_at};
use self::state::State;
use crate::config::Acme;
use crate::tls::{CertificateInfo, fingerprint};

/// What was due is looked at again at least this often: the authority may ask for an early renewal (`RFC 9773`).
const LOOK_EVERY: Duration = Duration::from_hours(6);
/// And never more often than this.
const AT_MOST: Duration = Duration::from_secs(1);

/// Fetches certificates on the control plane. Lives longer than one configuration, so that a reload neither orders again nor forgets.
pub struct AcmeCertificates {
    runtime: Handle,
    recorder: Recorder,
    managed: Mutex<HashMap<String, Weak<Managed>>>,
}

/// One certificate that is kept fresh for as long as a configuration asks for it.
pub(crate) struct Managed {
    rules: Arc<Acme>,
    state: State,
    current: RwLock<Option<Current>>,
    challenges: Arc<Challenges>,
}

#[derive(Clone)]
struct Current {
    key: Arc<CertifiedKey>,
    validity: Validity,
    /// Drawn once for each certificate, so that a fleet of gates does not renew in the same minute.
    dice: Dice,
}

/// What is remembered from one look to the next.
#[derive(Default)]
struct Memory {
    failures: u32,
    suggested: Option<SystemTime>,
}

impl AcmeCertificates {
    /// Fetches on `runtime`, and tells `recorder` of what came.
    pub fn new(runtime: Handle, recorder: Recorder) -> Arc<Self> {
        Arc::new(Self { runtime, recorder, managed: Mutex::default() })
    }

    /// Whether a certificate that is asked for was never there.
    pub(crate) fn is_waiting(&self) -> bool {
        let all = self.managed.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().filter_map(Weak::upgrade).any(|managed| managed.current().is_none())
    }

    /// The certificate of these rules: the one that is kept already, if a configuration in force has the same.
    pub(crate) fn manage(&self, rules: &Arc<Acme>) -> Arc<Managed> {
        let mut all = self.managed.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, managed| managed.strong_count() > 0);
        let identity = rules.identity();
        if let Some(managed) = all.get(&identity).and_then(Weak::upgrade) {
            return managed;
        }
        let managed = Arc::new(Managed::new(rules.clone()));
        all.insert(identity, Arc::downgrade(&managed));
        self.runtime.spawn(keep_fresh(Arc::downgrade(&managed), self.recorder.clone()));
        managed
    }
}

/// Ends when no configuration asks for the certificate any more.
async fn keep_fresh(managed: Weak<Managed>, recorder: Recorder) {
    let mut memory = Memory::default();
    loop {
        let Some(strong) = managed.upgrade() else { return };
        let wait = strong.look(&mut memory, &recorder).await;
        drop(strong);
        sleep(wait.clamp(AT_MOST, LOOK_EVERY)).await;
    }
}

impl Managed {
    fn new(rules: Arc<Acme>) -> Self {
        let state = State::new(&rules);
        let current = match state.certificate() {
            Ok(Some(key)) => Current::new(key),
            Ok(None) => None,
            Err(cause) => {
                tracing::error!(file = %state.certificate_file().display(), %cause, "the kept certificate is of no use");
                None
            }
        };
        if current.is_none() {
            tracing::warn!(
                domains = %rules.domains.join(", "), directory = %rules.directory,
                "no certificate yet: it is being asked for, and TLS handshakes are refused until it is there"
            );
        }
        Self { rules, state, current: RwLock::new(current), challenges: Arc::default() }
    }

    /// The certificate in use, if there is one yet.
    pub(crate) fn info(&self) -> Option<CertificateInfo> {
        let current = self.current()?;
        let file = self.state.certificate_file().to_owned();
        Some(CertificateInfo { file, fingerprint: fingerprint(&current.key), is_self_signed: false })
    }

    /// What answers an authority that checks a name by a handshake.
    pub(crate) fn challenges(&self) -> Arc<dyn ResolvesServerCert> {
        self.challenges.clone()
    }

    /// What answers an authority that asks for a document on the plain listener.
    pub(crate) fn document(&self, path: &str) -> Option<String> {
        self.challenges.document(path)
    }

    fn current(&self) -> Option<Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Renews if it is time. Returns how long nothing is due.
    async fn look(&self, memory: &mut Memory, recorder: &Recorder) -> Duration {
        let current = self.current();
        if let Some(current) = &current {
            if memory.failures == 0 && current.covers(&self.rules) {
                memory.suggested = suggested_renewal(&self.rules, &self.state, current).await;
            }
            let due = self.due(current, memory.suggested);
            if let Ok(early) = due.duration_since(SystemTime::now()) {
                return early;
            }
        }
        let replaced = current.as_ref().and_then(|current| current.key.end_entity_cert().ok());
        match issue(&self.rules, &self.state, &self.challenges, replaced).await {
            Ok(key) => {
                *memory = Memory::default();
                self.show(key, recorder);
                AT_MOST
            }
            Err(cause) => {
                memory.failures = memory.failures.saturating_add(1);
                let wait = back_off(memory.failures, cause.is_rate_limit(), Dice::throw(rand::fill));
                self.tell_failure(&cause, wait, recorder);
                wait
            }
        }
    }

    fn due(&self, current: &Current, suggested: Option<SystemTime>) -> SystemTime {
        if current.covers(&self.rules) {
            renew_at(current.validity, suggested, current.dice)
        } else {
            SystemTime::UNIX_EPOCH
        }
    }

    fn show(&self, key: CertifiedKey, recorder: &Recorder) {
        let Some(current) = Current::new(key) else {
            tracing::error!("the fetched certificate cannot be read; the one before it stays");
            return;
        };
        let event = NodeEvent::CertificateLoaded {
            names: self.rules.domains.iter().map(|domain| Name::new(domain)).collect(),
            fingerprint: Name::new(&fingerprint(&current.key)),
            not_after: current.validity.not_after,
        };
        tracing::info!(domains = %self.rules.domains.join(", "), "a certificate was fetched and is in use");
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(current);
        record(recorder, event);
    }

    fn tell_failure(&self, cause: &OrderError, wait: Duration, recorder: &Recorder) {
        let seconds = wait.as_secs();
        if self.current().is_some() {
            tracing::error!(%cause, seconds, "the certificate could not be renewed; the one in use stays");
        } else {
            tracing::error!(%cause, seconds, "no certificate could be fetched; TLS handshakes are refused");
        }
        let path = Name::new(&self.rules.directory.to_string());
        record(recorder, NodeEvent::CertificateRefused { path, cause: Detail::new(&cause.to_string()) });
    }
}

fn record(recorder: &Recorder, event: NodeEvent) {
    if let Some(slot) = recorder.reserve() {
        slot.record(Event::Node(event));
    }
}

impl ResolvesServerCert for Managed {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current().map(|current| current.key)
    }
}

impl fmt::Debug for Managed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Managed").field("domains", &self.rules.domains).finish_non_exhaustive()
    }
}

impl Current {
    fn new(key: CertifiedKey) -> Option<Self> {
        let validity = Validity::of(key.end_entity_cert().ok()?)?;
        Some(Self { key: Arc::new(key), validity, dice: Dice::throw(rand::fill) })
    }

    /// Whether it is for every name that is asked for; after a name was added it goes on being shown until the next one is there.
    fn covers(&self, rules: &Acme) -> bool {
        let Ok(leaf) = self.key.end_entity_cert().and_then(ParsedCertificate::try_from) else { return false };
        rules.domains.iter().all(|domain| {
            rustls::pki_types::ServerName::try_from(&**domain)
                .is_ok_and(|name| rustls::client::verify_server_name(&leaf, &name).is_ok())
        })
    }
}
