//! What is done by mail: a new password for those who forgot theirs, and the proof that an address is its holder's.

use bartizan_evidence::IdentityActor;
use bytes::Bytes;
use http::Response;
use maud::html;

use super::Pages;
use super::answers::{self, redirect};
use super::ask::{Ask, Gate};
use super::layout::{Field, Message};
use super::welcome::too_old;
use crate::IdentityError;
use crate::mail::Kind;
use crate::people::{Addressee, Counted, Link, Purpose, Turn, Wish, spelled};

impl Pages {
    /// Whoever asks gets the same answer, as soon, whether there is such an account or not: nobody has looked yet.
    pub(super) async fn forgotten(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let called = spelled(ask.form.text("username"));
        if let Turn::Wait(wait) = self.people.take_turn(&Counted::mail(&called, ask.context), ask.context.now).await? {
            let page = forgotten_page(ask, &called, Some(&Message::Error(ask.text.too_many_tries)));
            return Ok(answers::wait(wait, page));
        }
        self.people.post(wish(ask, Kind::Reset, Addressee::Called(called), IdentityActor::Anyone))?;
        let body = html! { p.aside { a href=(ask.url("/login")) { (ask.text.sign_in) } } };
        Ok(ask.page(ask.text.new_password_by_mail, Some(&Message::Notice(ask.text.link_is_sent)), &body))
    }

    pub(super) async fn ask_to_verify(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let standing = match ask.signed_in(false).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        let user = &standing.view.user;
        if let Turn::Wait(wait) =
            self.people.take_turn(&Counted::mail(user.as_str(), ask.context), ask.context.now).await?
        {
            return Ok(answers::wait(wait, redirect(&ask.url("/account"))));
        }
        self.people.post(wish(ask, Kind::Verification, Addressee::User(user.clone()), IdentityActor::Holder))?;
        Ok(redirect(&ask.url("/account?done=verification-sent")))
    }

    /// Opening the link does nothing yet: programs that look at mails on their way open links, too.
    pub(super) async fn show_verification(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let token = ask.query.text("token");
        let Some(link) = self.verification(token, ask).await? else { return Ok(too_old(ask)) };
        let Some(user) = &link.user else { return Ok(too_old(ask)) };
        let Some(user) = self.people.user(user).await? else { return Ok(too_old(ask)) };
        let body = html! {
            p { (ask.text.verify_email_why) " " strong { (user.email.unwrap_or_default()) } }
            form method="post" action=(ask.url("/verify")) {
                (ask.form_field())
                input type="hidden" name="token" value=(token);
                button type="submit" { (ask.text.verify) }
            }
        };
        Ok(ask.page(ask.text.verify_email_title, None, &body))
    }

    pub(super) async fn verify_email(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let token = ask.form.text("token");
        let Some(link) = self.verification(token, ask).await? else { return Ok(too_old(ask)) };
        if !self.people.verify_address(token, &link, ask.context).await? {
            return Ok(too_old(ask));
        }
        let body = html! { p { a href=(ask.url("/account")) { (ask.text.your_account) } } };
        Ok(ask.page(ask.text.verify_email_title, Some(&Message::Notice(ask.text.email_is_verified)), &body))
    }

    async fn verification(&self, token: &str, ask: &Ask<'_>) -> Result<Option<Link>, IdentityError> {
        let link = self.people.link(token, ask.context.now).await?;
        Ok(link.filter(|link| link.purpose == Purpose::Verification))
    }
}

fn wish(ask: &Ask<'_>, kind: Kind, to: Addressee, actor: IdentityActor) -> Wish {
    Wish { kind, to, language: ask.language, actor, context: Some(ask.context.clone()) }
}

pub(super) fn forgotten_page(ask: &Ask<'_>, name: &str, message: Option<&Message<'_>>) -> Response<Bytes> {
    let field = Field {
        label: ask.text.username,
        name: "username",
        kind: "text",
        autocomplete: "username",
        value: name,
        hint: None,
    };
    let body = html! {
        p { (ask.text.forgotten_why) }
        form method="post" action=(ask.url("/forgotten")) {
            (ask.form_field())
            (field.render())
            button type="submit" { (ask.text.send_link) }
        }
        p.aside { a href=(ask.url("/login")) { (ask.text.sign_in) } }
    };
    ask.page(ask.text.new_password_by_mail, message, &body)
}
