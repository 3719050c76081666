//! Passkeys of accounts: kept by their public keys, counted, named by their holders.

use std::sync::Arc;

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityResult, Name};
use bartizan_store::{Expect, Query, Row, Write};
use serde::{Deserialize, Serialize};

use super::People;
use super::accounts::ADMINISTRATOR;
use super::factor::Method;
use super::sealed::Opened;
use super::user::UserId;
use super::webauthn::{Expected, KeyKind, NewPasskey, PasskeyFault, verify_use};
use crate::{Aaguid, Context, IdentityError, Moment};

/// How many an account may have.
const MOST: i64 = 20;

const OF_USER: Query = Query::new(
    "SELECT id, name, is_synced, created_at, used_at FROM identity_passkey WHERE user_id = $1 ORDER BY created_at LIMIT 100",
);
const FIND: Query =
    Query::new("SELECT user_id, kind, public_key, is_synced, aaguid FROM identity_passkey WHERE id = $1");
/// Of an id that two accounts claim, the first keeps it.
const INSERT: Query = Query::new(
    "INSERT INTO identity_passkey (id, user_id, name, kind, public_key, counter, is_synced, created_at, aaguid)
     SELECT $1, $2, $3, $4, $5, $6, $7, $8, $10
     WHERE (SELECT COUNT(*) FROM identity_passkey WHERE user_id = $2) < CAST($9 AS BIGINT)",
);
/// A counter only grows; authenticators that do not count say 0 for ever (Web Authentication Level 3, §6.1.1).
const USE: Query = Query::new(
    "UPDATE identity_passkey SET counter = $2, used_at = $3
     WHERE id = $1 AND (counter < CAST($2 AS BIGINT) OR (counter = 0 AND CAST($2 AS BIGINT) = 0))",
);
const REMOVE: Query = Query::new("DELETE FROM identity_passkey WHERE id = $1 AND user_id = $2");

pub(super) const QUERIES: &[Query] = &[OF_USER, FIND, INSERT, USE, REMOVE];

/// A passkey as its holder sees it.
#[derive(Clone, Debug)]
pub(crate) struct Passkey {
    /// Its id.
    pub(crate) id: Vec<u8>,
    /// What its holder calls it.
    pub(crate) name: String,
    /// Whether it may be copied to its holder's other devices.
    pub(crate) is_synced: bool,
    /// When it was made.
    pub(crate) created_at: Moment,
    /// When it was last used.
    pub(crate) used_at: Option<Moment>,
}

/// The challenge of a ceremony, as it is sealed into the page.
#[derive(Serialize, Deserialize)]
pub(crate) struct Challenge(pub(crate) [u8; 32]);

/// What a browser sends of a passkey that signed.
pub(crate) struct Assertion {
    pub(crate) id: Vec<u8>,
    pub(crate) client_data: Vec<u8>,
    pub(crate) authenticator_data: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl People {
    /// What a ceremony of ours is about.
    pub(crate) fn expected<'e>(&'e self, challenge: &'e Challenge) -> Expected<'e> {
        Expected { challenge: &challenge.0, origin: &self.ground.config.origin, relying_party: self.relying_party() }
    }

    /// The host of our origin.
    pub(crate) fn relying_party(&self) -> &str {
        let origin = &*self.ground.config.origin;
        let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
        authority
            .rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|it| it.is_ascii_digit()))
            .map_or(authority, |(host, _)| host)
    }

    /// The passkeys of an account, oldest first.
    pub(crate) async fn passkeys(&self, user: &UserId) -> Result<Vec<Passkey>, IdentityError> {
        let read = |row: &Row| {
            Ok(Passkey {
                id: row.read("id")?,
                name: row.read("name")?,
                is_synced: row.read("is_synced")?,
                created_at: Moment::from_micros(row.read("created_at")?),
                used_at: row.read::<Option<i64>>("used_at")?.map(Moment::from_micros),
            })
        };
        self.ground.rows(OF_USER, &[user.into()]).await?.iter().map(read).collect()
    }

    /// Keeps a new passkey; `false` if the account has too many, or another has this one.
    pub(crate) async fn add_passkey(
        &self,
        user: &UserId,
        name: &str,
        passkey: NewPasskey,
        now: Moment,
    ) -> Result<bool, IdentityError> {
        let values = vec![
            passkey.id.into(),
            user.into(),
            name.into(),
            passkey.kind.number().into(),
            passkey.key.into(),
            passkey.counter.into(),
            passkey.is_synced.into(),
            now.into(),
            MOST.into(),
            passkey.aaguid.into(),
        ];
        match self.ground.write(Write::new(INSERT, values, Expect::One)).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_duplicate() || error.is_unmet() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn remove_passkey(&self, user: &UserId, id: &[u8]) -> Result<bool, IdentityError> {
        Ok(self.ground.execute(REMOVE, vec![id.into(), user.into()]).await?.count == 1)
    }

    /// Whose passkey signed, and what that is worth; or why it does not count.
    pub(crate) async fn use_passkey(
        &self,
        assertion: &Assertion,
        challenge: &Opened<Challenge>,
        context: &Context,
    ) -> Result<Result<(UserId, Method), PasskeyFault>, IdentityError> {
        let Some(row) = self.ground.row(FIND, &[(&*assertion.id).into()]).await? else {
            return Ok(Err(PasskeyFault::Unknown));
        };
        let user = UserId::new(row.read("user_id")?);
        let kind = KeyKind::of(row.read("kind")?).ok_or(IdentityError::Damaged { what: "passkey" })?;
        let Assertion { client_data, authenticator_data, signature, .. } = assertion;
        let key: &[u8] = row.read("public_key")?;
        let expected = self.expected(&challenge.content);
        let counter = match verify_use(client_data, authenticator_data, signature, kind, key, expected) {
            Ok(counter) => counter,
            Err(fault) => return Ok(Err(fault)),
        };
        let aaguid = row.read::<Option<[u8; 16]>>("aaguid")?.map(Aaguid::from_bytes);
        let Some(holder) = self.user(&user).await? else { return Ok(Err(PasskeyFault::Unknown)) };
        if !self.may_use_authenticator(&holder.roles, aaguid) {
            return Ok(Err(PasskeyFault::NotPermitted));
        }
        // Before the counter is looked at: a form that is sent twice is no second authenticator.
        if !self.spend(challenge).await? {
            return Ok(Err(PasskeyFault::Challenge));
        }
        let values = vec![(&*assertion.id).into(), counter.into(), context.now.into()];
        if self.ground.execute(USE, values).await?.count != 1 {
            self.alarm(&user, context).await?;
            return Ok(Err(PasskeyFault::Cloned));
        }
        let method = if row.read("is_synced")? { Method::SyncedPasskey } else { Method::BoundPasskey };
        Ok(Ok((user, method)))
    }

    /// Whether a holder of these roles may have a passkey in an authenticator of this kind.
    pub(crate) fn may_use_authenticator(&self, roles: &[Arc<str>], aaguid: Option<Aaguid>) -> bool {
        !roles.iter().any(|role| **role == *ADMINISTRATOR) || self.ground.config.admin_passkeys.permit(aaguid)
    }

    /// A counter that went backwards is nothing that happens by chance.
    async fn alarm(&self, user: &UserId, context: &Context) -> Result<(), IdentityError> {
        let refused = IdentityResult::Refused("counter-went-backwards");
        let mut event = context.event(IdentityAction::PasskeyCloned, refused, IdentityActor::Anyone);
        event.user = Some(Name::new(user.as_str()));
        tracing::warn!(user = user.as_str(), "a passkey's counter went backwards: there may be a copy of it");
        self.ground.record(event).await
    }
}
