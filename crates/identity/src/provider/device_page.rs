//! Where somebody types the code that a device shows, and says whether it may.

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityResult, Name};
use bytes::Bytes;
use http::{Method, Response};
use maud::html;
use serde::{Deserialize, Serialize};

use super::Provider;
use super::authorize::signed_in;
use super::client::ClientId;
use super::consent;
use super::device::{Decision, spelled};
use super::pages::{asked_for, decision};
use crate::IdentityError;
use crate::pages::{Ask, Field, Gate, Message, redirect, wait};
use crate::people::{Counted, Standing, Turn};

/// The step's name, for what is sealed into its page.
const STEP: &str = "device";

/// A device, as the question about it carries it.
#[derive(Serialize, Deserialize)]
struct Question {
    device: [u8; 32],
    client: String,
    scopes: Vec<String>,
    /// The session that is asked.
    session: String,
}

impl Provider {
    pub(super) async fn device_page(&self, path: &str, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let is_post = *ask.request.method() == Method::POST;
        if is_post && let Some(refusal) = ask.foreign_form() {
            return Ok(refusal);
        }
        let here = ask.request.uri().path_and_query().map_or("", |it| it.as_str());
        let here = if is_post { ask.url("/device") } else { here.to_owned() };
        let standing = match ask.signed_in_to(&here, false).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        match (path, is_post) {
            ("/device/code", true) => self.typed_code(ask, &standing).await,
            ("/device/decision", true) => self.device_decision(ask, &standing).await,
            ("/device", _) => Ok(code_page(ask, ask.query.text("user_code"), None)),
            _ => Ok(redirect(&ask.url("/device"))),
        }
    }

    async fn typed_code(&self, ask: &Ask<'_>, standing: &Standing) -> Result<Response<Bytes>, IdentityError> {
        let (typed, now) = (ask.form.text("user_code"), ask.context.now);
        let counted = Counted::device_code(standing.view.user.as_str(), ask.context);
        if let Turn::Wait(time) = self.people.take_turn(&counted, now).await? {
            let page = code_page(ask, typed, Some(&Message::Error(ask.text.too_many_tries)));
            return Ok(wait(time, page));
        }
        let unknown = || code_page(ask, typed, Some(&Message::Error(ask.text.device_unknown)));
        let Some(waiting) = self.waiting_device(typed, now).await? else { return Ok(unknown()) };
        let client = ClientId::new(&waiting.client).and_then(|id| self.clients.find(&id));
        let Some(client) = client.filter(|client| client.is_enabled) else { return Ok(unknown()) };
        let (scopes, session) = (waiting.scopes.clone(), standing.view.id.to_string());
        let question = Question { device: waiting.hash, client: waiting.client, scopes, session };
        let sealed = self.people.seal(STEP, ask.browser(), question, now)?;
        let body = html! {
            p { strong { (client.registration.name) } " " (ask.text.client_asks_for) }
            (asked_for(ask.text, &waiting.scopes))
            p { (ask.text.signed_in_as) " " strong { (standing.claims.display_name()) } }
            p { (ask.text.device_check) }
            p.code { (spelled(typed).unwrap_or_default()) }
            form method="post" action=(ask.url("/device/decision")) {
                (ask.form_field())
                input type="hidden" name="question" value=(sealed);
                (decision(ask.text))
            }
        };
        Ok(ask.page(ask.text.device_title, None, &body))
    }

    async fn device_decision(&self, ask: &Ask<'_>, standing: &Standing) -> Result<Response<Bytes>, IdentityError> {
        let now = ask.context.now;
        let opened = self.people.unseal::<Question>(STEP, ask.browser(), ask.form.text("question"), now);
        let opened = opened.filter(|opened| *opened.content.session == *standing.view.id);
        let unknown = || code_page(ask, "", Some(&Message::Error(ask.text.device_unknown)));
        let Some(opened) = opened else { return Ok(unknown()) };
        let decision = if ask.form.get("decision") == Some("allow") { Decision::Allowed } else { Decision::Denied };
        let who = signed_in(&standing.view);
        if !self.people.spend(&opened).await? {
            return Ok(unknown());
        }
        let Question { device, client, scopes, .. } = opened.content;
        if let (Decision::Allowed, Some(client)) =
            (decision, ClientId::new(&client).and_then(|id| self.clients.find(&id)))
        {
            // Before the device may: what the account's page does not show, nobody can take back.
            consent::remember(&self.ground, &who.subject, &client, &scopes).await?;
        }
        if !self.decide_device(device, decision, &who, now).await? {
            return Ok(unknown());
        }
        let (result, said) = match decision {
            Decision::Allowed => (IdentityResult::Done, Message::Notice(ask.text.device_connected)),
            Decision::Denied => (IdentityResult::Refused("denied-by-person"), Message::Notice(ask.text.device_refused)),
        };
        let mut event = ask.context.event(IdentityAction::ConsentGiven, result, IdentityActor::Holder);
        event.user = Some(Name::new(&who.subject));
        event.session = Some(Name::new(&who.session));
        event.client = Some(Name::new(&client));
        self.ground.record(event).await?;
        Ok(ask.page(ask.text.device_title, Some(&said), &html! {}))
    }
}

fn code_page(ask: &Ask<'_>, code: &str, message: Option<&Message<'_>>) -> Response<Bytes> {
    let field = Field {
        label: ask.text.device_code,
        name: "user_code",
        kind: "text",
        autocomplete: "off",
        value: code,
        hint: Some(ask.text.device_code_hint),
    };
    let body = html! {
        p { (ask.text.device_why) }
        form method="post" action=(ask.url("/device/code")) {
            (ask.form_field())
            (field.render())
            button type="submit" { (ask.text.go_on) }
        }
    };
    ask.page(ask.text.device_title, message, &body)
}
