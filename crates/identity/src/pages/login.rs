//! The sign-in, and the way out.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header;
use maud::{Markup, html};

use super::Pages;
use super::answers::{self, redirect};
use super::ask::{Ask, Gate};
use super::layout::{Field, Message};
use crate::IdentityError;
use crate::people::{Acr, Begun, First, Method, Methods, Pending, User, UserId, satisfies, session_cookie};

impl Pages {
    /// The form; or the way on, for whoever is signed in well enough already.
    pub(super) async fn show_login(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = self.people.standing(ask.request.headers()).await?;
        let mut hint = ask.query.text("login_hint").to_owned();
        if let Some(standing) = standing {
            if standing.view.is_restricted {
                // What led here opens to nobody without a second factor, and would lead here again.
                return Ok(redirect(&ask.url("/account/authenticator")));
            }
            let wanted = ask.query.text("acr_values").split(' ').filter_map(Acr::parse).min();
            let age = ask.query.get("max_age").and_then(|it| it.parse().ok()).map(Duration::from_secs);
            let not_before = age.map(|age| ask.context.now.before(age));
            let is_anew = ask.query.text("prompt").split(' ').any(|it| it == "login");
            if !is_anew && satisfies(&standing.view, None, not_before) {
                if satisfies(&standing.view, wanted, None) {
                    return Ok(ask.go_on(ask.return_to()));
                }
                if self.people.has_second_factor(&standing.view.user).await? {
                    let pending = Pending {
                        user: standing.view.user.clone(),
                        methods: Methods::from(Method::Password),
                        session: Some(standing.view.id.to_string()),
                        return_to: ask.return_to().map(str::to_owned),
                    };
                    return self.ask_second_factor(ask, &pending, None).await;
                }
            }
            hint.clone_from(&standing.claims.preferred_username);
        }
        let notice = match ask.query.text("done") {
            "signed-out" => Some(Message::Notice(ask.text.signed_out)),
            "password" => Some(Message::Notice(ask.text.password_set)),
            "passkey" => Some(Message::Notice(ask.text.passkey_set)),
            _ => None,
        };
        Ok(ask.page(ask.text.sign_in, notice.as_ref(), &self.login_forms(ask, &hint)?))
    }

    fn login_forms(&self, ask: &Ask<'_>, name: &str) -> Result<Markup, IdentityError> {
        Ok(html! {
            (login_form(ask, name))
            (self.passkey_form(ask, ask.return_to())?)
            @if self.people.has_mail() { p.aside { a href=(ask.url("/forgotten")) { (ask.text.forgotten) } } }
        })
    }

    pub(super) async fn login(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let (name, password) = (ask.form.text("username"), ask.form.text("password"));
        let headers = ask.request.headers();
        let first = self.people.check_password(name, password, headers, ask.context).await?;
        let again = |text| login_page(self, ask, name, Some(&Message::Error(text)));
        let user = match first {
            First::Wrong => return again(ask.text.wrong_credentials),
            First::Wait(wait) => return Ok(answers::wait(wait, again(ask.text.too_many_tries)?)),
            First::Right(user) => user,
        };
        let methods = Methods::from(Method::Password);
        if self.people.has_second_factor(&user.id).await? {
            let return_to = ask.return_to().map(str::to_owned);
            let pending = Pending { user: user.id, methods, session: None, return_to };
            return self.ask_second_factor(ask, &pending, None).await;
        }
        self.let_in(ask, &user.id, &methods, ask.return_to()).await
    }

    /// Begins a session, and ends the one that the browser had.
    pub(super) async fn let_in(
        &self,
        ask: &Ask<'_>,
        user: &UserId,
        methods: &Methods,
        return_to: Option<&str>,
    ) -> Result<Response<Bytes>, IdentityError> {
        let Some(begun) = self.people.finish_sign_in(user, methods, ask.context).await? else {
            return login_page(self, ask, "", Some(&Message::Error(ask.text.wrong_credentials)));
        };
        if let Some(old) = self.people.session(ask.request.headers()).await? {
            self.people.end_session(&old.user, &old.id).await?;
        }
        self.with_session(ask.go_on(return_to), &begun, user)
    }

    /// Hands the browser its session, and the mark by which it is known again.
    pub(super) fn with_session(
        &self,
        mut answer: Response<Bytes>,
        begun: &Begun,
        user: &UserId,
    ) -> Result<Response<Bytes>, IdentityError> {
        answer.headers_mut().append(header::SET_COOKIE, session_cookie(Some(&begun.token)));
        answer.headers_mut().append(header::SET_COOKIE, self.people.known_device(user)?);
        Ok(answer)
    }

    /// Where another site sends somebody who may want to leave: any could, so that they are asked.
    pub(super) async fn ask_to_sign_out(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = match ask.signed_in(true).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        let body = html! {
            p { (ask.text.signed_in_as) " " strong { (standing.claims.display_name()) } }
            form method="post" action=(ask.url("/account/sign-out")) {
                (ask.form_field())
                button type="submit" { (ask.text.sign_out) }
            }
            p { a href=(ask.url("/account")) { (ask.text.your_account) } }
        };
        Ok(ask.page(ask.text.ask_to_sign_out, None, &body))
    }

    pub(super) async fn sign_out(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        if let Gate::Open(standing) = ask.signed_in(true).await? {
            self.people.sign_out(&standing.view, ask.context).await?;
        }
        let mut answer = redirect(&ask.url("/login?done=signed-out"));
        answer.headers_mut().append(header::SET_COOKIE, session_cookie(None));
        Ok(answer)
    }
}

/// The sign-in, with what is to be said first.
pub(super) fn login_page(
    pages: &Pages,
    ask: &Ask<'_>,
    name: &str,
    message: Option<&Message<'_>>,
) -> Result<Response<Bytes>, IdentityError> {
    Ok(ask.page(ask.text.sign_in, message, &pages.login_forms(ask, name)?))
}

fn login_form(ask: &Ask<'_>, name: &str) -> Markup {
    let text = ask.text;
    let name_field = Field {
        label: text.username,
        name: "username",
        kind: "text",
        autocomplete: "username",
        value: name,
        hint: None,
    };
    let password = Field {
        label: text.password,
        name: "password",
        kind: "password",
        autocomplete: "current-password",
        value: "",
        hint: None,
    };
    html! {
        form method="post" action=(ask.url("/login")) {
            (ask.form_field())
            @if let Some(to) = ask.return_to() { input type="hidden" name="return_to" value=(to); }
            (name_field.render())
            (password.render())
            button type="submit" { (text.sign_in) }
        }
    }
}

/// What a person's password must not be made of.
pub(super) fn words(user: &User) -> Vec<&str> {
    [Some(user.username.as_str()), user.name.as_deref(), user.email.as_deref()].into_iter().flatten().collect()
}
