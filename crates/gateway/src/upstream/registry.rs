//! The groups of a process: one that a reload leaves as it was keeps its connections, and what is known of its endpoints.

use std::collections::HashMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use bartizan_evidence::Recorder;
use tokio::runtime::Handle;

use super::group::Remote;
use super::{health, observe};
use crate::config::Upstream;

/// The groups that are in force, and those that a reload may take over.
pub(crate) struct Upstreams {
    runtime: Handle,
    recorder: Recorder,
    began: Instant,
    next: AtomicU64,
    hasher: RandomState,
    held: Mutex<HashMap<Key, Weak<Remote>>>,
}

/// What has to be the same for a group to stay: what is said of it, and what the files hold that it names.
type Key = (Arc<Upstream>, u64);

impl Upstreams {
    /// Asks and looks up on `runtime`, and tells `recorder` what changes.
    pub(crate) fn new(runtime: Handle, recorder: Recorder) -> Arc<Self> {
        let upstreams = Arc::new(Self {
            runtime,
            recorder,
            began: Instant::now(),
            next: AtomicU64::new(0),
            hasher: RandomState::new(),
            held: Mutex::default(),
        });
        let held = Arc::downgrade(&upstreams);
        upstreams.recorder.metrics().upstreams().read_from(move || {
            let in_force = held.upgrade().map(|upstreams| upstreams.all()).unwrap_or_default();
            in_force.iter().filter(|remote| !remote.is_plain).map(|remote| observe::status(remote)).collect()
        });
        upstreams
    }

    /// The group for these rules: the one that there is, or a new one.
    ///
    /// # Errors
    /// What keeps it from being connected to.
    pub(crate) fn remote(&self, rules: &Arc<Upstream>) -> Result<Arc<Remote>, String> {
        let key = (rules.clone(), self.material(rules));
        if let Some(remote) = self.find(&key) {
            return Ok(remote);
        }
        let mirror = match &rules.mirror {
            Some(mirror) => Some(self.remote(&mirror.upstream)?),
            None => None,
        };
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let remote = Arc::new(Remote::new(id, rules.clone(), mirror, self.began, self.recorder.clone())?);
        health::watch(&self.runtime, &remote);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, remote| remote.strong_count() > 0);
        held.insert(key, Arc::downgrade(&remote));
        Ok(remote)
    }

    fn find(&self, key: &Key) -> Option<Arc<Remote>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).get(key)?.upgrade()
    }

    /// A keyed hash of the files that a group names: a renewed certificate makes a new group.
    fn material(&self, rules: &Upstream) -> u64 {
        let files = rules.tls.iter().flat_map(|tls| {
            let own = tls.client_certificate.iter().flat_map(|files| [&files.certificate, &files.key]);
            tls.authorities.iter().chain(own)
        });
        let contents: Vec<Vec<u8>> = files.map(|file| fs::read(file).unwrap_or_default()).collect();
        self.hasher.hash_one(contents)
    }

    /// Every group that is in force.
    pub(super) fn all(&self) -> Vec<Arc<Remote>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = held.values().filter_map(Weak::upgrade).collect();
        all.sort_by_key(|remote| remote.id);
        all
    }
}
