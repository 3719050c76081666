//! Pages behind a link that opens something once: taking up an account, a new password, the first administrator.

use bartizan_evidence::IdentityActor;
use bytes::Bytes;
use http::{Response, StatusCode};
use maud::{Markup, html};

use super::Pages;
use super::answers::redirect;
use super::ask::Ask;
use super::authenticator::codes_page;
use super::layout::{Field, Message};
use super::login::words;
use crate::IdentityError;
use crate::people::{
    ADMINISTRATOR, Link, Method, Methods, NewUser, PasskeyFault, PasswordFault, Purpose, User, username,
};

impl Pages {
    pub(super) async fn show_welcome(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let token = ask.query.text("token");
        Ok(match self.people.link(token, ask.context.now).await? {
            Some(Link { purpose: Purpose::Setup, .. }) => ask.page(ask.text.setup, None, &setup_form(ask, token, "")),
            Some(link @ Link { user: Some(_), .. }) if link.purpose.sets_password() => {
                self.welcome_page(ask, token, &link, None).await?
            }
            _ => too_old(ask),
        })
    }

    /// Makes the first administrator, who goes on to a second factor before anything else.
    pub(super) async fn setup(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let (token, typed) = (ask.form.text("token"), ask.form.text("username"));
        let link = self.people.link(token, ask.context.now).await?;
        let Some(link) = link.filter(|link| link.purpose == Purpose::Setup) else { return Ok(too_old(ask)) };
        let again = |text| ask.page(ask.text.setup, Some(&Message::Error(text)), &setup_form(ask, token, typed));
        let Ok(name) = username(typed) else { return Ok(again(ask.text.bad_name)) };
        let stored = match self.chosen_password(ask, &[&name], true).await? {
            Ok(stored) => stored,
            Err(text) => return Ok(again(text)),
        };
        if self.people.user_called(&name).await?.is_some() {
            return Ok(again(ask.text.name_taken));
        }
        // Used up first: of two who have the link, one makes an account.
        if !self.people.use_link(token, &link, ask.context.now).await? {
            return Ok(too_old(ask));
        }
        let user = NewUser { username: name, roles: vec![ADMINISTRATOR.into()], ..NewUser::default() };
        let Some(id) = self.people.add_user(&user, Some(&stored), IdentityActor::Operator).await? else {
            return Ok(again(ask.text.name_taken));
        };
        self.let_in(ask, &id, &Methods::from(Method::Password), None).await
    }

    pub(super) async fn welcome(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let token = ask.form.text("token");
        let Some((link, user)) = self.taken_up(token, ask).await? else { return Ok(too_old(ask)) };
        let has_second =
            self.people.has_second_factor(&user.id).await? || self.people.must_have_second_factor(&user.roles);
        let stored = match self.chosen_password(ask, &words(&user), has_second).await? {
            Ok(stored) => stored,
            Err(text) => return self.welcome_page(ask, token, &link, Some(&Message::Error(text))).await,
        };
        let is_set = self.people.use_link(token, &link, ask.context.now).await?
            && self.people.set_password(&user, &stored, None, ask.context).await?;
        // The new password is typed once more, and the second factor asked for: a link alone lets nobody in.
        if is_set { Ok(redirect(&ask.url("/login?done=password"))) } else { Ok(too_old(ask)) }
    }

    /// A passkey in place of a password, for whoever takes up an account.
    pub(super) async fn welcome_passkey(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let token = ask.form.text("token");
        let taken_up = self.taken_up(token, ask).await?;
        let Some((link, user)) = taken_up.filter(|(link, _)| link.purpose.is_invitation()) else {
            return Ok(too_old(ask));
        };
        if !self.may_begin_with_passkey(&user).await? {
            return Ok(too_old(ask));
        }
        let made = match self.made_passkey(ask, &user.id, &user.roles).await? {
            Ok(made) => made,
            Err(fault) => {
                let is_of_wrong_kind = fault == PasskeyFault::NotPermitted;
                let text = if is_of_wrong_kind { ask.text.passkey_kind_refused } else { ask.text.passkey_refused };
                return self.welcome_page(ask, token, &link, Some(&Message::Error(text))).await;
            }
        };
        // Used up first: of two who have the link, one gets in.
        let is_taken_up = self.people.use_link(token, &link, ask.context.now).await?
            && self.keep_passkey(ask, &user.id, made).await?.is_some();
        if !is_taken_up {
            return Ok(too_old(ask));
        }
        Ok(match self.first_recovery_codes(ask, &user.id).await? {
            Some(codes) => codes_page(ask, &codes, "/login"),
            None => redirect(&ask.url("/login?done=passkey")),
        })
    }

    /// What a link says, and whose account it opens.
    async fn taken_up(&self, token: &str, ask: &Ask<'_>) -> Result<Option<(Link, User)>, IdentityError> {
        let link = self.people.link(token, ask.context.now).await?;
        let Some(link) = link.filter(|link| link.purpose.sets_password()) else { return Ok(None) };
        let Some(id) = &link.user else { return Ok(None) };
        Ok(self.people.user(id).await?.map(|user| (link, user)))
    }

    /// A passkey is worth two factors: a link, which is worth one, gives it to nobody who has one already.
    async fn may_begin_with_passkey(&self, user: &User) -> Result<bool, IdentityError> {
        Ok(!user.has_password && user.disabled_at.is_none() && !self.people.has_second_factor(&user.id).await?)
    }

    async fn welcome_page(
        &self,
        ask: &Ask<'_>,
        token: &str,
        link: &Link,
        message: Option<&Message<'_>>,
    ) -> Result<Response<Bytes>, IdentityError> {
        let Some(id) = &link.user else { return Ok(too_old(ask)) };
        let Some(user) = self.people.user(id).await? else { return Ok(too_old(ask)) };
        let body = html! {
            (welcome_form(ask, token, &user))
            @if link.purpose.is_invitation() && self.may_begin_with_passkey(&user).await? {
                h2 { (ask.text.welcome_passkey) }
                (self.first_passkey_form(ask, &user, token)?)
            }
        };
        Ok(ask.page(ask.text.welcome, message, &body))
    }

    /// The password that a form has twice, hashed; or what is wrong with it.
    pub(super) async fn chosen_password(
        &self,
        ask: &Ask<'_>,
        words: &[&str],
        has_second_factor: bool,
    ) -> Result<Result<String, &'static str>, IdentityError> {
        let typed = ask.form.text("new_password");
        if ask.form.get("repeated").is_some_and(|repeated| repeated != typed) {
            return Ok(Err(ask.text.passwords_differ));
        }
        let judged = self.people.new_password(typed, words, has_second_factor).await?;
        Ok(judged.map_err(|fault| match fault {
            PasswordFault::Short(_) => ask.text.password_too_short,
            PasswordFault::Long => ask.text.password_too_long,
            PasswordFault::Guessable => ask.text.password_guessable,
            PasswordFault::Unchanged => ask.text.password_unchanged,
        }))
    }
}

pub(super) fn too_old(ask: &Ask<'_>) -> Response<Bytes> {
    let body = html! { p { (ask.text.link_too_old_why) } p { a href=(ask.url("/login")) { (ask.text.sign_in) } } };
    ask.page_with(StatusCode::GONE, ask.text.link_too_old, None, &body)
}

fn setup_form(ask: &Ask<'_>, token: &str, name: &str) -> Markup {
    let text = ask.text;
    let name_field = Field {
        label: text.type_username,
        name: "username",
        kind: "text",
        autocomplete: "username",
        value: name,
        hint: None,
    };
    html! {
        p { (text.setup_why) }
        form method="post" action=(ask.url("/setup")) {
            (ask.form_field())
            input type="hidden" name="token" value=(token);
            (name_field.render())
            (new_password_fields(ask))
            button type="submit" { (text.create_account) }
        }
    }
}

fn welcome_form(ask: &Ask<'_>, token: &str, user: &User) -> Markup {
    html! {
        p { (ask.text.welcome_why) " " strong { (user.username) } }
        form method="post" action=(ask.url("/welcome")) {
            (ask.form_field())
            input type="hidden" name="token" value=(token);
            input type="hidden" name="username" autocomplete="username" value=(user.username);
            (new_password_fields(ask))
            button type="submit" { (ask.text.set_password) }
        }
    }
}

pub(super) fn new_password_fields(ask: &Ask<'_>) -> Markup {
    let text = ask.text;
    let field =
        |label, name, hint| Field { label, name, kind: "password", autocomplete: "new-password", value: "", hint };
    html! {
        (field(text.new_password, "new_password", Some(text.password_hint)).render())
        (field(text.repeat_password, "repeated", None).render())
    }
}
