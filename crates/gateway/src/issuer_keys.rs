//! The published keys of other issuers: fetched on the control plane, kept over reloads, and never more often than is decent.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bartizan_evidence::{Detail, Event, Name, NodeEvent, Recorder};
use bartizan_policy::IssuerName;
use bartizan_token::{Discovery, KeySet, Verifier};
use http::Uri;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::config::{KeyFetch, KeyLocation, TrustedIssuer};
use crate::fetch::{FetchError, fetch};
use crate::ports::{IssuerKeys, Pending};

/// Keys are fetched again this often, used or not, so that a key that its issuer withdrew stops working.
const REFRESH: Duration = Duration::from_mins(5);
/// An unknown `kid` fetches them again at most this often: otherwise anyone could make the gate attack its issuer.
const AT_MOST: Duration = Duration::from_secs(10);
/// While an issuer has no keys at all, nobody is served: its next attempt comes sooner, as soon as `Retry-After` promises.
const AT_MOST_WITHOUT_KEYS: Duration = Duration::from_secs(1);
/// A request waits this long for a fetch, then is told that its credential cannot be checked.
const PATIENCE: Duration = Duration::from_secs(5);

/// Fetches keys and remembers the last good ones. An issuer that is down for a while takes nobody down with it: tokens signed with
/// keys that are known go on being accepted.
pub struct FetchedKeys {
    runtime: Handle,
    recorder: Recorder,
    held: Mutex<HashMap<Source, Held>>,
    own: Mutex<Own>,
}

/// Keys of issuers in this process: nobody has to be asked for them.
#[derive(Default)]
struct Own {
    keys: HashMap<IssuerName, KeySet>,
    verifiers: Vec<Weak<Verifier>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Source {
    issuer: IssuerName,
    location: KeyLocation,
    authorities: Option<PathBuf>,
}

struct Held {
    keys: Option<KeySet>,
    /// Counts the times that keys came.
    version: u64,
    /// When the last attempt began.
    tried: Option<Instant>,
    /// When the last attempt began that a request asked for although there were keys.
    asked: Option<Instant>,
    /// Counts finished attempts; requests wait for the next one.
    finished: watch::Sender<u64>,
    running: bool,
}

impl Default for Held {
    fn default() -> Self {
        Self { keys: None, version: 0, tried: None, asked: None, finished: watch::Sender::new(0), running: false }
    }
}

/// The port of one configuration: which of its issuers have keys to fetch, and where they go.
struct Serving {
    fetched: Arc<FetchedKeys>,
    sources: Vec<Source>,
    verifier: Arc<Verifier>,
    /// Which version of each source's keys the verifier has.
    installed: Mutex<HashMap<Source, u64>>,
}

/// Why keys are fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    /// It is time.
    Schedule,
    /// A token names a key that is not known.
    Request,
}

impl Held {
    /// Whether an attempt would come too soon. What requests ask for is counted apart: an issuer that rotates its keys right after a
    /// scheduled attempt is not locked out.
    fn is_too_soon(&self, reason: Reason) -> bool {
        let last = if reason == Reason::Request && self.keys.is_some() { self.asked } else { self.tried };
        let at_most = if self.keys.is_some() { AT_MOST } else { AT_MOST_WITHOUT_KEYS };
        last.is_some_and(|last| last.elapsed() < at_most)
    }
}

impl FetchedKeys {
    /// Fetches on `runtime`, and tells `recorder` of what came.
    pub fn new(runtime: Handle, recorder: Recorder) -> Arc<Self> {
        Arc::new(Self { runtime, recorder, held: Mutex::default(), own: Mutex::default() })
    }

    /// Gives every verifier, those of later configurations too, the keys of an issuer that is part of this process.
    pub fn hold_own(&self, issuer: &IssuerName, keys: KeySet) {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        own.verifiers.retain(|verifier| verifier.strong_count() > 0);
        for verifier in own.verifiers.iter().filter_map(Weak::upgrade) {
            // A configuration without the issuer takes none of its keys.
            let _ = verifier.install(issuer, &keys);
        }
        own.keys.insert(issuer.clone(), keys);
    }

    fn give_own(&self, verifier: &Arc<Verifier>) {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        for (issuer, keys) in &own.keys {
            let _ = verifier.install(issuer, keys);
        }
        own.verifiers.push(Arc::downgrade(verifier));
    }

    /// Where slow things run, and who is told of them.
    pub(crate) fn control_plane(&self) -> (Handle, Recorder) {
        (self.runtime.clone(), self.recorder.clone())
    }

    /// Gives a verifier the keys that are held already, and keeps it supplied for as long as it lives.
    pub(crate) fn serve(self: &Arc<Self>, issuers: &[TrustedIssuer], verifier: &Arc<Verifier>) -> Arc<dyn IssuerKeys> {
        self.give_own(verifier);
        let sources = issuers.iter().filter_map(|trusted| {
            let KeyFetch { from, authorities } = trusted.fetch.clone()?;
            Some(Source { issuer: trusted.issuer.name.clone(), location: from, authorities })
        });
        let serving = Arc::new(Serving {
            fetched: self.clone(),
            sources: sources.collect(),
            verifier: verifier.clone(),
            installed: Mutex::default(),
        });
        serving.sources.iter().for_each(|source| serving.install(source));
        if !serving.sources.is_empty() {
            self.runtime.spawn(keep_fresh(Arc::downgrade(&serving)));
        }
        Arc::new(Port(serving))
    }

    fn with<T>(&self, source: &Source, act: impl FnOnce(&mut Held) -> T) -> T {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        act(held.entry(source.clone()).or_default())
    }

    fn record(&self, issuer: &IssuerName, outcome: &Result<KeySet, FetchError>) {
        let issuer = Name::new(issuer.as_str());
        let event = match outcome {
            Ok(_) => NodeEvent::KeysFetched { issuer },
            Err(cause) => NodeEvent::KeysFailed { issuer, cause: Detail::new(&cause.to_string()) },
        };
        if let Some(slot) = self.recorder.reserve() {
            slot.record(Event::Node(event));
        }
    }
}

/// Ends when the configuration that asked for it is gone.
async fn keep_fresh(serving: Weak<Serving>) {
    let mut ticks = interval(REFRESH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(serving) = serving.upgrade() else { return };
        for source in &serving.sources {
            serving.start(source, Reason::Schedule);
            serving.install(source);
        }
    }
}

impl Serving {
    /// Begins an attempt, unless one runs or ran a moment ago; returns what tells of its end.
    fn start(self: &Arc<Self>, source: &Source, reason: Reason) -> Option<watch::Receiver<u64>> {
        let (finished, begin) = self.fetched.with(source, |held| {
            let begin = !held.running && !held.is_too_soon(reason);
            if begin {
                held.running = true;
                held.tried = Some(Instant::now());
                if reason == Reason::Request && held.keys.is_some() {
                    held.asked = held.tried;
                }
            }
            ((begin || held.running).then(|| held.finished.subscribe()), begin)
        });
        if begin {
            let (serving, source) = (self.clone(), source.clone());
            self.fetched.runtime.spawn(async move { serving.attempt(&source).await });
        }
        finished
    }

    async fn attempt(&self, source: &Source) {
        let outcome = keys_of(source).await;
        self.fetched.record(&source.issuer, &outcome);
        self.fetched.with(source, |held| {
            held.running = false;
            if let Ok(keys) = outcome {
                held.keys = Some(keys);
                held.version += 1;
            }
        });
        self.install(source);
        self.fetched.with(source, |held| held.finished.send_modify(|count| *count += 1));
    }

    /// Gives the verifier the keys that are held, if it does not have them yet: another configuration's attempt may have brought them.
    fn install(&self, source: &Source) {
        let mut installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner);
        let has = installed.get(source).copied().unwrap_or_default();
        let newer =
            self.fetched.with(source, |held| held.keys.clone().filter(|_| held.version > has).zip(Some(held.version)));
        if let Some((keys, version)) = newer {
            let _ = self.verifier.install(&source.issuer, &keys);
            installed.insert(source.clone(), version);
        }
    }
}

/// The port: it needs the shared value itself, to hand it to the attempts that it starts.
struct Port(Arc<Serving>);

impl IssuerKeys for Port {
    fn refresh(&self, issuer: &IssuerName) -> Pending<'_, ()> {
        let sources = self.0.sources.iter().filter(|source| source.issuer == *issuer);
        let waits: Vec<_> = sources.map(|source| (source, self.0.start(source, Reason::Request))).collect();
        Box::pin(async move {
            for (source, finished) in waits {
                if let Some(mut finished) = finished {
                    let _ = timeout(PATIENCE, finished.changed()).await;
                }
                self.0.install(source);
            }
        })
    }
}

async fn keys_of(source: &Source) -> Result<KeySet, FetchError> {
    let authorities = source.authorities.as_deref();
    let location = match &source.location {
        KeyLocation::KeySet(location) => location.clone(),
        KeyLocation::Discovery(issuer) => discovered(issuer, source).await?,
    };
    let document = fetch(&location, authorities).await?;
    KeySet::parse(&document).map_err(|cause| FetchError::Document { url: location, cause: cause.to_string() })
}

/// The `jwks_uri` of an issuer's discovery document.
async fn discovered(issuer: &Uri, source: &Source) -> Result<Uri, FetchError> {
    let [openid, oauth] = discovery_urls(issuer);
    let authorities = source.authorities.as_deref();
    let (location, document) = match fetch(&openid, authorities).await {
        Ok(document) => (openid, document),
        Err(missing @ FetchError::Status { .. }) => match fetch(&oauth, authorities).await {
            Ok(document) => (oauth, document),
            // The first place is the one that operators know.
            Err(_) => return Err(missing),
        },
        Err(fault) => return Err(fault),
    };
    let fault = |cause: String| FetchError::Document { url: location.clone(), cause };
    let discovery = Discovery::parse(&document, &source.issuer).map_err(|cause| fault(cause.to_string()))?;
    discovery.jwks_uri.parse().map_err(|_| fault("its `jwks_uri` is not a URL".to_owned()))
}

/// Below the issuer (OpenID Connect Discovery §4.1), and between its host and its path (RFC 8414 §3.1).
fn discovery_urls(issuer: &Uri) -> [Uri; 2] {
    if issuer.path().contains("/.well-known/") {
        return [issuer.clone(), issuer.clone()];
    }
    let path = issuer.path().trim_end_matches('/');
    let at = |target: String| {
        let mut parts = issuer.clone().into_parts();
        parts.path_and_query = target.parse().ok();
        Uri::from_parts(parts).unwrap_or_else(|_| issuer.clone())
    };
    [
        at(format!("{path}/.well-known/openid-configuration")),
        at(format!("/.well-known/oauth-authorization-server{path}")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_discovery_document_is_looked_for_where_both_standards_put_it() {
        let urls = |issuer: &str| discovery_urls(&issuer.parse().unwrap()).map(|url| url.to_string());
        assert_eq!(
            urls("https://login.example.com/tenant/"),
            [
                "https://login.example.com/tenant/.well-known/openid-configuration",
                "https://login.example.com/.well-known/oauth-authorization-server/tenant"
            ]
        );
        assert_eq!(
            urls("http://127.0.0.1:8081"),
            [
                "http://127.0.0.1:8081/.well-known/openid-configuration",
                "http://127.0.0.1:8081/.well-known/oauth-authorization-server"
            ]
        );
    }
}
