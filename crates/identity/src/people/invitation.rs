//! Inviting people: by mail, or by a link that is handed over.

use std::sync::Arc;

use bartizan_evidence::IdentityActor;
use serde_json::{Value, json};

use super::accounts::{Change, NewUser};
use super::administration::{AdministrationError, address};
use super::export::time;
use super::link::Purpose;
use super::post::{Addressee, Wish};
use super::user::{User, UserId};
use super::{People, name};
use crate::mail::Kind;
use crate::pages::Language;

impl People {
    /// Makes an account, or takes one that nobody has taken up yet, and invites its holder. What is given of one that is there already
    /// takes the place of what it had.
    pub(super) async fn invite(&self, mut user: NewUser, print: bool) -> Result<Value, AdministrationError> {
        let language = match &user.locale {
            Some(tag) => Language::of_tag(tag).ok_or_else(|| AdministrationError::Locale(tag.clone()))?,
            None => Language::English,
        };
        let fault = |fault| AdministrationError::Name { typed: user.username.clone(), fault };
        user.username = name::username(&user.username).map_err(fault)?;
        user.email = user.email.as_deref().map(address).transpose()?;
        let username = user.username.clone();
        let id = self.to_be_invited(user).await?;
        let invited = self.user(&id).await?.ok_or(AdministrationError::Unknown(username))?;
        self.send_invitation(&invited, language, print).await
    }

    async fn to_be_invited(&self, user: NewUser) -> Result<UserId, AdministrationError> {
        let by = IdentityActor::Operator;
        let Some((known, _)) = self.user_called(&user.username).await? else {
            return self.add_user(&user, None, by).await?.ok_or(AdministrationError::Taken);
        };
        if known.has_password || !self.passkeys(&known.id).await?.is_empty() {
            return Err(AdministrationError::TakenUp(known.username));
        }
        let some = |list: Vec<Arc<str>>| (!list.is_empty()).then_some(list);
        let NewUser { name, email, roles, groups, .. } = user;
        let change = Change { name, email, roles: some(roles), groups: some(groups), attributes: None };
        let is_changed = self.change_user(&known.id, &change, by).await?;
        if is_changed { Ok(known.id) } else { Err(AdministrationError::Taken) }
    }

    async fn send_invitation(
        &self,
        user: &User,
        language: Language,
        print: bool,
    ) -> Result<Value, AdministrationError> {
        let expires = time(self.ground.now().after(Purpose::Invitation.lasts()));
        let Some(address) = user.email.as_ref().filter(|_| self.has_mail() && !print) else {
            let link = self.link_for(&user.id, Purpose::Invitation, IdentityActor::Operator).await?;
            return Ok(json!({ "id": user.id, "username": user.username, "link": link, "expires": expires }));
        };
        self.post(Wish {
            kind: Kind::Invitation,
            to: Addressee::User(user.id.clone()),
            language,
            actor: IdentityActor::Operator,
            context: None,
        })?;
        Ok(json!({ "id": user.id, "username": user.username, "mail_to": address, "expires": expires }))
    }
}
