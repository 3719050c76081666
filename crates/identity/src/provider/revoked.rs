//! What ended before its time, as the gate asks for every request: in memory, filled from the store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use bartizan_policy::{Principal, TokenId};
use bartizan_store::{Expect, Query, Write};

use super::families::FamilyId;
use crate::ground::Ground;
use crate::{IdentityError, Moment};

const FAMILIES: Query = Query::new("SELECT id, revoked_at FROM provider_family WHERE revoked_at > $1 LIMIT 100000");
const TOKENS: Query =
    Query::new("SELECT id, expires_at FROM provider_revoked_token WHERE expires_at > $1 LIMIT 100000");
const REVOKE: Query =
    Query::new("INSERT INTO provider_revoked_token (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING");

pub(super) const QUERIES: &[Query] = &[FAMILIES, TOKENS, REVOKE];

/// How far the clocks of nodes may differ.
const LEEWAY: Duration = Duration::from_mins(2);

/// Families and single tokens whose access tokens must not pass any more, until those have expired by themselves.
#[derive(Default)]
pub(super) struct Revoked {
    ended: RwLock<HashMap<Box<str>, Moment>>,
    /// How many there are: with none, which is nearly always, no request takes the lock.
    count: AtomicUsize,
}

impl Revoked {
    /// Whether the principal's token was revoked, alone or with its family. The caller has seen that the token is the provider's own.
    pub(super) fn stops(&self, principal: &Principal) -> bool {
        if self.count.load(Ordering::Acquire) == 0 {
            return false;
        }
        principal.token_id.as_ref().is_some_and(|id| self.has(id))
    }

    /// Whether the access token of this `jti` was.
    pub(super) fn has(&self, id: &TokenId) -> bool {
        let ended = self.ended.read().unwrap_or_else(PoisonError::into_inner);
        let family = id.as_str().split_once('.').map_or(id.as_str(), |(family, _)| family);
        ended.contains_key(family) || ended.contains_key(id.as_str())
    }

    /// From now on, tokens of the family do not pass at this node.
    pub(super) fn family(&self, family: FamilyId, now: Moment, access_lifetime: Duration) {
        self.insert(family.text().into(), now.after(access_lifetime).after(LEEWAY));
    }

    /// Revokes one access token: durably, then at this node.
    pub(super) async fn token(&self, ground: &Ground, id: &str, expires_at: Moment) -> Result<(), IdentityError> {
        let end = expires_at.after(LEEWAY);
        ground.write(Write::new(REVOKE, [id.into(), end.into()], Expect::Any)).await?;
        self.insert(id.into(), end);
        Ok(())
    }

    /// Learns what the store knows, which other nodes may have written, and forgets what has expired by itself.
    pub(super) async fn look(&self, ground: &Ground, access_lifetime: Duration) -> Result<(), IdentityError> {
        let now = ground.now();
        let since = now.before(access_lifetime).before(LEEWAY);
        for row in ground.rows(FAMILIES, &[since.into()]).await? {
            let at = Moment::from_micros(row.read("revoked_at")?);
            self.family(FamilyId::from_bytes(row.read("id")?), at, access_lifetime);
        }
        for row in ground.rows(TOKENS, &[now.into()]).await? {
            let id: &str = row.read("id")?;
            self.insert(id.into(), Moment::from_micros(row.read("expires_at")?));
        }
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, end| *end > now);
        self.count.store(ended.len(), Ordering::Release);
        Ok(())
    }

    fn insert(&self, id: Box<str>, end: Moment) {
        let mut ended = self.ended.write().unwrap_or_else(PoisonError::into_inner);
        ended.insert(id, end);
        self.count.store(ended.len(), Ordering::Release);
    }
}
