//! Signing out at a client's wish (`OpenID Connect RP-Initiated Logout`).

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityResult, Name};
use bytes::Bytes;
use http::header::SET_COOKIE;
use http::{Method, Response};

use super::client::ClientId;
use super::error::Refused;
use super::oauth_error::OAuthError;
use super::parameters::Parameters;
use super::token_endpoint::form;
use super::{Provider, pages, response};
use crate::Context;
use crate::pages::Ask;
use crate::people::{SessionView, session_cookie};

impl Provider {
    pub(super) async fn logout(&self, ask: &Ask<'_>) -> Response<Bytes> {
        let request = ask.request;
        let parameters = match *request.method() {
            Method::GET => Parameters::parse(request.uri().query().unwrap_or_default().as_bytes()).map_err(Into::into),
            Method::POST => form(request),
            _ => return response::method_not_allowed("GET, POST"),
        };
        let answer = match parameters {
            Ok(parameters) => self.signed_out(&parameters, ask).await,
            Err(fault) => Err(fault.into()),
        };
        match answer {
            Ok(response) => response,
            Err(Refused::Client(fault)) => pages::fault(ask, &fault),
            Err(Refused::Node(cause)) => ask.failed(&cause),
        }
    }

    async fn signed_out(&self, parameters: &Parameters, ask: &Ask<'_>) -> Result<Response<Bytes>, Refused> {
        let hint = parameters.get("id_token_hint").and_then(|token| self.id_token_hint(token));
        let said = parameters.get("client_id");
        let hinted = hint.as_ref().map(|hint| hint.client.as_str());
        if said.is_some() && hinted.is_some() && said != hinted {
            return Err(OAuthError::invalid_request("logout-client", "the token is another application's").into());
        }
        let back = self.way_back(parameters, hinted.or(said))?;
        let Some(view) = self.people.session(ask.request.headers()).await? else {
            return Ok(response::see_other(&back.unwrap_or_else(|| self.signed_out_page())));
        };
        // Without a token of this very session, it may be another site that wants to sign somebody out: they are asked.
        let is_of_session = hint.as_ref().is_some_and(|hint| {
            hint.subject == view.user.as_str() && hint.session.as_ref().is_none_or(|session| *session == *view.id)
        });
        if !is_of_session {
            return Ok(response::see_other(&ask.url("/account/sign-out")));
        }
        self.end_session(&view, hinted.or(said), ask.context).await?;
        let mut response = response::see_other(&back.unwrap_or_else(|| self.signed_out_page()));
        response.headers_mut().append(SET_COOKIE, session_cookie(None));
        Ok(response)
    }

    /// Where the browser goes afterwards: only to a URI that the client has registered.
    fn way_back(&self, parameters: &Parameters, client: Option<&str>) -> Result<Option<String>, OAuthError> {
        let Some(asked) = parameters.get("post_logout_redirect_uri") else { return Ok(None) };
        let client = client.and_then(ClientId::new).and_then(|id| self.clients.find(&id));
        let is_registered = client.is_some_and(|client| {
            client.registration.post_logout_redirect_uris.iter().any(|registered| registered == asked)
        });
        if !is_registered {
            let description = "the application wants to lead you to a place that it has not registered";
            return Err(OAuthError::invalid_request("logout-redirect-unregistered", description));
        }
        let state: Parameters = parameters.get("state").map(|state| ("state", state)).into_iter().collect();
        let query = state.encoded();
        let separator = if query.is_empty() {
            ""
        } else if asked.contains('?') {
            "&"
        } else {
            "?"
        };
        Ok(Some(format!("{asked}{separator}{query}")))
    }

    async fn end_session(&self, view: &SessionView, client: Option<&str>, context: &Context) -> Result<(), Refused> {
        self.people.end_session(&view.user, &view.id).await?;
        self.revoked.look(&self.ground, self.rules.lifetimes.access).await?;
        let mut event = context.event(IdentityAction::SignOut, IdentityResult::Done, IdentityActor::Holder);
        event.user = Some(Name::new(view.user.as_str()));
        event.session = Some(Name::new(&view.id));
        event.client = client.map(Name::new);
        Ok(self.ground.record(event).await?)
    }

    fn signed_out_page(&self) -> String {
        format!("{}/login?done=signed-out", self.ground.config.path)
    }
}
