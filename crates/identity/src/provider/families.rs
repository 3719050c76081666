//! Families of tokens: everything that came from one sign-in to one client. Refresh tokens are its generations.
//!
//! Nothing of a refresh token is stored, not even its hash: the token of a generation is its family's id, its number, and a tag that only
//! the node's key makes. A rotation is one conditional update of one row, and the same successor can be told again to whoever asks at
//! the same time, since it can be made again.

use std::time::Duration;

use bartizan_store::{Expect, Query, Row, Write};
use bartizan_vault::{MacKey, Purpose, Root, Secret, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::client::ClientId;
use super::sign_in::SignIn;
use crate::ground::Ground;
use crate::{IdentityError, Moment};

/// What refresh tokens begin with, so that those who search for leaked secrets know one.
pub(super) const PREFIX: &str = "btz_rt_";

const ADD: Query = Query::new(
    "INSERT INTO provider_family (id, client, subject, session, outlives_session, scope, sign_in, generation, rotated_at,
       grace_from, grace_at, created_at, idle_until, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, 0, $9, $10, $11, $12)",
);
/// One statement decides: of any number of requests with the same token, one gets past `generation = $2`.
///
/// `grace_from` is the oldest generation that was current within the grace: with it, a request that was on its way while its client went
/// on by several generations is not taken for theft.
const ROTATE: Query = Query::new(
    "UPDATE provider_family SET generation = generation + 1, rotated_at = $3, idle_until = $4,
       grace_from = CASE WHEN grace_at < $5 THEN generation ELSE grace_from END,
       grace_at = CASE WHEN grace_at < $6 THEN $7 ELSE grace_at END
     WHERE id = $1 AND generation = $2 AND client = $8 AND revoked_at IS NULL AND expires_at > $9 AND idle_until > $10
     RETURNING client, subject, session, outlives_session, scope, sign_in, generation, rotated_at, grace_from, grace_at,
       idle_until, expires_at, revoked_at",
);
const FIND: Query = Query::new(
    "SELECT client, subject, session, outlives_session, scope, sign_in, generation, rotated_at, grace_from, grace_at,
       idle_until, expires_at, revoked_at FROM provider_family WHERE id = $1",
);
const REVOKE: Query = Query::new(
    "UPDATE provider_family SET revoked_at = $2, revoked_for = $3 WHERE id = $1 AND revoked_at IS NULL RETURNING id",
);
const REVOKE_OF_CONSENT: Query = Query::new(
    "UPDATE provider_family SET revoked_at = $3, revoked_for = $4
     WHERE subject = $1 AND client = $2 AND revoked_at IS NULL RETURNING id",
);
const REVOKE_OF_CLIENT: Query = Query::new(
    "UPDATE provider_family SET revoked_at = $2, revoked_for = $3 WHERE client = $1 AND revoked_at IS NULL RETURNING id",
);

pub(super) const QUERIES: &[Query] = &[ADD, ROTATE, FIND, REVOKE, REVOKE_OF_CONSENT, REVOKE_OF_CLIENT];

/// The id of a family: 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FamilyId([u8; 16]);

impl FamilyId {
    pub(super) fn new(ground: &Ground) -> Result<Self, IdentityError> {
        Ok(Self(random::bytes(&ground.random)?))
    }

    pub(super) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// As it stands before the point in `jti`.
    pub(super) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The family that an access token's `jti` names.
    pub(super) fn of_token(id: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(id.split_once('.')?.0).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }
}

/// How long refresh tokens are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshRules {
    /// How long after its rotation a token still leads to its successor, for requests that were sent at the same time.
    pub grace: Duration,
    /// Without a refresh.
    pub idle: Duration,
    /// Altogether, however often it is refreshed.
    pub absolute: Duration,
}

impl Default for RefreshRules {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(10),
            idle: Duration::from_hours(30 * 24),
            absolute: Duration::from_hours(90 * 24),
        }
    }
}

/// A family, as far as its tokens need to know it.
#[derive(Clone, Debug)]
pub(crate) struct Family {
    pub(super) id: FamilyId,
    pub(super) client: String,
    pub(super) subject: String,
    pub(super) session: String,
    pub(super) outlives_session: bool,
    pub(super) scopes: Vec<String>,
    pub(super) sign_in: SignIn,
    generation: i64,
    rotated_at: Moment,
    grace_from: i64,
    grace_at: Moment,
    idle_until: Moment,
    expires_at: Moment,
    is_revoked: bool,
}

/// A refresh token that this node's key made, whatever became of its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Genuine {
    pub(super) family: FamilyId,
    generation: i64,
}

/// What became of an attempt to refresh.
pub(crate) enum Rotation {
    /// The next token of the family; its first holder, or one who asked at the same time.
    Next(Box<Family>),
    /// A token that was replaced longer ago than the grace: two hold it, and one of them stole it.
    Reused(Box<Family>),
    /// Another client shows it.
    OtherClient(Box<Family>),
    /// Its family has ended, or was never there.
    Ended(&'static str),
}

/// The families.
pub(super) struct Families {
    mac: MacKey,
    pub(super) rules: RefreshRules,
}

/// Whose families end.
#[derive(Clone, Copy)]
pub(super) enum Whose<'a> {
    Consent(&'a str, &'a str),
    Client(&'a str),
}

impl Families {
    pub(super) fn new(root: &Root, rules: RefreshRules) -> Result<Self, IdentityError> {
        Ok(Self { mac: root.mac_key(Purpose("refresh-tokens"))?, rules })
    }

    /// The refresh token of the family's present generation.
    pub(super) fn token(&self, family: &Family) -> Secret<String> {
        self.token_of(family.id, family.generation)
    }

    fn token_of(&self, family: FamilyId, generation: i64) -> Secret<String> {
        let generation = generation.to_be_bytes();
        let tag = self.mac.tag(&[family.as_bytes(), &generation]);
        let bytes = Secret::new([family.as_bytes().as_slice(), &generation, tag.expose()].concat());
        Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes.expose())))
    }

    /// What a refresh token says, if this node's key made it. No store is asked: a guess costs an attacker a request, and nobody else more.
    pub(super) fn genuine(&self, token: &str) -> Option<Genuine> {
        let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix(PREFIX)?).ok()?;
        let (family, rest) = bytes.split_first_chunk::<16>()?;
        let (generation, tag) = rest.split_first_chunk::<8>()?;
        let is_ours = self.mac.verify(&[family, generation], tag);
        is_ours.then(|| Genuine { family: FamilyId(*family), generation: i64::from_be_bytes(*generation) })
    }

    /// Begins a family, in the write that makes the rest of what it came from.
    pub(super) fn begin(write: Write, family: &Family) -> Write {
        let now = family.rotated_at;
        let values = [
            (*family.id.as_bytes()).into(),
            family.client.as_str().into(),
            family.subject.as_str().into(),
            family.session.as_str().into(),
            family.outlives_session.into(),
            family.scopes.join(" ").into(),
            family.sign_in.stored().into(),
            now.into(),
            family.grace_at.into(),
            now.into(),
            family.idle_until.into(),
            family.expires_at.into(),
        ];
        write.then(ADD, values, Expect::One)
    }

    /// A family that begins now.
    pub(super) fn first(&self, id: FamilyId, client: &ClientId, whose: Begun, now: Moment) -> Family {
        Family {
            id,
            client: client.as_str().to_owned(),
            subject: whose.subject,
            session: whose.session,
            outlives_session: whose.scopes.iter().any(|scope| scope == "offline_access"),
            scopes: whose.scopes,
            sign_in: whose.sign_in,
            generation: 0,
            rotated_at: now,
            grace_from: 0,
            // No generation was replaced yet.
            grace_at: Moment::from_micros(0),
            idle_until: now.after(self.rules.idle),
            expires_at: now.after(self.rules.absolute),
            is_revoked: false,
        }
    }

    /// Exchanges a token for the next one.
    pub(super) async fn rotate(
        &self,
        ground: &Ground,
        shown: Genuine,
        client: &ClientId,
    ) -> Result<Rotation, IdentityError> {
        let now = ground.now();
        let grace_began = now.before(self.rules.grace);
        let values = vec![
            (*shown.family.as_bytes()).into(),
            shown.generation.into(),
            now.into(),
            now.after(self.rules.idle).into(),
            grace_began.into(),
            grace_began.into(),
            now.into(),
            client.as_str().into(),
            now.into(),
            now.into(),
        ];
        let rotated = ground.execute(ROTATE, values).await?;
        if let Some(row) = rotated.rows.first() {
            return Ok(Rotation::Next(Box::new(Family::read(shown.family, row)?)));
        }
        let Some(family) = self.find(ground, shown.family).await? else { return Ok(Rotation::Ended("unknown-family")) };
        Ok(self.judge(family, shown, client, now))
    }

    /// Why a token did not rotate its family.
    fn judge(&self, family: Family, shown: Genuine, client: &ClientId, now: Moment) -> Rotation {
        if family.is_revoked {
            return Rotation::Ended("revoked");
        }
        if family.client != client.as_str() {
            return Rotation::OtherClient(Box::new(family));
        }
        if family.expires_at <= now || family.idle_until <= now {
            return Rotation::Ended("expired");
        }
        if shown.generation >= family.generation {
            // Made by this node, and yet to come: the store was set back to an older state.
            return Rotation::Ended("state-was-restored");
        }
        let is_recent = |at: Moment| now <= at.after(self.rules.grace);
        let was_just_replaced = shown.generation + 1 == family.generation && is_recent(family.rotated_at);
        if was_just_replaced || (shown.generation >= family.grace_from && is_recent(family.grace_at)) {
            return Rotation::Next(Box::new(family));
        }
        Rotation::Reused(Box::new(family))
    }

    pub(super) async fn find(&self, ground: &Ground, id: FamilyId) -> Result<Option<Family>, IdentityError> {
        let row = ground.row(FIND, &[(*id.as_bytes()).into()]).await?;
        row.map(|row| Family::read(id, &row)).transpose()
    }

    /// Ends one family; says whether it stood until now.
    pub(super) async fn revoke(&self, ground: &Ground, id: FamilyId, why: &'static str) -> Result<bool, IdentityError> {
        let values = vec![(*id.as_bytes()).into(), ground.now().into(), why.into()];
        Ok(!ground.execute(REVOKE, values).await?.rows.is_empty())
    }

    /// Ends several; gives back which.
    pub(super) async fn revoke_all(
        &self,
        ground: &Ground,
        whose: Whose<'_>,
        why: &'static str,
    ) -> Result<Vec<FamilyId>, IdentityError> {
        let now = ground.now();
        let (query, mut values) = match whose {
            Whose::Consent(subject, client) => (REVOKE_OF_CONSENT, vec![subject.into(), client.into()]),
            Whose::Client(client) => (REVOKE_OF_CLIENT, vec![client.into()]),
        };
        values.extend([now.into(), why.into()]);
        let ended = ground.execute(query, values).await?;
        ended.rows.iter().map(|row| Ok(FamilyId(row.read("id")?))).collect()
    }
}

/// What a family begins with.
pub(super) struct Begun {
    pub(super) subject: String,
    pub(super) session: String,
    pub(super) scopes: Vec<String>,
    pub(super) sign_in: SignIn,
}

impl Family {
    /// Whether it still gives tokens as of `now`.
    pub(super) fn stands(&self, now: Moment) -> bool {
        !self.is_revoked && now < self.expires_at && now < self.idle_until
    }

    /// When it ends, unless it is refreshed.
    pub(super) fn ends_at(&self) -> Moment {
        self.idle_until.min(self.expires_at)
    }

    /// Whether `token` is of its present generation.
    pub(super) const fn is_current(&self, token: Genuine) -> bool {
        self.generation == token.generation
    }

    fn read(id: FamilyId, row: &Row) -> Result<Self, IdentityError> {
        let moment = |column| row.read::<i64>(column).map(Moment::from_micros);
        let scope: &str = row.read("scope")?;
        Ok(Self {
            id,
            client: row.read("client")?,
            subject: row.read("subject")?,
            session: row.read("session")?,
            outlives_session: row.read("outlives_session")?,
            scopes: scope.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect(),
            sign_in: SignIn::read(row.read("sign_in")?)?,
            generation: row.read("generation")?,
            rotated_at: moment("rotated_at")?,
            grace_from: row.read("grace_from")?,
            grace_at: moment("grace_at")?,
            idle_until: moment("idle_until")?,
            expires_at: moment("expires_at")?,
            is_revoked: row.read::<Option<i64>>("revoked_at")?.is_some(),
        })
    }
}
