//! Accounts as they come, change and go.

use std::sync::Arc;

use bartizan_evidence::{IdentityAction, IdentityActor, Name};
use bartizan_store::{Expect, Query, Write};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::link::{Link, Purpose};
use super::password::{self, Password, PasswordFault};
use super::post::{Addressee, Wish};
use super::user::{User, UserId};
use super::{People, link, recovery, totp};
use crate::mail::Kind;
use crate::provider::grants;
use crate::{Context, IdentityError};

/// An account to be made. Names are already in the spelling in which they are kept.
#[derive(Clone, Debug, Default)]
pub struct NewUser {
    /// What its holder types.
    pub username: String,
    /// What its holder is called.
    pub name: Option<String>,
    /// Its mail address.
    pub email: Option<String>,
    /// Whether that is known to be its holder's.
    pub email_verified: bool,
    /// Its roles.
    pub roles: Vec<Arc<str>>,
    /// Its groups.
    pub groups: Vec<Arc<str>>,
    /// Whatever else is to be said of it.
    pub attributes: Map<String, Value>,
    /// The language of its mails.
    pub locale: Option<String>,
}

/// What is to change of an account; what is `None` stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// What its holder is called.
    pub name: Option<String>,
    /// Its mail address; a new one is not verified.
    pub email: Option<String>,
    /// Its roles.
    pub roles: Option<Vec<Arc<str>>>,
    /// Its groups.
    pub groups: Option<Vec<Arc<str>>>,
    /// Whatever else is to be said of it.
    pub attributes: Option<Map<String, Value>>,
}

/// The role of whoever may do everything.
pub(crate) const ADMINISTRATOR: &str = "admin";

const INSERT: Query = Query::new(
    "INSERT INTO identity_user
       (id, username, name, email, email_verified, roles, groups, attributes, password, password_at, created_at, updated_at, locale)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12)",
);
const CHANGE: Query = Query::new(
    "UPDATE identity_user SET
       name = COALESCE($2, name),
       email_verified = CASE WHEN CAST($3 AS TEXT) IS NULL OR CAST($3 AS TEXT) = email THEN email_verified ELSE 0 END, email = COALESCE(CAST($3 AS TEXT), email),
       roles = COALESCE($4, roles), groups = COALESCE($5, groups), attributes = COALESCE($6, attributes),
       updated_at = $7
     WHERE id = $1",
);
const DISABLE: Query = Query::new("UPDATE identity_user SET disabled_at = $2, updated_at = $2 WHERE id = $1");
const ENABLE: Query = Query::new("UPDATE identity_user SET disabled_at = NULL, updated_at = $2 WHERE id = $1");
const DELETE: Query = Query::new("DELETE FROM identity_user WHERE id = $1");
const SET_PASSWORD: Query = Query::new(
    "UPDATE identity_user SET password = $2, password_at = $3, updated_at = $3 WHERE id = $1 AND disabled_at IS NULL",
);
const REMOVE_PASSKEYS: Query = Query::new("DELETE FROM identity_passkey WHERE user_id = $1");
/// Roles are kept as JSON: a name in quotes stands for itself alone.
const ANY_WITH_ROLE: Query =
    Query::new("SELECT id FROM identity_user WHERE roles LIKE $1 AND disabled_at IS NULL LIMIT 1");

pub(super) const QUERIES: &[Query] =
    &[INSERT, CHANGE, DISABLE, ENABLE, DELETE, SET_PASSWORD, REMOVE_PASSKEYS, ANY_WITH_ROLE];

impl People {
    /// Makes an account, without a password or with one that is stored already; `None` if its name or address is another's.
    pub(crate) async fn add_user(
        &self,
        user: &NewUser,
        stored_password: Option<&str>,
        actor: IdentityActor,
    ) -> Result<Option<UserId>, IdentityError> {
        let (id, now) = (UserId::new(&self.ground.id()?), self.ground.now());
        let values = vec![
            (&id).into(),
            user.username.as_str().into(),
            user.name.as_deref().into(),
            user.email.as_deref().into(),
            user.email_verified.into(),
            json(&user.roles)?.into(),
            json(&user.groups)?.into(),
            json(&user.attributes)?.into(),
            stored_password.into(),
            stored_password.map(|_| now).into(),
            now.into(),
            user.locale.as_deref().into(),
        ];
        match self.ground.write(Write::new(INSERT, values, Expect::One)).await {
            Ok(_) => {}
            Err(error) if error.is_duplicate() => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        self.ground.record(self.event(IdentityAction::UserCreated, actor, &id)).await?;
        Ok(Some(id))
    }

    /// Changes an account; `false` if its new address is another's.
    pub(crate) async fn change_user(
        &self,
        id: &UserId,
        change: &Change,
        actor: IdentityActor,
    ) -> Result<bool, IdentityError> {
        let values = vec![
            id.into(),
            change.name.as_deref().into(),
            change.email.as_deref().into(),
            change.roles.as_ref().map(json).transpose()?.into(),
            change.groups.as_ref().map(json).transpose()?.into(),
            change.attributes.as_ref().map(json).transpose()?.into(),
            self.ground.now().into(),
        ];
        let write = match &change.email {
            // What was sent to the old address must not open the account, or vouch for the new one.
            Some(email) => {
                let stale = Write::new(link::REMOVE_MAILED, [id.into(), email.as_str().into()], Expect::Any);
                stale.then(CHANGE, values, Expect::One)
            }
            None => Write::new(CHANGE, values, Expect::One),
        };
        match self.ground.write(write).await {
            Ok(_) => {}
            Err(error) if error.is_duplicate() => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.changed(id);
        self.ground.record(self.event(IdentityAction::UserChanged, actor, id)).await?;
        Ok(true)
    }

    /// Lets nobody in with an account any more, and ends its sessions.
    pub(crate) async fn disable_user(&self, id: &UserId, actor: IdentityActor) -> Result<(), IdentityError> {
        let write = Write::new(DISABLE, [id.into(), self.ground.now().into()], Expect::One);
        self.ground.write(self.ending_all(write, id)).await?;
        self.changed(id);
        self.ground.record(self.event(IdentityAction::UserDisabled, actor, id)).await
    }

    /// Lets its holder in again.
    pub(crate) async fn enable_user(&self, id: &UserId, actor: IdentityActor) -> Result<(), IdentityError> {
        let write = Write::new(ENABLE, [id.into(), self.ground.now().into()], Expect::One);
        self.ground.write(write).await?;
        self.changed(id);
        self.ground.record(self.event(IdentityAction::UserEnabled, actor, id)).await
    }

    /// Erases an account and everything that belongs to it. The audit log keeps its id, which nobody can lead back to a person.
    pub(crate) async fn delete_user(&self, id: &UserId, actor: IdentityActor) -> Result<(), IdentityError> {
        let write = Write::new(DELETE, [id.into()], Expect::One);
        let write = grants::ending_of_account(write, id.as_str(), self.ground.now());
        self.ground.write(grants::forgetting(write, id.as_str())).await?;
        self.changed(id);
        self.ground.record(self.event(IdentityAction::UserDeleted, actor, id)).await
    }

    /// Takes every second factor from an account, and ends its sessions.
    pub(crate) async fn remove_factors(&self, id: &UserId, actor: IdentityActor) -> Result<(), IdentityError> {
        let write = Write::new(totp::REMOVE_ALL, [id.into()], Expect::Any)
            .then(recovery::REMOVE_ALL, [id.into()], Expect::Any)
            .then(REMOVE_PASSKEYS, [id.into()], Expect::Any);
        self.ground.write(self.ending_all(write, id)).await?;
        self.changed(id);
        self.ground.record(self.event(IdentityAction::FactorRemoved, actor, id)).await
    }

    /// Judges a new password for somebody, and hashes it.
    pub(crate) async fn new_password(
        &self,
        typed: &str,
        words: &[&str],
        has_second_factor: bool,
    ) -> Result<Result<String, PasswordFault>, IdentityError> {
        let Some(password) = Password::typed(typed) else {
            let fault = if typed.is_empty() {
                PasswordFault::Short(self.ground.config.passwords.min_length)
            } else {
                PasswordFault::Long
            };
            return Ok(Err(fault));
        };
        let name = self.ground.config.name.clone();
        let words: Vec<&str> = words.iter().copied().chain([&*name]).collect();
        if let Err(fault) = password::judge(&password, &words, &self.ground.config.passwords, has_second_factor) {
            return Ok(Err(fault));
        }
        Ok(Ok(self.pool.hash(password).await?))
    }

    /// Sets an account's password and makes links that would open it worth nothing. It ends its sessions but `keep`, or, without one to
    /// keep, all that it ever gave to anybody: whoever comes by a link may have lost the account to somebody before.
    pub(crate) async fn set_password(
        &self,
        user: &User,
        stored: &str,
        keep: Option<&str>,
        context: &Context,
    ) -> Result<bool, IdentityError> {
        let write = Write::new(SET_PASSWORD, [(&user.id).into(), stored.into(), context.now.into()], Expect::One).then(
            link::REMOVE_ALL,
            [(&user.id).into()],
            Expect::Any,
        );
        let write = if keep.is_none() { self.ending_all(write, &user.id) } else { write };
        match self.ground.write(write).await {
            Ok(_) => {}
            Err(error) if error.is_unmet() => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        self.changed(&user.id);
        if let Some(keep) = keep {
            self.end_other_sessions(&user.id, keep).await?;
        }
        let mut event = context.event(
            IdentityAction::PasswordChanged,
            bartizan_evidence::IdentityResult::Done,
            IdentityActor::Holder,
        );
        event.user = Some(Name::new(user.id.as_str()));
        self.ground.record(event).await?;
        self.tell_of_new_password(user, context);
        Ok(true)
    }

    /// Tells an account's holder by mail. It is done whether they can be told or not.
    fn tell_of_new_password(&self, user: &User, context: &Context) {
        // A first password surprises nobody.
        if !self.has_mail() || !user.has_password || user.email.is_none() {
            return;
        }
        let wish = Wish {
            kind: Kind::PasswordChanged,
            to: Addressee::User(user.id.clone()),
            language: context.language,
            actor: IdentityActor::Holder,
            context: Some(context.clone()),
        };
        if self.post(wish).is_err() {
            tracing::warn!(user = user.id.as_str(), "no mail tells of a changed password: too many are waiting");
        }
    }

    /// A link that makes the first administrator, if nobody is one.
    pub(crate) async fn setup_link(&self) -> Result<Option<String>, IdentityError> {
        let quoted = json(&ADMINISTRATOR)?;
        if self.ground.row(ANY_WITH_ROLE, &[format!("%{quoted}%").into()]).await?.is_some() {
            return Ok(None);
        }
        let link = Link { purpose: Purpose::Setup, user: None };
        let url = self.make_link(&link, self.ground.now()).await?;
        Ok(Some(url.expose().clone()))
    }
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, IdentityError> {
    serde_json::to_string(value)
        .map_err(|cause| IdentityError::Library { operation: "writing JSON", cause: cause.to_string() })
}
