//! Setting up an authenticator app, and the recovery codes that come with it.

use std::fmt::Write as _;

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityResult, Name};
use bartizan_vault::Secret;
use bytes::Bytes;
use http::Response;
use maud::{Markup, PreEscaped, html};
use qrcodegen::{QrCode, QrCodeEcc};

use super::Pages;
use super::answers::redirect;
use super::ask::{Ask, Gate};
use super::layout::{Field, Message};
use crate::IdentityError;
use crate::people::{Method, Standing, TotpSecret, UserId};

const STEP: &str = "authenticator";

impl Pages {
    pub(super) async fn show_authenticator(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = match ask.freshly_signed_in(true).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        let secret = TotpSecret::generate(&self.people.ground.random)?;
        let required = standing.view.is_restricted.then_some(Message::Notice(ask.text.app_required));
        self.enrolment(ask, &standing, &secret, required.as_ref()).await
    }

    async fn enrolment(
        &self,
        ask: &Ask<'_>,
        standing: &Standing,
        secret: &TotpSecret,
        message: Option<&Message<'_>>,
    ) -> Result<Response<Bytes>, IdentityError> {
        let sealed = self.people.seal(STEP, ask.browser(), secret.to_base32(), ask.context.now)?;
        let uri = secret.uri(&self.people.ground.config.name, &standing.claims.preferred_username);
        let text = ask.text;
        let code = Field {
            label: text.code_from_app,
            name: "code",
            kind: "text",
            autocomplete: "one-time-code",
            value: "",
            hint: Some(text.code_from_app_hint),
        };
        let body = html! {
            p { (text.scan_code) }
            (qr(&uri, text.scan_code)?)
            p { (text.cannot_scan) }
            p { code { (in_groups(&secret.to_base32())) } }
            form method="post" action=(ask.url("/account/authenticator")) {
                (ask.form_field())
                input type="hidden" name="enrolment" value=(sealed);
                (code.render())
                button type="submit" { (text.verify) }
            }
            h2 { (text.or_passkey) }
            (self.new_passkey_form(ask, standing).await?)
            form method="post" action=(ask.url("/account/sign-out")) {
                (ask.form_field())
                button.quiet type="submit" { (text.sign_out) }
            }
        };
        Ok(ask.page(text.set_up_app, message, &body))
    }

    pub(super) async fn add_authenticator(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = match ask.freshly_signed_in(true).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        let now = ask.context.now;
        let opened = self.people.unseal::<String>(STEP, ask.browser(), ask.form.text("enrolment"), now);
        let secret = opened.as_ref().and_then(|opened| TotpSecret::from_base32(&opened.content));
        let (Some(opened), Some(secret)) = (opened, secret) else {
            return Ok(redirect(&ask.url("/account/authenticator")));
        };
        let Some(step) = secret.step_of(ask.form.text("code"), now) else {
            return self.enrolment(ask, &standing, &secret, Some(&Message::Error(ask.text.wrong_code))).await;
        };
        if !self.people.spend(&opened).await? {
            return Ok(redirect(&ask.url("/account")));
        }
        let user = &standing.view.user;
        self.people.add_totp(user, &secret, step, now).await?;
        self.tell(ask, &standing, IdentityAction::FactorAdded, Method::Totp).await?;
        let codes = self.people.make_recovery_codes(user, now).await?;
        self.tell(ask, &standing, IdentityAction::RecoveryCodesMade, Method::RecoveryCode).await?;
        // Whoever had a look at the old cookie must not have the account's new strength.
        let methods = standing.methods.clone().with(Method::Totp);
        let page = codes_page(ask, &codes, "/account");
        match self.people.finish_step_up(&standing.view, &methods, ask.context).await? {
            Some(begun) => self.with_session(page, &begun, user),
            None => Ok(redirect(&ask.url("/login"))),
        }
    }

    pub(super) async fn remove_authenticator(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = match ask.freshly_signed_in(false).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        if self.people.remove_totp(&standing.view.user).await? {
            self.tell(ask, &standing, IdentityAction::FactorRemoved, Method::Totp).await?;
        }
        Ok(redirect(&ask.url("/account?done=app-removed")))
    }

    pub(super) async fn new_recovery_codes(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = match ask.freshly_signed_in(false).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        let codes = self.people.make_recovery_codes(&standing.view.user, ask.context.now).await?;
        self.tell(ask, &standing, IdentityAction::RecoveryCodesMade, Method::RecoveryCode).await?;
        Ok(codes_page(ask, &codes, "/account"))
    }

    /// The page where a second factor is set up, for whoever brought one that they may not use.
    pub(super) async fn enrolment_refused(
        &self,
        ask: &Ask<'_>,
        standing: &Standing,
    ) -> Result<Response<Bytes>, IdentityError> {
        let secret = TotpSecret::generate(&self.people.ground.random)?;
        self.enrolment(ask, standing, &secret, Some(&Message::Error(ask.text.passkey_kind_refused))).await
    }

    /// Records what whoever takes up an account did to it.
    pub(super) async fn tell_of(
        &self,
        ask: &Ask<'_>,
        user: &UserId,
        action: IdentityAction,
        method: Method,
    ) -> Result<(), IdentityError> {
        let mut event = ask.context.event(action, IdentityResult::Done, IdentityActor::Holder);
        event.user = Some(Name::new(user.as_str()));
        event.method = Some(method.as_str());
        self.people.ground.record(event).await
    }

    /// Records what an account's holder did to it.
    pub(super) async fn tell(
        &self,
        ask: &Ask<'_>,
        standing: &Standing,
        action: IdentityAction,
        method: Method,
    ) -> Result<(), IdentityError> {
        let mut event = ask.context.event(action, IdentityResult::Done, IdentityActor::Holder);
        event.user = Some(Name::new(standing.view.user.as_str()));
        event.session = Some(Name::new(&standing.view.id));
        event.method = Some(method.as_str());
        self.people.ground.record(event).await
    }
}

/// The codes, shown this once; then on to `next`.
pub(super) fn codes_page(ask: &Ask<'_>, codes: &[Secret<String>], next: &str) -> Response<Bytes> {
    let body = html! {
        p { (ask.text.recovery_codes_why) }
        ul.codes { @for code in codes { li { (code.expose()) } } }
        form method="get" action=(ask.url(next)) { button type="submit" { (ask.text.written_down) } }
    };
    ask.page(ask.text.recovery_codes, None, &body)
}

/// A QR code as SVG: one path of squares. Dark on light in both forms of the page, as cameras want it.
fn qr(content: &str, label: &str) -> Result<Markup, IdentityError> {
    let code = QrCode::encode_text(content, QrCodeEcc::Medium)
        .map_err(|cause| IdentityError::Library { operation: "drawing a QR code", cause: cause.to_string() })?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            // Writing into a text does not fail.
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    let size = code.size();
    Ok(html! {
        svg.qr xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {size} {size}")) role="img" aria-label=(label) shape-rendering="crispEdges" {
            path fill="#000" d=(PreEscaped(path)) {}
        }
    })
}

fn in_groups(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}
