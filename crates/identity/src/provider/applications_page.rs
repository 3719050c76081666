//! What a person allowed applications, where its holder sees it and takes it back.

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityResult, Name};
use bytes::Bytes;
use http::{Method, Response};
use maud::html;

use super::Provider;
use super::client::ClientId;
use super::pages::asked_for;
use crate::IdentityError;
use crate::pages::{Ask, Gate, Message, redirect};
use crate::people::{Standing, shown_time};

impl Provider {
    pub(super) async fn applications_page(&self, ask: &Ask<'_>) -> Result<Response<Bytes>, IdentityError> {
        let is_post = *ask.request.method() == Method::POST;
        if is_post && let Some(refusal) = ask.foreign_form() {
            return Ok(refusal);
        }
        let standing = match ask.signed_in(false).await? {
            Gate::Open(standing) => standing,
            Gate::Answer(answer) => return Ok(answer),
        };
        if is_post { self.take_back(ask, &standing).await } else { self.applications(ask, &standing).await }
    }

    async fn applications(&self, ask: &Ask<'_>, standing: &Standing) -> Result<Response<Bytes>, IdentityError> {
        let text = ask.text;
        let allowed = self.allowed(standing.view.user.as_str()).await?;
        let name = |id: &str| {
            let client = ClientId::new(id).and_then(|id| self.clients.find(&id));
            client.map_or_else(|| id.to_owned(), |client| client.registration.name.clone())
        };
        let body = html! {
            p { (if allowed.is_empty() { text.no_applications } else { text.applications_why }) }
            @for one in &allowed {
                h2 { (name(&one.client)) }
                (asked_for(text, &one.scopes))
                p.hint { (text.allowed_on) " " (shown_time(one.at)) }
                form method="post" action=(ask.url("/account/applications")) {
                    (ask.form_field())
                    input type="hidden" name="client" value=(one.client);
                    button.quiet type="submit" aria-label=(format!("{}: {}", text.take_back, name(&one.client))) { (text.take_back) }
                }
            }
            p { a href=(ask.url("/account")) { (text.your_account) } }
        };
        let message = (ask.query.text("done") == "taken-back").then_some(Message::Notice(text.taken_back));
        Ok(ask.page(text.applications, message.as_ref(), &body))
    }

    async fn take_back(&self, ask: &Ask<'_>, standing: &Standing) -> Result<Response<Bytes>, IdentityError> {
        let (user, client) = (standing.view.user.as_str(), ask.form.text("client"));
        // What was never allowed is not taken back: the log tells what happened.
        if self.allowed(user).await?.iter().any(|one| one.client == client) {
            self.withdraw(user, client).await?;
            let mut event =
                ask.context.event(IdentityAction::ConsentWithdrawn, IdentityResult::Done, IdentityActor::Holder);
            event.user = Some(Name::new(user));
            event.session = Some(Name::new(&standing.view.id));
            event.client = Some(Name::new(client));
            self.ground.record(event).await?;
        }
        Ok(redirect(&ask.url("/account/applications?done=taken-back")))
    }
}
