use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::{Standing, TRUSTED_FOR};
use crate::Moment;
use crate::people::user::UserId;

/// Sessions in memory, at most: about 40 MiB when full. More of them are only slower.
const MOST: usize = 32_768;
const SHARDS: usize = 16;

type Shard = RwLock<HashMap<[u8; 32], Arc<Standing>>>;

/// Sessions that were looked up a moment ago, by the hash of their token: requests are answered without the store.
pub(crate) struct SessionCache {
    shards: [Shard; SHARDS],
    /// Counts what was forgotten, so that what was read before is not put in after it.
    generation: AtomicU64,
}

impl SessionCache {
    pub(crate) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| RwLock::default()), generation: AtomicU64::new(0) }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// A session that was read within the last half minute. One that could have been idle for too long meanwhile is read again.
    pub(crate) fn find(&self, hash: &[u8; 32], now: Moment, idle: Duration) -> Option<Arc<Standing>> {
        let shard = self.shard(hash)?.read().unwrap_or_else(PoisonError::into_inner);
        let standing = shard.get(hash)?;
        let age = now.since(standing.read_at);
        let stands = now < standing.view.expires_at && now >= standing.read_at;
        (stands && age < TRUSTED_FOR && age < idle).then(|| standing.clone())
    }

    pub(crate) fn insert(&self, hash: [u8; 32], standing: Arc<Standing>, generation: u64) {
        let Some(shard) = self.shard(&hash) else { return };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if self.generation() != generation {
            return;
        }
        if shard.len() >= MOST / SHARDS {
            let now = standing.read_at;
            shard.retain(|_, old| now.since(old.read_at) < TRUSTED_FOR);
        }
        if shard.len() >= MOST / SHARDS {
            shard.clear();
        }
        shard.insert(hash, standing);
    }

    /// Forgets every session of an account.
    pub(crate) fn forget_user(&self, user: &UserId) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        for shard in &self.shards {
            shard.write().unwrap_or_else(PoisonError::into_inner).retain(|_, standing| standing.view.user != *user);
        }
    }

    fn shard(&self, hash: &[u8; 32]) -> Option<&Shard> {
        let [first, ..] = hash;
        self.shards.get(usize::from(*first) % SHARDS)
    }
}
