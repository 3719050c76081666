use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use bartizan_evidence::{IdentityEvent, Recorder};
use bartizan_store::{Expect, Outcome, Query, Row, Store, StoreError, Value, Write};
use bartizan_vault::{Root, Secret, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::context::identity;
use crate::{Config, IdentityError, Moment};

/// What tells the time.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What this room is given.
pub struct Parts<'a> {
    /// Where state is kept, with [`MIGRATIONS`](crate::MIGRATIONS) applied.
    pub store: Store,
    /// What seals it.
    pub root: &'a Root,
    /// Where events are recorded.
    pub recorder: Recorder,
    /// What tells the time.
    pub clock: Clock,
}

/// What people and provider both stand on.
pub(crate) struct Ground {
    store: RwLock<Store>,
    recorder: Recorder,
    clock: Clock,
    pub(crate) random: random::SystemRandom,
    pub(crate) config: Config,
}

impl Ground {
    pub(crate) fn new(config: Config, parts: &Parts<'_>) -> Self {
        Self {
            store: RwLock::new(parts.store.clone()),
            recorder: parts.recorder.clone(),
            clock: parts.clock.clone(),
            random: random::SystemRandom::new(),
            config,
        }
    }

    pub(crate) fn now(&self) -> Moment {
        (self.clock)().into()
    }

    pub(crate) fn store(&self) -> Store {
        self.store.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes on with a store that was closed and is opened again.
    pub(crate) fn reopened(&self, store: Store) {
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = store;
    }

    pub(crate) async fn row(&self, query: Query, values: &[Value]) -> Result<Option<Row>, StoreError> {
        self.store().row(query, values).await
    }

    pub(crate) async fn rows(&self, query: Query, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.store().rows(query, values).await
    }

    pub(crate) async fn write(&self, write: Write) -> Result<Vec<Outcome>, StoreError> {
        self.store().write(write).await
    }

    /// One statement; how many rows it changed or returned.
    pub(crate) async fn execute(&self, query: Query, values: Vec<Value>) -> Result<Outcome, StoreError> {
        let mut outcomes = self.write(Write::new(query, values, Expect::Any)).await?;
        Ok(outcomes.pop().unwrap_or_default())
    }

    /// Puts an event on disk before anybody is told of what it says.
    pub(crate) async fn record(&self, event: IdentityEvent) -> Result<(), IdentityError> {
        Ok(self.recorder.durable(identity(event)).await?)
    }

    /// 256 random bits as text that fits a cookie, a URL and a form.
    pub(crate) fn token(&self) -> Result<Secret<String>, IdentityError> {
        let bytes = random::secret::<32>(&self.random)?;
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes.expose())))
    }

    /// 128 random bits as 32 digits: an id, no secret.
    pub(crate) fn id(&self) -> Result<String, IdentityError> {
        Ok(format!("{:032x}", u128::from_be_bytes(random::bytes(&self.random)?)))
    }
}
