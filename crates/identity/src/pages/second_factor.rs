//! The second step of a sign-in.

use bytes::Bytes;
use http::Response;
use maud::{Markup, html};

use super::Pages;
use super::answers;
use super::ask::Ask;
use super::layout::{Field, Message};
use crate::IdentityError;
use crate::people::{Pending, Second, Shown};

/// The step's name, for what is sealed into its page.
const STEP: &str = "second-factor";

impl Pages {
    pub(super) async fn ask_second_factor(
        &self,
        ask: &Ask<'_>,
        pending: &Pending,
        message: Option<&Message<'_>>,
    ) -> Result<Response<Bytes>, IdentityError> {
        let sealed = self.people.seal(STEP, ask.browser(), pending, ask.context.now)?;
        self.second_factor_page(ask, pending, &sealed, message).await
    }

    async fn second_factor_page(
        &self,
        ask: &Ask<'_>,
        pending: &Pending,
        sealed: &str,
        message: Option<&Message<'_>>,
    ) -> Result<Response<Bytes>, IdentityError> {
        let has_app = self.people.has_totp(&pending.user).await?.is_some();
        let has_passkey = !self.people.passkeys(&pending.user).await?.is_empty();
        let body = html! {
            p { (ask.text.second_factor_why) }
            @if has_passkey { (self.passkey_form(ask, pending.return_to.as_deref())?) }
            (second_factor_form(ask, sealed, has_app))
        };
        Ok(ask.page(ask.text.second_factor, message, &body))
    }

    pub(super) async fn second_factor(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let sealed = ask.form.text("pending");
        let Some(opened) = self.people.unseal::<Pending>(STEP, ask.browser(), sealed, ask.context.now) else {
            let again = html! { p { a href=(ask.url("/login")) { (ask.text.sign_in) } } };
            return Ok(ask.page(ask.text.sign_in, Some(&Message::Error(ask.text.step_too_old)), &again));
        };
        let pending = &opened.content;
        let second = match ask.form.get("recovery_code") {
            Some(code) => Second::RecoveryCode(code),
            None => Second::Totp(ask.form.text("code")),
        };
        let again = async |text| self.second_factor_page(ask, pending, sealed, Some(&Message::Error(text))).await;
        let method = match self.people.check_second_factor(&pending.user, &second, ask.context).await? {
            Shown::Wrong => return again(ask.text.wrong_code).await,
            Shown::Wait(wait) => return Ok(answers::wait(wait, again(ask.text.too_many_tries).await?)),
            Shown::Right(method) => method,
        };
        if !self.people.spend(&opened).await? {
            return again(ask.text.step_too_old).await;
        }
        let methods = pending.methods.clone().with(method);
        let return_to = pending.return_to.as_deref();
        let Some(session) = &pending.session else { return self.let_in(ask, &pending.user, &methods, return_to).await };
        let standing = self.people.session(ask.request.headers()).await?;
        let Some(view) = standing.filter(|view| *view.id == **session && view.user == pending.user) else {
            return again(ask.text.step_too_old).await;
        };
        match self.people.finish_step_up(&view, &methods, ask.context).await? {
            Some(begun) => self.with_session(ask.go_on(return_to), &begun, &view.user),
            None => again(ask.text.step_too_old).await,
        }
    }
}

fn second_factor_form(ask: &Ask<'_>, sealed: &str, has_app: bool) -> Markup {
    let text = ask.text;
    let code = Field {
        label: text.code_from_app,
        name: "code",
        kind: "text",
        autocomplete: "one-time-code",
        value: "",
        hint: Some(text.code_from_app_hint),
    };
    let recovery = Field {
        label: text.recovery_code,
        name: "recovery_code",
        kind: "text",
        autocomplete: "off",
        value: "",
        hint: None,
    };
    let form = |field: &Field<'_>| {
        html! {
            form method="post" action=(ask.url("/login/second")) {
                (ask.form_field())
                input type="hidden" name="pending" value=(sealed);
                (field.render())
                button type="submit" { (text.verify) }
            }
        }
    };
    html! {
        @if has_app { (form(&code)) }
        details {
            summary { (text.use_recovery_code) }
            (form(&recovery))
        }
    }
}
