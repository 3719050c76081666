//! What the gate needs from others, declared by the one who needs it. The binary plugs rooms into these.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bartizan_policy::{IssuerName, Principal, Rate, Timestamp, Verdict};
use bartizan_token::{AssertionSigner, OneTime, OneTimeId};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;

/// A boxed future that may cross threads: ports are called from every worker.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An answer that is often there at once; only those that are not pay for an allocation.
pub enum Reply<'a, T> {
    /// Known without waiting.
    Now(T),
    /// Known after asking somebody else.
    Later(Pending<'a, T>),
}

impl<T> Reply<'_, T> {
    /// The answer.
    pub async fn get(self) -> T {
        match self {
            Self::Now(value) => value,
            Self::Later(pending) => pending.await,
        }
    }
}

/// What a limit counts, as a keyed hash of it: counters hold no addresses and no names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CounterKey(pub u64);

/// Counters of attempts. One node counts in memory; several share theirs.
pub trait Counters: Send + Sync {
    /// Counts `cost` attempts under `key` against `rate` and says whether they pass.
    fn count(&self, key: CounterKey, rate: Rate, cost: std::num::NonZeroU32) -> Reply<'_, Verdict>;

    /// What [`Counters::count`] would say to one attempt, without counting it.
    fn look(&self, key: CounterKey, rate: Rate) -> Reply<'_, Verdict>;
}

/// What ended before its expiry.
pub trait Revocations: Send + Sync {
    /// Whether the principal's credential was revoked. Asked for every request, cached tokens included; never waits.
    fn stops(&self, principal: &Principal) -> bool;
}

/// What counts once: proofs of possession, and messages of webhooks. One node remembers in memory.
pub trait Replays: Send + Sync {
    /// Remembers `what`, unless it is remembered already, until its time has passed.
    fn remember(&self, what: OneTime, now: Timestamp) -> Reply<'_, Remembered>;

    /// Forgets it again: what it was remembered for did not happen.
    fn forget(&self, id: OneTimeId);
}

/// Whether something that counts once was seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// It was not, and is remembered from now on.
    First,
    /// It was.
    Again,
    /// There is no room to remember it: it must not count.
    NoRoom,
}

/// Browser sessions: the room `identity` fills this port. Without it a session cookie is nobody's.
pub trait Sessions: Send + Sync {
    /// Whose session the cookie's value names.
    fn principal(&self, cookie: &str) -> Reply<'_, Option<Arc<Principal>>>;
}

/// An upstream inside this process: its endpoints pass the same pipeline as everybody's.
pub trait LocalService: Send + Sync {
    /// Answers a request whose body was buffered up to the route's limit.
    fn call(&self, request: Request<Bytes>) -> Pending<'_, Response<Full<Bytes>>>;
}

/// The published keys of other issuers.
pub trait IssuerKeys: Send + Sync {
    /// Fetches an issuer's keys again, if that was not done a moment ago, and returns when the attempt is over.
    fn refresh(&self, issuer: &IssuerName) -> Pending<'_, ()>;
}

/// The keys that sign assertions. They rotate while the gate runs.
pub trait AssertionKeys: Send + Sync {
    /// The signer to use now.
    fn current(&self) -> Arc<AssertionSigner>;
}
