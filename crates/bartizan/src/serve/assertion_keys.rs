//! The keys that sign `Bartizan-Assertion`: sealed in the store, so that they outlive a restart, and rotated on schedule.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use aws_lc_rs::rand::SystemRandom;
use bartizan_gateway::ports::AssertionKeys;
use bartizan_store::{Expect, Migrations, Query, Row, Step, Store, Write};
use bartizan_token::AssertionSigner;
use bartizan_vault::{PublicKey, Purpose, Root, Sealed, SealingKey, SigningKey, random};

/// A key signs for this long.
const ROTATE_AFTER: Duration = Duration::from_hours(30 * 24);
/// And is published for this long after it: longer than any upstream caches a key set.
const PUBLISHED_AFTER: Duration = Duration::from_hours(2 * 24);
/// How often the schedule is looked at.
const LOOK_EVERY: Duration = Duration::from_mins(10);

/// The tables of this module.
pub(super) const MIGRATIONS: Migrations = Migrations {
    room: "assertion",
    steps: &[Step {
        number: 1,
        name: "signing keys of the assertion, sealed",
        sqlite: "CREATE TABLE assertion_key (
            id TEXT NOT NULL PRIMARY KEY, created_at INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID",
        postgres: "CREATE TABLE assertion_key (
            id TEXT NOT NULL PRIMARY KEY, created_at BIGINT NOT NULL, sealed BYTEA NOT NULL)",
    }],
};

const ALL: Query = Query::new("SELECT id, created_at, sealed FROM assertion_key ORDER BY created_at DESC, id");
/// Of several nodes that find the key too old, one adds the next: the others' condition fails.
const ADD: Query = Query::new(
    "INSERT INTO assertion_key (id, created_at, sealed) SELECT $1, $2, $3
     WHERE NOT EXISTS (SELECT 1 FROM assertion_key WHERE created_at > $4)",
);
const FORGET: Query = Query::new("DELETE FROM assertion_key WHERE created_at < $1");

/// Every query of this module, for the test that prepares them on both engines.
#[cfg(test)]
const QUERIES: &[Query] = &[ALL, ADD, FORGET];

/// The current key and the ones before it.
pub(crate) struct RotatingKeys {
    store: RwLock<Store>,
    sealing: SealingKey,
    issuer: String,
    lifetime: Duration,
    current: RwLock<Arc<AssertionSigner>>,
}

/// One stored key, opened.
struct Stored {
    created_at: i64,
    key: SigningKey,
}

impl RotatingKeys {
    /// Loads the keys; makes the first one, or the next one if it is time.
    pub(crate) async fn load(
        store: Store,
        root: &Root,
        issuer: String,
        lifetime: Duration,
        now: SystemTime,
    ) -> anyhow::Result<Arc<Self>> {
        let sealing = root.sealing_key(Purpose("assertion-keys"))?;
        let signer = Arc::new(current(&store, &sealing, &issuer, lifetime, now).await?);
        Ok(Arc::new(Self { store: RwLock::new(store), sealing, issuer, lifetime, current: RwLock::new(signer) }))
    }

    /// Rotates on schedule, for as long as the node runs. A node that cannot reach the store goes on with the key it has.
    pub(crate) async fn keep_rotating(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            match current(&self.store(), &self.sealing, &self.issuer, self.lifetime, SystemTime::now()).await {
                Ok(signer) if signer.jwks() == self.current().jwks() => {}
                Ok(signer) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(signer);
                    tracing::info!("rotated the key that signs assertions");
                }
                Err(cause) => {
                    tracing::warn!(%cause, "the assertion's keys could not be looked at; the current one stays");
                }
            }
        }
    }

    /// Closes the store. The current key is at hand without it.
    pub(crate) async fn close(&self) {
        self.store().close().await;
    }

    /// Goes on with a store that was closed and is opened again.
    pub(crate) fn reopened(&self, store: Store) {
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = store;
    }

    fn store(&self) -> Store {
        self.store.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl AssertionKeys for RotatingKeys {
    fn current(&self) -> Arc<AssertionSigner> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn current(
    store: &Store,
    sealing: &SealingKey,
    issuer: &str,
    lifetime: Duration,
    now: SystemTime,
) -> anyhow::Result<AssertionSigner> {
    let is_due_before = micros(now - ROTATE_AFTER);
    let mut keys = stored(store, sealing).await?;
    if keys.first().is_none_or(|newest| newest.created_at <= is_due_before) {
        add(store, sealing, now, is_due_before).await?;
        keys = stored(store, sealing).await?;
    }
    let mut keys = keys.into_iter();
    let newest = keys.next().context("no key that signs assertions could be made")?;
    let previous: Vec<PublicKey> = keys.map(|older| older.key.public()).collect();
    Ok(AssertionSigner::new(newest.key, previous, issuer.to_owned(), lifetime))
}

async fn stored(store: &Store, sealing: &SealingKey) -> anyhow::Result<Vec<Stored>> {
    let rows = store.rows(ALL, &[]).await?;
    rows.iter().map(|row| open(row, sealing)).collect()
}

fn open(row: &Row, sealing: &SealingKey) -> anyhow::Result<Stored> {
    let id: &str = row.read("id")?;
    let sealed: &[u8] = row.read("sealed")?;
    let document = sealing
        .open(id.as_bytes(), &Sealed::from_bytes(sealed.to_vec()))
        .with_context(|| format!("the assertion's key `{id}` in the store cannot be opened"))?;
    Ok(Stored { created_at: row.read("created_at")?, key: SigningKey::from_pkcs8(&document)? })
}

async fn add(store: &Store, sealing: &SealingKey, now: SystemTime, is_due_before: i64) -> anyhow::Result<()> {
    let system = SystemRandom::new();
    let key = SigningKey::generate()?;
    let id = format!("{:016x}", u64::from_be_bytes(random::bytes(&system)?));
    let sealed = sealing.seal(&system, id.as_bytes(), key.to_pkcs8()?.expose())?;
    let created_at = micros(now);
    let forget_before = micros(now - ROTATE_AFTER - PUBLISHED_AFTER);
    let values = vec![id.into(), created_at.into(), sealed.into_bytes().into(), is_due_before.into()];
    store.write(Write::new(ADD, values, Expect::Any).then(FORGET, vec![forget_before.into()], Expect::Any)).await?;
    Ok(())
}

fn micros(time: SystemTime) -> i64 {
    i64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use bartizan_store::Config;
    use bartizan_vault::{RootSource, Secret};

    use super::*;

    const LIFETIME: Duration = Duration::from_mins(1);

    fn root(directory: &std::path::Path) -> Root {
        Root::load(&RootSource::Automatic(directory.to_owned()), &SystemRandom::new()).unwrap()
    }

    async fn sqlite(directory: &std::path::Path, now: SystemTime) -> Store {
        Store::open(&Config::Sqlite { directory: directory.to_owned() }, &[MIGRATIONS], now).await.unwrap()
    }

    async fn signer(store: &Store, root: &Root, now: SystemTime) -> AssertionSigner {
        let sealing = root.sealing_key(Purpose("assertion-keys")).unwrap();
        current(store, &sealing, "https://api.example.com", LIFETIME, now).await.unwrap()
    }

    #[tokio::test]
    async fn the_key_outlives_a_restart_and_is_rotated_on_schedule_with_overlap() {
        let directory = tempfile::tempdir().unwrap();
        let root = root(directory.path());
        let begin = UNIX_EPOCH + Duration::from_hours(24 * 365 * 50);
        let store = sqlite(directory.path(), begin).await;
        let first = signer(&store, &root, begin).await.jwks().to_owned();
        store.close().await;

        let store = sqlite(directory.path(), begin).await;
        assert_eq!(signer(&store, &root, begin + Duration::from_hours(1)).await.jwks(), first);

        let rotated = signer(&store, &root, begin + ROTATE_AFTER).await.jwks().to_owned();
        let count = |jwks: &str| jwks.matches("\"kid\"").count();
        assert_eq!((count(&first), count(&rotated)), (1, 2), "the old key stays published");

        let later = signer(&store, &root, begin + ROTATE_AFTER * 2 + PUBLISHED_AFTER).await.jwks().to_owned();
        assert_eq!(count(&later), 2, "the first key is forgotten by now");
        store.close().await;
    }

    #[tokio::test]
    async fn every_query_is_understood_by_both_engines() {
        let directory = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let store = sqlite(directory.path(), now).await;
        store.prepare(QUERIES).await.unwrap();
        store.close().await;
        // `./test` sets it where it has installed PostgreSQL, and fails where it could not.
        if std::env::var_os("BARTIZAN_TEST_POSTGRES").is_none() {
            return;
        }
        let postgres = tokio::task::spawn_blocking(bartizan_testkit::Postgres::start).await.unwrap();
        let url = Secret::new(postgres.url());
        let store = Store::open(&Config::Postgres { url }, &[MIGRATIONS], now).await.unwrap();
        store.prepare(QUERIES).await.unwrap();
        store.close().await;
    }
}
