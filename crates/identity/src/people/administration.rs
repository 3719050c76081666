//! What an operator can do with accounts, from the command line: the same whether the node runs or not.

use std::sync::Arc;

use bartizan_evidence::{IdentityAction, IdentityActor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::People;
use super::accounts::{Change, NewUser};
use super::export::time;
use super::link::{Link, Purpose};
use super::name::{self, NameFault};
use super::password::{PasswordFault, StoredPassword, UnknownFormat};
use super::user::{User, UserId};
use crate::IdentityError;

/// Something to be done with accounts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum UserCommand {
    /// Makes an account; without a password, with a link by which its holder sets one.
    Create {
        /// What its holder types.
        username: String,
        /// What its holder is called.
        #[serde(default)]
        name: Option<String>,
        /// Its mail address.
        #[serde(default)]
        email: Option<String>,
        /// Its roles.
        #[serde(default)]
        roles: Vec<Arc<str>>,
        /// Its groups.
        #[serde(default)]
        groups: Vec<Arc<str>>,
        /// Whatever else is to be said of it to applications.
        #[serde(default)]
        attributes: Map<String, Value>,
        /// Its password.
        #[serde(default)]
        password: Option<String>,
        /// Its password as another program has stored it.
        #[serde(default)]
        password_hash: Option<String>,
    },
    /// Makes an account, or takes one that nobody has taken up yet, and invites its holder: by mail, where it has an address and the gate
    /// a mail server, or else by a link that is handed over.
    Invite {
        /// What its holder types.
        username: String,
        /// What its holder is called.
        #[serde(default)]
        name: Option<String>,
        /// Its mail address.
        #[serde(default)]
        email: Option<String>,
        /// Its roles.
        #[serde(default)]
        roles: Vec<Arc<str>>,
        /// Its groups.
        #[serde(default)]
        groups: Vec<Arc<str>>,
        /// The language of the mail, as a tag such as `de`.
        #[serde(default)]
        locale: Option<String>,
        /// Whether the link is wanted here, and no mail.
        #[serde(default)]
        print: bool,
    },
    /// All accounts.
    List,
    /// One account.
    Show {
        /// Its name, mail address or id.
        who: String,
    },
    /// Everything that is kept about one.
    Export {
        /// Its name, mail address or id.
        who: String,
    },
    /// Changes one.
    Change {
        /// Its name, mail address or id.
        who: String,
        /// What of it.
        change: Change,
    },
    /// Lets nobody in with it.
    Disable {
        /// Its name, mail address or id.
        who: String,
    },
    /// Lets its holder in again.
    Enable {
        /// Its name, mail address or id.
        who: String,
    },
    /// Erases it.
    Delete {
        /// Its name, mail address or id.
        who: String,
    },
    /// Takes its second factors, and ends its sessions.
    ResetMfa {
        /// Its name, mail address or id.
        who: String,
    },
    /// Lets its holder back in, whatever was lost: enables it, takes its second factors, ends its sessions, and makes a link for a new
    /// password.
    Recover {
        /// Its name, mail address or id.
        who: String,
    },
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdministrationError {
    /// There is no such account.
    #[error("there is no account `{0}`: `bartizan user list` shows all of them")]
    Unknown(String),
    /// Whoever is invited is there already.
    #[error("`{0}` has taken up the account: `bartizan user recover {0}` lets its holder back in")]
    TakenUp(String),
    /// A language that mails are not written in.
    #[error("`{0}` is no language of the pages and mails: write `en` or `de`")]
    Locale(String),
    /// A name or address is another account's.
    #[error("another account has that name or mail address: `bartizan user show` tells which")]
    Taken,
    /// A name cannot be one.
    #[error("`{typed}`: {fault}")]
    Name {
        /// What was given.
        typed: String,
        /// What is wrong.
        fault: NameFault,
    },
    /// A password is not taken.
    #[error("{0}")]
    Password(&'static str),
    /// A stored password cannot be read.
    #[error("the password hash: {0}")]
    Format(#[from] UnknownFormat),
    /// It could not be done.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl People {
    /// Does what an operator asks; gives back what there is to say of it.
    ///
    /// # Errors
    /// Why it was not done, for the operator. Nothing has changed then, or the error says what.
    pub async fn administer(&self, command: UserCommand) -> Result<Value, AdministrationError> {
        let by = IdentityActor::Operator;
        match command {
            UserCommand::Create { .. } => self.create(command).await,
            UserCommand::Invite { username, name, email, roles, groups, locale, print } => {
                let user = NewUser { username, name, email, roles, groups, locale, ..NewUser::default() };
                self.invite(user, print).await
            }
            UserCommand::List => Ok(Value::Array(self.all_users().await?)),
            UserCommand::Show { who } => Ok(self.described(&self.called(&who).await?).await?),
            UserCommand::Export { who } => {
                let user = self.called(&who).await?;
                let document = self.export_user(&user.id).await?.ok_or(AdministrationError::Unknown(who))?;
                self.ground.record(self.event(IdentityAction::UserExported, by, &user.id)).await?;
                Ok(document)
            }
            UserCommand::Change { who, change } => {
                let user = self.called(&who).await?;
                let email = change.email.as_deref().map(address).transpose()?;
                if !self.change_user(&user.id, &Change { email, ..change }, by).await? {
                    return Err(AdministrationError::Taken);
                }
                Ok(self.described(&self.called(user.id.as_str()).await?).await?)
            }
            UserCommand::Disable { who } => {
                let user = self.called(&who).await?;
                self.disable_user(&user.id, by).await?;
                Ok(json!({ "id": user.id, "disabled": true }))
            }
            UserCommand::Enable { who } => {
                let user = self.called(&who).await?;
                self.enable_user(&user.id, by).await?;
                Ok(json!({ "id": user.id, "disabled": false }))
            }
            UserCommand::Delete { who } => {
                let user = self.called(&who).await?;
                self.delete_user(&user.id, by).await?;
                Ok(json!({ "id": user.id, "deleted": true }))
            }
            UserCommand::ResetMfa { who } => {
                let user = self.called(&who).await?;
                self.remove_factors(&user.id, by).await?;
                Ok(json!({ "id": user.id, "second_factors": "removed" }))
            }
            UserCommand::Recover { who } => {
                let user = self.called(&who).await?;
                self.enable_user(&user.id, by).await?;
                self.remove_factors(&user.id, by).await?;
                let link = self.link_for(&user.id, Purpose::Reset, by).await?;
                Ok(json!({ "id": user.id, "second_factors": "removed", "link": link }))
            }
        }
    }

    async fn create(&self, command: UserCommand) -> Result<Value, AdministrationError> {
        let UserCommand::Create { username, name, email, roles, groups, attributes, password, password_hash } = command
        else {
            return Err(AdministrationError::Unknown(String::new()));
        };
        let fault = |fault| AdministrationError::Name { typed: username.clone(), fault };
        let spelled = name::username(&username).map_err(fault)?;
        let email = email.as_deref().map(address).transpose()?;
        let stored = match (password, password_hash) {
            (_, Some(hash)) => {
                StoredPassword::parse(&hash)?;
                Some(hash)
            }
            (Some(password), None) => {
                let words: Vec<&str> =
                    [Some(spelled.as_str()), email.as_deref(), name.as_deref()].into_iter().flatten().collect();
                // Of what comes later nothing is known: it has to be good enough to stand alone.
                let judged = self.new_password(&password, &words, false).await?;
                Some(judged.map_err(|fault| AdministrationError::Password(fault.for_operators()))?)
            }
            (None, None) => None,
        };
        let user =
            NewUser { username: spelled, name, email, email_verified: false, roles, groups, attributes, locale: None };
        let id = self
            .add_user(&user, stored.as_deref(), IdentityActor::Operator)
            .await?
            .ok_or(AdministrationError::Taken)?;
        if stored.is_some() {
            return Ok(json!({ "id": id, "username": user.username }));
        }
        let link = self.link_for(&id, Purpose::Invitation, IdentityActor::Operator).await?;
        Ok(json!({ "id": id, "username": user.username, "link": link }))
    }

    /// A link for an account's holder, to be handed over.
    pub(super) async fn link_for(
        &self,
        user: &UserId,
        purpose: Purpose,
        by: IdentityActor,
    ) -> Result<String, IdentityError> {
        let link = Link { purpose, user: Some(user.clone()) };
        let url = self.make_link(&link, self.ground.now()).await?;
        self.ground.record(self.event(IdentityAction::LinkMade, by, user)).await?;
        Ok(url.expose().clone())
    }

    async fn all_users(&self) -> Result<Vec<Value>, IdentityError> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.users_after(&after).await?;
            let Some(last) = page.last() else { return Ok(all) };
            after.clone_from(&last.username);
            all.extend(page.iter().map(summary));
        }
    }

    async fn called(&self, who: &str) -> Result<User, AdministrationError> {
        let spelled = name::spelled(who);
        if let Some(user) = self.user(&UserId::new(&spelled)).await? {
            return Ok(user);
        }
        let found = self.user_called(&spelled).await?;
        found.map(|(user, _)| user).ok_or_else(|| AdministrationError::Unknown(who.to_owned()))
    }

    async fn described(&self, user: &User) -> Result<Value, IdentityError> {
        let mut described = summary(user);
        if let Some(members) = described.as_object_mut() {
            members.insert("attributes".to_owned(), Value::Object(user.attributes.clone()));
            members.insert("has_password".to_owned(), user.has_password.into());
            members.insert("authenticator_app".to_owned(), self.has_totp(&user.id).await?.is_some().into());
            members.insert("passkeys".to_owned(), self.passkeys(&user.id).await?.len().into());
            members.insert("recovery_codes_left".to_owned(), self.recovery_codes_left(&user.id).await?.into());
            members.insert("sessions".to_owned(), self.devices(&user.id).await?.len().into());
        }
        Ok(described)
    }
}

impl PasswordFault {
    const fn for_operators(self) -> &'static str {
        match self {
            Self::Short(_) => {
                "the password is too short: write at least 15 characters, or leave it out and hand over the link"
            }
            Self::Long => "the password is longer than 256 characters",
            Self::Guessable => "the password is among those that are tried first: choose one that nobody would guess",
            Self::Unchanged => "the new password is the old one",
        }
    }
}

pub(super) fn address(typed: &str) -> Result<String, AdministrationError> {
    name::email(typed).map_err(|fault| AdministrationError::Name { typed: typed.to_owned(), fault })
}

fn summary(user: &User) -> Value {
    json!({
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "email": user.email,
        "email_verified": user.email_verified,
        "roles": user.roles,
        "groups": user.groups,
        "disabled": user.disabled_at.is_some(),
        "created": time(user.created_at),
    })
}
