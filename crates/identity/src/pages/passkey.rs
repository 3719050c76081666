//! Passkeys: signing in with one, and making, listing and removing one's own.

use std::sync::Arc;

use bartizan_evidence::IdentityAction;
use bartizan_vault::{Secret, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Response;
use maud::{Markup, html};

use super::Pages;
use super::answers::redirect;
use super::ask::{Ask, Gate};
use super::authenticator::codes_page;
use super::layout::{Field, Message};
use super::login::login_page;
use crate::people::{
    Assertion, Challenge, KeyKind, Method, Methods, NewPasskey, Opened, Passkey, PasskeyFault, Standing, User, UserId,
    shown_time, verify_creation,
};
use crate::{Aaguid, IdentityError};

/// The steps' names, for what is sealed into their pages.
const USE: &str = "passkey";
const MAKE: &str = "new-passkey";
/// The longest name of a passkey, in characters.
const LONGEST_NAME: usize = 64;

/// Whose passkey is to be made.
struct Holder<'h> {
    user: &'h UserId,
    username: &'h str,
    roles: &'h [Arc<str>],
    known: &'h [Passkey],
}

/// A passkey that was just made, for a challenge that is not spent yet.
pub(super) struct Made {
    passkey: NewPasskey,
    opened: Opened<Challenge>,
}

impl Pages {
    /// The form by which a passkey signs in: hidden until its script says that the browser knows passkeys.
    pub(super) fn passkey_form(&self, ask: &Ask<'_>, return_to: Option<&str>) -> Result<Markup, IdentityError> {
        let (challenge, sealed) = self.challenge(ask, USE)?;
        Ok(html! {
            form method="post" action=(ask.url("/login/passkey")) hidden data-passkey="get" data-challenge=(challenge)
                data-relying-party=(self.people.relying_party()) {
                (ask.form_field())
                input type="hidden" name="ceremony" value=(sealed);
                @if let Some(to) = return_to { input type="hidden" name="return_to" value=(to); }
                @for name in ["id", "client_data", "authenticator_data", "signature"] { input type="hidden" name=(name); }
                button.quiet type="submit" { (ask.text.sign_in_with_passkey) }
                p.error role="alert" hidden { (ask.text.passkey_failed) }
            }
            (self.passkey_script(ask))
        })
    }

    fn passkey_script(&self, ask: &Ask<'_>) -> Markup {
        html! { script src=(ask.url(self.assets.script_path())) defer {} }
    }

    /// A challenge for the page, and the same sealed for when it comes back.
    fn challenge(&self, ask: &Ask<'_>, step: &str) -> Result<(String, String), IdentityError> {
        let challenge = Challenge(random::bytes(&self.people.ground.random)?);
        let text = URL_SAFE_NO_PAD.encode(challenge.0);
        let sealed = self.people.seal(step, ask.browser(), challenge, ask.context.now)?;
        Ok((text, sealed))
    }

    pub(super) async fn passkey_login(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let part = |name| URL_SAFE_NO_PAD.decode(ask.form.text(name)).unwrap_or_default();
        let assertion = Assertion {
            id: part("id"),
            client_data: part("client_data"),
            authenticator_data: part("authenticator_data"),
            signature: part("signature"),
        };
        let opened = self.people.unseal::<Challenge>(USE, ask.browser(), ask.form.text("ceremony"), ask.context.now);
        let Some(opened) = opened else {
            return login_page(self, ask, "", Some(&Message::Error(ask.text.step_too_old)));
        };
        match self.people.use_passkey(&assertion, &opened, ask.context).await? {
            Ok((user, method)) => self.let_in(ask, &user, &Methods::from(method), ask.return_to()).await,
            Err(fault) => {
                let method = Method::BoundPasskey;
                self.people.refused(ask.context, IdentityAction::SignIn, None, method, fault.code()).await?;
                login_page(self, ask, "", Some(&Message::Error(ask.text.passkey_failed)))
            }
        }
    }

    /// The form by which an account's holder makes another one.
    pub(super) async fn new_passkey_form(&self, ask: &Ask<'_>, standing: &Standing) -> Result<Markup, IdentityError> {
        let claims = &standing.claims;
        let known = self.people.passkeys(&standing.view.user).await?;
        let holder =
            Holder { user: &claims.sub, username: &claims.preferred_username, roles: &claims.roles, known: &known };
        self.making_form(ask, &ask.url("/account/passkeys"), &holder, None)
    }

    /// The same for whoever takes up an account by a link.
    pub(super) fn first_passkey_form(&self, ask: &Ask<'_>, user: &User, token: &str) -> Result<Markup, IdentityError> {
        let holder = Holder { user: &user.id, username: &user.username, roles: &user.roles, known: &[] };
        self.making_form(ask, &ask.url("/welcome/passkey"), &holder, Some(token))
    }

    fn making_form(
        &self,
        ask: &Ask<'_>,
        action: &str,
        holder: &Holder<'_>,
        token: Option<&str>,
    ) -> Result<Markup, IdentityError> {
        let (challenge, sealed) = self.challenge(ask, MAKE)?;
        let known: Vec<String> = holder.known.iter().map(|it| URL_SAFE_NO_PAD.encode(&it.id)).collect();
        // Browsers tell the kind of an authenticator to those who ask for its attestation, and ask their user before.
        let attestation = if self.people.may_use_authenticator(holder.roles, None) { "none" } else { "direct" };
        let kinds: Vec<String> = KeyKind::ALL.iter().map(|kind| kind.number().to_string()).collect();
        let name = Field {
            label: ask.text.passkey_name,
            name: "name",
            kind: "text",
            autocomplete: "off",
            value: "",
            hint: Some(ask.text.passkey_name_hint),
        };
        Ok(html! {
            form method="post" action=(action) hidden data-passkey="create" data-challenge=(challenge)
                data-relying-party=(self.people.relying_party()) data-place=(self.people.ground.config.name)
                data-user=(URL_SAFE_NO_PAD.encode(holder.user.to_bytes())) data-attestation=(attestation)
                data-username=(holder.username) data-kinds=(kinds.join(" ")) data-known=(known.join(" ")) {
                (ask.form_field())
                input type="hidden" name="ceremony" value=(sealed);
                @if let Some(token) = token { input type="hidden" name="token" value=(token); }
                @for name in ["client_data", "authenticator_data", "public_key", "kind"] { input type="hidden" name=(name); }
                (name.render())
                button.quiet type="submit" { (ask.text.add_passkey) }
                p.error role="alert" hidden { (ask.text.passkey_not_made) }
            }
            (self.passkey_script(ask))
        })
    }

    pub(super) async fn add_passkey(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = match ask.freshly_signed_in(true).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        let user = &standing.view.user;
        let made = match self.made_passkey(ask, user, &standing.claims.roles).await? {
            Ok(made) => made,
            Err(PasskeyFault::NotPermitted) => return self.not_permitted(ask, &standing).await,
            Err(_) => return Ok(redirect(&ask.url("/account?done=passkey-refused"))),
        };
        let Some(method) = self.keep_passkey(ask, user, made).await? else {
            return Ok(redirect(&ask.url("/account?done=passkey-refused")));
        };
        let answer = match self.first_recovery_codes(ask, user).await? {
            Some(codes) => codes_page(ask, &codes, "/account"),
            None => redirect(&ask.url("/account?done=passkey")),
        };
        let methods = standing.methods.clone().with(method);
        match self.people.finish_step_up(&standing.view, &methods, ask.context).await? {
            Some(begun) => self.with_session(answer, &begun, user),
            None => Ok(redirect(&ask.url("/login"))),
        }
    }

    /// Who is let in nowhere before they have a second factor is told where they get one.
    async fn not_permitted(&self, ask: &Ask<'_>, standing: &Standing) -> Result<Response<Bytes>, IdentityError> {
        if standing.view.is_restricted {
            return self.enrolment_refused(ask, standing).await;
        }
        Ok(redirect(&ask.url("/account?done=passkey-kind")))
    }

    /// The passkey that a form brings, if it holds.
    pub(super) async fn made_passkey(
        &self,
        ask: &Ask<'_>,
        user: &UserId,
        roles: &[Arc<str>],
    ) -> Result<Result<Made, PasskeyFault>, IdentityError> {
        let part = |name| URL_SAFE_NO_PAD.decode(ask.form.text(name)).unwrap_or_default();
        let opened = self.people.unseal::<Challenge>(MAKE, ask.browser(), ask.form.text("ceremony"), ask.context.now);
        let Some(opened) = opened else { return Ok(Err(PasskeyFault::Challenge)) };
        let kind = ask.form.text("kind").parse().unwrap_or_default();
        let (client_data, data, key) = (part("client_data"), part("authenticator_data"), part("public_key"));
        let expected = self.people.expected(&opened.content);
        let judged = verify_creation(&client_data, &data, kind, &key, expected).and_then(|passkey| {
            let is_permitted = self.people.may_use_authenticator(roles, Some(Aaguid::from_bytes(passkey.aaguid)));
            if is_permitted { Ok(passkey) } else { Err(PasskeyFault::NotPermitted) }
        });
        if let Err(fault) = &judged {
            let (action, method) = (IdentityAction::FactorAdded, Method::BoundPasskey);
            self.people.refused(ask.context, action, Some(user), method, fault.code()).await?;
        }
        Ok(judged.map(|passkey| Made { passkey, opened }))
    }

    /// Keeps it under the name that the form gives it; `None` if it cannot be kept.
    pub(super) async fn keep_passkey(
        &self,
        ask: &Ask<'_>,
        user: &UserId,
        made: Made,
    ) -> Result<Option<Method>, IdentityError> {
        let Made { passkey, opened } = made;
        let method = if passkey.is_synced { Method::SyncedPasskey } else { Method::BoundPasskey };
        let name: String =
            ask.form.text("name").trim().chars().filter(|it| !it.is_control()).take(LONGEST_NAME).collect();
        let is_kept =
            self.people.spend(&opened).await? && self.people.add_passkey(user, &name, passkey, ask.context.now).await?;
        if !is_kept {
            return Ok(None);
        }
        self.tell_of(ask, user, IdentityAction::FactorAdded, method).await?;
        Ok(Some(method))
    }

    /// Recovery codes for whoever has none yet.
    pub(super) async fn first_recovery_codes(
        &self,
        ask: &Ask<'_>,
        user: &UserId,
    ) -> Result<Option<Vec<Secret<String>>>, IdentityError> {
        if self.people.recovery_codes_left(user).await? > 0 {
            return Ok(None);
        }
        let codes = self.people.make_recovery_codes(user, ask.context.now).await?;
        self.tell_of(ask, user, IdentityAction::RecoveryCodesMade, Method::RecoveryCode).await?;
        Ok(Some(codes))
    }

    pub(super) async fn remove_passkey(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = match ask.freshly_signed_in(false).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        let id = URL_SAFE_NO_PAD.decode(ask.form.text("passkey")).unwrap_or_default();
        if self.people.remove_passkey(&standing.view.user, &id).await? {
            self.tell(ask, &standing, IdentityAction::FactorRemoved, Method::BoundPasskey).await?;
        }
        Ok(redirect(&ask.url("/account?done=passkey-removed")))
    }
}

/// The passkeys of an account, each with the way to be rid of it.
pub(super) fn passkey_list(ask: &Ask<'_>, passkeys: &[Passkey]) -> Markup {
    let text = ask.text;
    html! {
        @if passkeys.is_empty() { p { (text.no_passkeys) } }
        ul.devices {
            @for passkey in passkeys {
                li {
                    strong { (passkey.name) }
                    br;
                    (text.passkey_made) " " (shown_time(passkey.created_at))
                    @if let Some(used) = passkey.used_at { " · " (text.device_last_used) " " (shown_time(used)) }
                    form method="post" action=(ask.url("/account/passkeys/remove")) {
                        (ask.form_field())
                        input type="hidden" name="passkey" value=(URL_SAFE_NO_PAD.encode(&passkey.id));
                        button.danger type="submit" { (text.remove_passkey) }
                    }
                }
            }
        }
    }
}
