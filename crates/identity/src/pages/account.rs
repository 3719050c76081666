//! An account as its holder sees it.

use bartizan_evidence::{IdentityAction, IdentityActor};
use bytes::Bytes;
use http::Response;
use http::header::{self, HeaderValue};
use maud::{Markup, html};

use super::Pages;
use super::agent;
use super::answers::{self, redirect};
use super::ask::{Ask, Gate};
use super::layout::{Field, Message};
use super::login::words;
use super::passkey::passkey_list;
use super::welcome::new_password_fields;
use crate::IdentityError;
use crate::people::{Device, First, Method, Passkey, Standing, session_cookie, shown_time, spelled};

/// What the page shows of an account.
struct Shown {
    has_mail: bool,
    has_app: bool,
    codes_left: i64,
    passkeys: Vec<Passkey>,
    new_passkey: Markup,
    devices: Vec<Device>,
}

impl Pages {
    pub(super) async fn account(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = match ask.signed_in(false).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        let notice = match ask.query.text("done") {
            "password" => Some(Message::Notice(ask.text.password_set)),
            "app-removed" => Some(Message::Notice(ask.text.app_removed)),
            "passkey" => Some(Message::Notice(ask.text.passkey_added)),
            "passkey-removed" => Some(Message::Notice(ask.text.passkey_removed)),
            "passkey-refused" => Some(Message::Error(ask.text.passkey_refused)),
            "passkey-kind" => Some(Message::Error(ask.text.passkey_kind_refused)),
            "verification-sent" => Some(Message::Notice(ask.text.verification_sent)),
            "others" => Some(Message::Notice(ask.text.signed_out_others)),
            _ => None,
        };
        self.account_page(ask, &standing, notice.as_ref()).await
    }

    async fn account_page(
        &self,
        ask: &Ask<'_>,
        standing: &Standing,
        message: Option<&Message<'_>>,
    ) -> Result<Response<Bytes>, IdentityError> {
        let user = &standing.view.user;
        let shown = Shown {
            has_mail: self.people.has_mail(),
            has_app: self.people.has_totp(user).await?.is_some(),
            codes_left: self.people.recovery_codes_left(user).await?,
            passkeys: self.people.passkeys(user).await?,
            new_passkey: self.new_passkey_form(ask, standing).await?,
            devices: self.people.devices(user).await?,
        };
        Ok(ask.page(ask.text.your_account, message, &account_body(ask, standing, &shown)))
    }

    pub(super) async fn change_password(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = match ask.signed_in(false).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        let Some(user) = self.people.user(&standing.view.user).await? else { return Ok(redirect(&ask.url("/login"))) };
        let refuse = async |text| self.account_page(ask, &standing, Some(&Message::Error(text))).await;
        // Guessing here is counted as guessing at the sign-in is: a borrowed browser gives no more tries.
        let (password, headers) = (ask.form.text("password"), ask.request.headers());
        match self.people.check_password(&user.username, password, headers, ask.context).await? {
            First::Right(_) => {}
            First::Wrong => return refuse(ask.text.wrong_password).await,
            First::Wait(wait) => return Ok(answers::wait(wait, refuse(ask.text.too_many_tries).await?)),
        }
        let has_second = self.people.has_second_factor(&user.id).await?;
        if ask.form.text("new_password") == ask.form.text("password") {
            return refuse(ask.text.password_unchanged).await;
        }
        let stored = match self.chosen_password(ask, &words(&user), has_second).await? {
            Ok(stored) => stored,
            Err(text) => return refuse(text).await,
        };
        self.people.set_password(&user, &stored, Some(&standing.view.id), ask.context).await?;
        Ok(redirect(&ask.url("/account?done=password")))
    }

    pub(super) async fn end_sessions(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = match ask.signed_in(false).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        let user = &standing.view.user;
        match ask.form.get("session") {
            Some(session) => drop(self.people.end_session(user, session).await?),
            None => drop(self.people.end_other_sessions(user, &standing.view.id).await?),
        }
        self.tell(ask, &standing, IdentityAction::SessionsEnded, Method::Password).await?;
        Ok(redirect(&ask.url("/account?done=others")))
    }

    pub(super) async fn export(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = match ask.freshly_signed_in(false).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        let document = self.people.export_user(&standing.view.user).await?.unwrap_or_default();
        self.tell(ask, &standing, IdentityAction::UserExported, Method::Password).await?;
        let mut answer = Response::new(Bytes::from(format!("{document:#}\n")));
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"account.json\""));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(answer)
    }

    pub(super) async fn delete(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = match ask.freshly_signed_in(false).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        let typed = spelled(ask.form.text("confirm"));
        if typed != standing.claims.preferred_username {
            return self.account_page(ask, &standing, Some(&Message::Error(ask.text.username_differs))).await;
        }
        self.people.delete_user(&standing.view.user, IdentityActor::Holder).await?;
        let mut answer = ask.page(ask.text.account_deleted, None, &html! {});
        answer.headers_mut().append(header::SET_COOKIE, session_cookie(None));
        Ok(answer)
    }
}

fn account_body(ask: &Ask<'_>, standing: &Standing, shown: &Shown) -> Markup {
    let text = ask.text;
    let claims = &standing.claims;
    html! {
        p { (text.signed_in_as) " " strong { (claims.display_name()) } }
        @if let Some(email) = &claims.email { (email_address(ask, email, claims.email_verified, shown.has_mail)) }
        form method="post" action=(ask.url("/account/sign-out")) {
            (ask.form_field())
            button.quiet type="submit" { (text.sign_out) }
        }
        h2 { (text.passkeys) }
        (passkey_list(ask, &shown.passkeys))
        (shown.new_passkey)
        h2 { (text.second_factors) }
        (second_factors(ask, shown))
        h2 { (text.change_password) }
        (password_form(ask, &claims.preferred_username))
        h2 { (text.devices) }
        (devices(ask, standing, &shown.devices))
        h2 { (text.applications) }
        p { a href=(ask.url("/account/applications")) { (text.see_applications) } }
        h2 { (text.your_data) }
        p { a href=(ask.url("/account/export")) { (text.export_data) } }
        details {
            summary { (text.delete_account) }
            p { (text.delete_account_why) }
            form method="post" action=(ask.url("/account/delete")) {
                (ask.form_field())
                (Field { label: text.type_username, name: "confirm", kind: "text", autocomplete: "off", value: "", hint: None }.render())
                button.danger type="submit" { (text.delete_account) }
            }
        }
    }
}

fn email_address(ask: &Ask<'_>, email: &str, is_verified: bool, has_mail: bool) -> Markup {
    let text = ask.text;
    html! {
        p { (text.email_address) ": " (email) " (" (if is_verified { text.email_verified } else { text.email_not_verified }) ")" }
        @if has_mail && !is_verified {
            form method="post" action=(ask.url("/account/email")) {
                (ask.form_field())
                button.quiet type="submit" { (text.verify_email) }
            }
        }
    }
}

fn second_factors(ask: &Ask<'_>, shown: &Shown) -> Markup {
    let text = ask.text;
    html! {
        @if shown.has_app {
            p { (text.app_is_set_up) }
            p { (text.recovery_codes_left) " " (shown.codes_left) }
            form method="post" action=(ask.url("/account/recovery-codes")) {
                (ask.form_field())
                button.quiet type="submit" { (text.new_recovery_codes) }
            }
            form method="post" action=(ask.url("/account/authenticator/remove")) {
                (ask.form_field())
                button.danger type="submit" { (text.remove_app) }
            }
        } @else {
            p { (text.app_is_not_set_up) }
            form method="get" action=(ask.url("/account/authenticator")) {
                button.quiet type="submit" { (text.set_up_app) }
            }
        }
    }
}

fn password_form(ask: &Ask<'_>, username: &str) -> Markup {
    let current = Field {
        label: ask.text.current_password,
        name: "password",
        kind: "password",
        autocomplete: "current-password",
        value: "",
        hint: None,
    };
    html! {
        form method="post" action=(ask.url("/account/password")) {
            (ask.form_field())
            input type="hidden" name="username" autocomplete="username" value=(username);
            (current.render())
            (new_password_fields(ask))
            button type="submit" { (ask.text.change_password) }
        }
    }
}

fn devices(ask: &Ask<'_>, standing: &Standing, devices: &[Device]) -> Markup {
    let text = ask.text;
    html! {
        p { (text.devices_why) }
        ul.devices {
            @for device in devices {
                li {
                    strong { (agent::shown(&device.agent)) }
                    @if *device.id == *standing.view.id { " (" (text.this_device) ")" }
                    br;
                    (device.address) " · " (text.device_signed_in) " " (shown_time(device.created_at))
                    " · " (text.device_last_used) " " (shown_time(device.seen_at))
                    @if *device.id != *standing.view.id {
                        form method="post" action=(ask.url("/account/sessions/end")) {
                            (ask.form_field())
                            input type="hidden" name="session" value=(device.id);
                            button.quiet type="submit" { (text.sign_out_device) }
                        }
                    }
                }
            }
        }
        @if devices.len() > 1 {
            form method="post" action=(ask.url("/account/sessions/end")) {
                (ask.form_field())
                button.quiet type="submit" { (text.sign_out_others) }
            }
        }
    }
}
