//! Sessions: opaque 256-bit tokens, kept as hashes, looked up in memory.
//!
//! A session is bound to nothing that changes under way: no address, no agent. Both are shown to its holder, and decide nothing.
//! Its token is replaced at every change of privilege, so that one that was planted or seen before is worth nothing after; its id stays.

mod cache;
mod token;

use std::sync::Arc;
use std::time::Duration;

use bartizan_policy::{
    Authentication, CredentialKind, IssuerName, Principal, PrincipalKind, Strength, Subject, TokenId,
};
use bartizan_store::{Expect, Query, Row, Write};
use bartizan_vault::{Secret, sha256};
use http::HeaderMap;
use serde_json::{Map, Value};

pub(crate) use cache::SessionCache;
pub use token::SESSION_COOKIE;
pub(crate) use token::{cookie_value, session_cookie};

use super::People;
use super::factor::{Acr, Method, Methods};
use super::user::{Claims, UserId};
use crate::provider::grants;
use crate::{Context, IdentityError, Moment};

/// A session's last use is written down at most so often.
const SEEN_EVERY: Duration = Duration::from_mins(1);
/// A session in memory is read again after this long: so late, at most, another node's sign-out is heard of.
const TRUSTED_FOR: Duration = Duration::from_secs(30);

/// A session, as others may know it.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionView {
    /// Its id, the same for as long as it stands: the `sid` of tokens. It opens nothing.
    pub id: Arc<str>,
    /// Whose it is.
    pub user: UserId,
    /// When its holder last proved who they are.
    pub auth_time: Moment,
    /// By what (`RFC 8176`).
    pub amr: Vec<Arc<str>>,
    /// What that is worth.
    pub acr: Acr,
    /// When it began.
    pub created_at: Moment,
    /// When it ends at the latest.
    pub expires_at: Moment,
    /// Its holder must have a second factor and has not shown one: it opens nothing but the pages where one is set up.
    pub is_restricted: bool,
}

/// A session as its holder sees it in the list of devices.
#[derive(Clone, Debug)]
pub struct Device {
    /// The session's id.
    pub id: String,
    /// What the browser called itself at the sign-in.
    pub agent: String,
    /// Where it came from then.
    pub address: String,
    /// When it began.
    pub created_at: Moment,
    /// When it was last used, to the minute.
    pub seen_at: Moment,
}

/// A session in memory, with everything that a request needs.
pub(crate) struct Standing {
    pub(crate) view: SessionView,
    pub(crate) claims: Claims,
    pub(crate) methods: Methods,
    principal: Arc<Principal>,
    read_at: Moment,
}

const FIND: Query = Query::new("SELECT * FROM identity_session WHERE token = $1 AND expires_at > $2 AND seen_at > $3");
const INSERT: Query = Query::new(
    "INSERT INTO identity_session (token, id, user_id, created_at, auth_time, seen_at, expires_at, methods, agent, address)
     SELECT $1, $2, id, $4, $4, $4, $5, $6, $7, $8 FROM identity_user WHERE id = $3 AND disabled_at IS NULL",
);
/// Two requests that step up at once: one of them wins, and both are signed in.
const ROTATE: Query = Query::new(
    "UPDATE identity_session SET token = $2, auth_time = $3, seen_at = $3, methods = $4 WHERE id = $1 RETURNING user_id",
);
const SEEN: Query = Query::new("UPDATE identity_session SET seen_at = $2 WHERE token = $1 AND seen_at < $2");
const DEVICES: Query = Query::new(
    "SELECT id, agent, address, created_at, seen_at FROM identity_session
     WHERE user_id = $1 AND expires_at > $2 AND seen_at > $3 ORDER BY seen_at DESC LIMIT 1000",
);
const END: Query = Query::new("DELETE FROM identity_session WHERE id = $1 AND user_id = $2");
const END_OTHERS: Query = Query::new("DELETE FROM identity_session WHERE user_id = $1 AND id <> $2");
const END_ALL: Query = Query::new("DELETE FROM identity_session WHERE user_id = $1");
const FORGET: Query = Query::new("DELETE FROM identity_session WHERE expires_at <= $1 OR seen_at <= $2");

pub(super) const QUERIES: &[Query] = &[FIND, INSERT, ROTATE, SEEN, DEVICES, END, END_OTHERS, END_ALL, FORGET];

impl People {
    /// The session that the request's cookie names, if it stands.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn session(&self, headers: &HeaderMap) -> Result<Option<SessionView>, IdentityError> {
        Ok(self.standing(headers).await?.map(|standing| standing.view.clone()))
    }

    /// The same with the account.
    pub(crate) async fn standing(&self, headers: &HeaderMap) -> Result<Option<Arc<Standing>>, IdentityError> {
        match cookie_value(headers, SESSION_COOKIE) {
            Some(token) => self.standing_of(token).await,
            None => Ok(None),
        }
    }

    /// Whose session a cookie's value names, if that is known without asking the store.
    pub fn principal_at_hand(&self, token: &str) -> Option<Arc<Principal>> {
        let standing =
            self.cache.find(&sha256(token.as_bytes()), self.ground.now(), self.ground.config.sessions.idle)?;
        (!standing.view.is_restricted).then(|| standing.principal.clone())
    }

    /// Whose session a cookie's value names. A restricted session is nobody's.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn principal(&self, token: &str) -> Result<Option<Arc<Principal>>, IdentityError> {
        let standing = self.standing_of(token).await?.filter(|standing| !standing.view.is_restricted);
        Ok(standing.map(|standing| standing.principal.clone()))
    }

    async fn standing_of(&self, token: &str) -> Result<Option<Arc<Standing>>, IdentityError> {
        let (hash, now) = (sha256(token.as_bytes()), self.ground.now());
        let rules = self.ground.config.sessions;
        if let Some(standing) = self.cache.find(&hash, now, rules.idle) {
            return Ok(Some(standing));
        }
        let generation = self.cache.generation();
        let values = [hash.into(), now.into(), now.before(rules.idle).into()];
        let Some(row) = self.ground.row(FIND, &values).await? else { return Ok(None) };
        let user = UserId::new(row.read("user_id")?);
        let Some(claims) = self.claims(&user).await? else { return Ok(None) };
        let seen_at = Moment::from_micros(row.read("seen_at")?);
        let standing = Arc::new(self.stand(&row, claims, now)?);
        // What was ended while it was read must not come to life again here.
        self.cache.insert(hash, standing.clone(), generation);
        if now.since(seen_at) >= SEEN_EVERY {
            self.ground.execute(SEEN, vec![hash.into(), now.into()]).await?;
        }
        Ok(Some(standing))
    }

    fn stand(&self, row: &Row, claims: Claims, now: Moment) -> Result<Standing, IdentityError> {
        let moment = |column| row.read(column).map(Moment::from_micros);
        let methods = Methods::parse(row.read("methods")?);
        let must_have_second = self.must_have_second_factor(&claims.roles);
        let view = SessionView {
            id: row.read::<&str>("id")?.into(),
            user: claims.sub.clone(),
            auth_time: moment("auth_time")?,
            amr: methods.amr(),
            acr: methods.acr(),
            created_at: moment("created_at")?,
            expires_at: moment("expires_at")?,
            is_restricted: must_have_second && methods.acr() < Acr::MultiFactor,
        };
        let principal = Arc::new(principal(&self.issuer, &view, &claims));
        Ok(Standing { view, claims, methods, principal, read_at: now })
    }

    /// Whether holders of these roles must have a second factor before they get into anything.
    pub(crate) fn must_have_second_factor(&self, roles: &[Arc<str>]) -> bool {
        roles.iter().any(|role| self.ground.config.mfa_roles.contains(role))
    }

    /// Begins a session; `None` if the account does not let anybody in by now. The event of it is the caller's to record.
    pub(crate) async fn begin_session(
        &self,
        user: &UserId,
        methods: &Methods,
        context: &Context,
    ) -> Result<Option<Begun>, IdentityError> {
        let (token, id) = (self.ground.token()?, self.ground.id()?);
        let expires_at = context.now.after(self.ground.config.sessions.absolute);
        let values = vec![
            sha256(token.expose().as_bytes()).into(),
            id.as_str().into(),
            user.into(),
            context.now.into(),
            expires_at.into(),
            methods.to_string().into(),
            context.user_agent.as_str().into(),
            context.client.to_string().into(),
        ];
        let begun = self.ground.execute(INSERT, values).await?;
        Ok((begun.count == 1).then_some(Begun { id, token }))
    }

    /// Adds what was proven now to a session and gives it a new token; `None` if it has ended meanwhile.
    pub(crate) async fn step_up_session(
        &self,
        view: &SessionView,
        methods: &Methods,
        now: Moment,
    ) -> Result<Option<Begun>, IdentityError> {
        let token = self.ground.token()?;
        let values =
            vec![(&*view.id).into(), sha256(token.expose().as_bytes()).into(), now.into(), methods.to_string().into()];
        let rotated = self.ground.execute(ROTATE, values).await?;
        self.cache.forget_user(&view.user);
        Ok((!rotated.rows.is_empty()).then(|| Begun { id: view.id.to_string(), token }))
    }

    /// The sessions of an account that stand.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn devices(&self, user: &UserId) -> Result<Vec<Device>, IdentityError> {
        let now = self.ground.now();
        let values = [user.into(), now.into(), now.before(self.ground.config.sessions.idle).into()];
        let rows = self.ground.rows(DEVICES, &values).await?;
        let device = |row: &Row| {
            Ok(Device {
                id: row.read("id")?,
                agent: row.read("agent")?,
                address: row.read("address")?,
                created_at: Moment::from_micros(row.read("created_at")?),
                seen_at: Moment::from_micros(row.read("seen_at")?),
            })
        };
        rows.iter().map(device).collect()
    }

    /// Ends one session of an account; whether there was one.
    pub(crate) async fn end_session(&self, user: &UserId, id: &str) -> Result<bool, IdentityError> {
        let write = Write::new(END, [id.into(), user.into()], Expect::Any);
        let outcomes = self.ground.write(grants::ending_of_session(write, id, self.ground.now())).await?;
        self.changed(user);
        Ok(outcomes.first().is_some_and(|ended| ended.count == 1))
    }

    /// Ends all sessions of an account but this one; how many there were.
    pub(crate) async fn end_other_sessions(&self, user: &UserId, keep: &str) -> Result<u64, IdentityError> {
        let write = Write::new(END_OTHERS, [user.into(), keep.into()], Expect::Any);
        let write = grants::ending_of_other_sessions(write, user.as_str(), keep, self.ground.now());
        let outcomes = self.ground.write(write).await?;
        self.changed(user);
        Ok(outcomes.first().map_or(0, |ended| ended.count))
    }

    /// Statements that end all sessions of an account, and all that it gave to clients, for a write that changes what they rest on.
    pub(super) fn ending_all(&self, write: Write, user: &UserId) -> Write {
        let write = write.then(END_ALL, vec![user.into()], Expect::Any);
        grants::ending_of_account(write, user.as_str(), self.ground.now())
    }

    /// Makes this node see a changed account at the next request of each of its sessions and tokens.
    pub(super) fn changed(&self, user: &UserId) {
        self.cache.forget_user(user);
        self.ground.grants_ended.notify_one();
    }

    pub(super) async fn forget_ended_sessions(&self, now: Moment) -> Result<(), IdentityError> {
        let idle = now.before(self.ground.config.sessions.idle);
        self.ground.execute(FORGET, vec![now.into(), idle.into()]).await?;
        Ok(())
    }
}

/// A session that has just begun, or begun anew: its cookie's value is known only here.
pub(crate) struct Begun {
    pub(crate) id: String,
    pub(crate) token: Secret<String>,
}

/// The session as the gate's access rules see it.
fn principal(issuer: &IssuerName, view: &SessionView, claims: &Claims) -> Principal {
    let attributes = match serde_json::to_value(claims) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    Principal {
        subject: Subject::from(view.user.as_str()),
        issuer: issuer.clone(),
        kind: PrincipalKind::User,
        credential: CredentialKind::Session,
        strength: Strength::Full,
        token_id: Some(TokenId::from(&*view.id)),
        client: None,
        roles: claims.roles.clone(),
        scopes: Vec::new(),
        attributes,
        authentication: Authentication {
            time: Some(view.auth_time.as_timestamp()),
            acr: Some(view.acr.as_str().into()),
            amr: view.amr.clone(),
        },
        issued_at: Some(view.created_at.as_timestamp()),
        expires_at: Some(view.expires_at.as_timestamp()),
    }
}

/// What one sign-in showed.
impl From<Method> for Methods {
    fn from(method: Method) -> Self {
        Self::default().with(method)
    }
}
