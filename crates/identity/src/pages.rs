//! The pages: rendered here, whole without a script (passkeys apart), in the reader's language, and under a policy that runs nothing
//! but our own files.

mod account;
mod agent;
mod answers;
mod ask;
mod assets;
mod authenticator;
mod email;
mod form;
pub(crate) mod language;
mod layout;
mod login;
mod passkey;
mod return_to;
mod second_factor;
mod welcome;

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};

use email::forgotten_page;

use crate::people::People;
use crate::{Context, IdentityError};

pub(crate) use answers::{failed, leading_on, redirect, sending_to, wait};
pub(crate) use ask::{Ask, Gate};
pub(crate) use assets::Assets;
pub(crate) use language::{Language, Texts};
pub(crate) use layout::{Field, Message};

/// What answers below the path of all endpoints.
pub(crate) struct Pages {
    people: Arc<People>,
    assets: Arc<Assets>,
}

impl Pages {
    pub(crate) const fn new(people: Arc<People>, assets: Arc<Assets>) -> Self {
        Self { people, assets }
    }

    /// The answer to a request. What fails inside is logged here, and told to nobody else.
    pub(crate) async fn answer(&self, request: &Request<Bytes>, context: &Context) -> Response<Bytes> {
        let path = request.uri().path().strip_prefix(&*self.people.ground.config.path).unwrap_or_default();
        if let Some(asset) = self.assets.answer(request.method(), path) {
            return asset;
        }
        let ask = match Ask::of(request, context, &self.people, &self.assets) {
            Ok(ask) => ask,
            Err(cause) => return answers::failed(&cause),
        };
        let answer = self.dispatch(path, &ask).await.unwrap_or_else(|cause| ask.failed(&cause));
        ask.finish(answer)
    }

    async fn dispatch(&self, path: &str, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let is_post = *ask.request.method() == Method::POST;
        if is_post && let Some(refusal) = ask.foreign_form() {
            return Ok(refusal);
        }
        match (path, is_post) {
            ("/login", false) => self.show_login(ask).await,
            ("/login", true) => self.login(ask).await,
            ("/login/passkey", true) => self.passkey_login(ask).await,
            ("/login/second", true) => self.second_factor(ask).await,
            ("/forgotten", false) if self.people.has_mail() => Ok(forgotten_page(ask, "", None)),
            ("/forgotten", true) if self.people.has_mail() => self.forgotten(ask).await,
            ("/verify", false) => self.show_verification(ask).await,
            ("/verify", true) => self.verify_email(ask).await,
            ("/setup" | "/welcome", false) => self.show_welcome(ask).await,
            ("/setup", true) => self.setup(ask).await,
            ("/welcome", true) => self.welcome(ask).await,
            ("/welcome/passkey", true) => self.welcome_passkey(ask).await,
            ("/account", false) => self.account(ask).await,
            ("/account/sign-out", false) => self.ask_to_sign_out(ask).await,
            ("/account/sign-out", true) => self.sign_out(ask).await,
            ("/account/email", true) if self.people.has_mail() => self.ask_to_verify(ask).await,
            ("/account/password", true) => self.change_password(ask).await,
            ("/account/sessions/end", true) => self.end_sessions(ask).await,
            ("/account/export", false) => self.export(ask).await,
            ("/account/delete", true) => self.delete(ask).await,
            ("/account/authenticator", false) => self.show_authenticator(ask).await,
            ("/account/authenticator", true) => self.add_authenticator(ask).await,
            ("/account/authenticator/remove", true) => self.remove_authenticator(ask).await,
            ("/account/passkeys", true) => self.add_passkey(ask).await,
            ("/account/passkeys/remove", true) => self.remove_passkey(ask).await,
            ("/account/recovery-codes", true) => self.new_recovery_codes(ask).await,
            _ => Ok(ask.not_found()),
        }
    }
}
