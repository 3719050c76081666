//! The authorization endpoint (`RFC 6749 §3.1`, `OpenID Connect Core §3.1.2`): who sits at the browser, whether that is good enough for the
//! client, and whether they allow what it asks for.

use std::sync::Arc;
use std::time::Duration;

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityResult, Name};
use bytes::Bytes;
use http::{Method, Response};

use super::authorization::{AuthorizationRequest, ErrorTarget, ResponseMode};
use super::client::{Client, ClientId};
use super::error::Refused;
use super::interaction::{Interaction, Step};
use super::oauth_error::OAuthError;
use super::parameters::Parameters;
use super::sign_in::{SignIn, SignedIn};
use super::token_endpoint::form;
use super::{Provider, codes, consent, pages, response};
use crate::Context;
use crate::pages::Ask;
use crate::people::{Acr, SessionView};

/// The longest sealed request that the sign-in leads back to.
const LONGEST_SEALED: usize = 3800;

/// How far a request is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It has just come.
    New,
    /// Whoever it is was sent to sign in, and is back.
    SignedIn,
    /// They allowed what the client asks for.
    Allowed,
}

/// Why whoever sits at the browser has to prove who they are, now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Nobody is signed in.
    Somebody,
    /// The client wants a fresh proof, or another account.
    Again,
    /// It wants a stronger one (`RFC 9470`).
    Stronger,
}

/// A request that holds, with everything that is decided about it.
struct Asked {
    client: Arc<Client>,
    request: AuthorizationRequest,
    interaction: Interaction,
    stage: Stage,
}

impl Provider {
    pub(super) async fn authorize(&self, ask: &Ask<'_>) -> Response<Bytes> {
        let request = ask.request;
        let parameters = match *request.method() {
            Method::GET => Parameters::parse(request.uri().query().unwrap_or_default().as_bytes()).map_err(Into::into),
            Method::POST => form(request),
            _ => return response::method_not_allowed("GET, POST"),
        };
        match parameters {
            Ok(parameters) => {
                let interaction = Interaction { parameters, began: ask.context.now };
                self.go_on(interaction, Stage::New, ask).await
            }
            Err(fault) => self.refuse_here(fault, ask).await,
        }
    }

    /// Where the browser comes back to from the sign-in.
    pub(super) async fn resume(&self, ask: &Ask<'_>) -> Response<Bytes> {
        if ask.request.method() != Method::GET {
            return response::method_not_allowed("GET");
        }
        let parameters =
            Parameters::parse(ask.request.uri().query().unwrap_or_default().as_bytes()).unwrap_or_default();
        let sealed = parameters.get("request").unwrap_or_default();
        match Interaction::open(sealed, &self.sealing, Step::SignIn, ask.context.now) {
            Some(interaction) => self.go_on(interaction, Stage::SignedIn, ask).await,
            None => self.refuse_here(EXPIRED, ask).await,
        }
    }

    /// The answer to the question whether the client may have what it asks for.
    pub(super) async fn consent(&self, ask: &Ask<'_>) -> Response<Bytes> {
        if ask.request.method() != Method::POST {
            return response::method_not_allowed("POST");
        }
        if let Some(refusal) = ask.foreign_form() {
            return refusal;
        }
        let session = match self.people.session(ask.request.headers()).await {
            Ok(session) => session,
            Err(cause) => return ask.failed(&cause),
        };
        // Sealed to the session that was asked: nobody else's page can be answered in its place.
        let session = session.as_ref().map(|session| &*session.id).unwrap_or_default();
        let sealed = ask.form.text("request");
        let Some(interaction) = Interaction::open(sealed, &self.sealing, Step::Consent(session), ask.context.now)
        else {
            return self.refuse_here(EXPIRED, ask).await;
        };
        if ask.form.get("decision") == Some("allow") {
            return self.go_on(interaction, Stage::Allowed, ask).await;
        }
        let target = self.target_of(&interaction.parameters);
        let fault = OAuthError::new("access_denied", "denied-by-person", "the person did not allow it");
        match target {
            Ok((_, target)) => self.refuse_there(fault, &target, Stage::Allowed, ask).await,
            Err(fault) => self.refuse_here(fault, ask).await,
        }
    }

    async fn go_on(&self, interaction: Interaction, stage: Stage, ask: &Ask<'_>) -> Response<Bytes> {
        let (client, target) = match self.target_of(&interaction.parameters) {
            Ok(known) => known,
            Err(fault) => return self.refuse_here(fault, ask).await,
        };
        let outcome = match AuthorizationRequest::read(&interaction.parameters, &client, target.clone()) {
            Ok(asked) => {
                let asked = Asked { client, request: asked, interaction, stage };
                self.decide(&asked, ask).await
            }
            Err(fault) => Err(fault.into()),
        };
        match outcome {
            Ok(response) => response,
            Err(Refused::Client(fault)) => self.refuse_there(fault, &target, stage, ask).await,
            Err(Refused::Node(cause)) => ask.failed(&cause),
        }
    }

    /// The client, and where it may be told that something is wrong.
    fn target_of(&self, parameters: &Parameters) -> Result<(Arc<Client>, ErrorTarget), OAuthError> {
        let unknown = OAuthError::invalid_request("client-unknown", "the application that sent you here is not known");
        let client = parameters.get("client_id").and_then(ClientId::new).and_then(|id| self.clients.find(&id));
        let client = client.filter(|client| client.is_enabled).ok_or(unknown)?;
        let target = ErrorTarget::of(parameters, &client)?;
        Ok((client, target))
    }

    async fn decide(&self, asked: &Asked, ask: &Ask<'_>) -> Result<Response<Bytes>, Refused> {
        let context = ask.context;
        let view = self.people.session(ask.request.headers()).await?;
        if view.as_ref().is_some_and(|view| view.is_restricted) && asked.stage == Stage::SignedIn {
            // They have signed in, and lack the second factor that they must have: here is where they get one.
            return Ok(response::see_other(&format!("{}/account/authenticator", self.ground.config.path)));
        }
        let who = match (self.wanted(asked, view.as_ref(), context), view) {
            (None, Some(view)) => signed_in(&view),
            (wanted, _) => return self.ask_to_sign_in(asked, wanted.unwrap_or(Wanted::Somebody)),
        };
        let (client, prompt) = (&asked.client, asked.request.prompt);
        let scopes = &asked.request.scopes;
        let is_asked = prompt.consent || consent::is_needed(&self.ground, &who.subject, client, scopes).await?;
        match asked.stage {
            Stage::Allowed => {
                consent::remember(&self.ground, &who.subject, client, scopes).await?;
                let mut event =
                    context.event(IdentityAction::ConsentGiven, IdentityResult::Done, IdentityActor::Holder);
                event.user = Some(Name::new(&who.subject));
                event.client = Some(Name::new(client.id.as_str()));
                self.ground.record(event).await?;
            }
            _ if is_asked && prompt.none => {
                let description = "the person has to be asked, which `prompt=none` forbids";
                return Err(OAuthError::new("consent_required", "consent-required", description).into());
            }
            _ if is_asked => {
                let sealed = asked.interaction.seal(&self.ground, &self.sealing, Step::Consent(&who.session))?;
                return Ok(pages::consent(ask, client, scopes, &asked.request.redirect_uri, &sealed));
            }
            _ => {}
        }
        self.give_code(asked, &who, ask).await
    }

    async fn give_code(&self, asked: &Asked, who: &SignedIn, ask: &Ask<'_>) -> Result<Response<Bytes>, Refused> {
        let (client, request) = (&asked.client, &asked.request);
        let code = codes::issue(&self.ground, &client.id, request, who).await?;
        let mut event = ask.context.event(IdentityAction::CodeIssued, IdentityResult::Done, IdentityActor::Holder);
        event.user = Some(Name::new(&who.subject));
        event.client = Some(Name::new(client.id.as_str()));
        event.session = Some(Name::new(&who.session));
        self.ground.record(event).await?;
        let target = ErrorTarget {
            redirect_uri: request.redirect_uri.clone(),
            response_mode: request.response_mode,
            state: request.state.clone(),
        };
        Ok(self.send_back(&target, asked.stage, &[("code", code.expose())], ask))
    }

    /// What is wanted of whoever sits at the browser, if anything is.
    fn wanted(&self, asked: &Asked, view: Option<&SessionView>, context: &Context) -> Option<Wanted> {
        let Some(view) = view.filter(|view| !view.is_restricted) else { return Some(Wanted::Somebody) };
        let request = &asked.request;
        // A proof that was given since the request came is one for this request.
        let is_fresh = asked.stage != Stage::New && view.auth_time >= asked.interaction.began;
        let is_too_old = request
            .max_age
            .is_some_and(|seconds| context.now.since(view.auth_time) > Duration::from_secs(seconds.into()));
        let is_other = request
            .id_token_hint
            .as_ref()
            .is_some_and(|hint| self.id_token_hint(hint).is_none_or(|hint| hint.subject != view.user.as_str()));
        let wants_again = request.prompt.login || request.prompt.select_account || is_too_old;
        if is_other || (wants_again && !is_fresh) {
            return Some(Wanted::Again);
        }
        (!is_strong_enough(view.acr, &request.acr_values)).then_some(Wanted::Stronger)
    }

    /// Sends the browser to the sign-in, with the request sealed beside; once. Who comes back without what is wanted is not sent again.
    fn ask_to_sign_in(&self, asked: &Asked, wanted: Wanted) -> Result<Response<Bytes>, Refused> {
        let request = &asked.request;
        let has_been_there = asked.stage != Stage::New;
        let fault = match wanted {
            Wanted::Stronger if request.prompt.none || has_been_there => {
                let description = "the sign-in is not as strong as the client asks for";
                OAuthError::new("unmet_authentication_requirements", "sign-in-too-weak", description)
            }
            _ if request.prompt.none => {
                OAuthError::new("login_required", "login-required", "nobody is signed in as the client asks for")
            }
            Wanted::Again if has_been_there => {
                OAuthError::new("login_required", "login-not-renewed", "the sign-in was not renewed")
            }
            Wanted::Somebody | Wanted::Again | Wanted::Stronger => {
                let sealed = asked.interaction.seal(&self.ground, &self.sealing, Step::SignIn)?;
                if sealed.len() > LONGEST_SEALED {
                    return Err(OAuthError::invalid_request("request-too-long", "the request is too long").into());
                }
                return Ok(response::see_other(&self.sign_in_url(request, wanted, &sealed)));
            }
        };
        Err(fault.into())
    }

    fn sign_in_url(&self, request: &AuthorizationRequest, wanted: Wanted, sealed: &str) -> String {
        let path = &self.ground.config.path;
        let back = format!("{path}/authorize/resume?request={sealed}");
        let acr = request.acr_values.join(" ");
        let parameters: Parameters = [
            Some(("return_to", back.as_str())),
            (wanted == Wanted::Again).then_some(("prompt", "login")),
            (!acr.is_empty()).then_some(("acr_values", acr.as_str())),
            request.login_hint.as_deref().map(|hint| ("login_hint", hint)),
        ]
        .into_iter()
        .flatten()
        .collect();
        format!("{path}/login?{}", parameters.encoded())
    }

    /// Tells whoever sits at the browser: the client cannot be told, for it may be somebody else's page.
    async fn refuse_here(&self, fault: OAuthError, ask: &Ask<'_>) -> Response<Bytes> {
        let result = IdentityResult::Refused(fault.reason);
        let event = ask.context.event(IdentityAction::CodeIssued, result, IdentityActor::Anyone);
        match self.ground.record(event).await {
            Ok(()) => pages::fault(ask, &fault),
            Err(cause) => ask.failed(&cause),
        }
    }

    /// Tells the client, at its registered URI.
    async fn refuse_there(
        &self,
        fault: OAuthError,
        target: &ErrorTarget,
        stage: Stage,
        ask: &Ask<'_>,
    ) -> Response<Bytes> {
        let result = IdentityResult::Refused(fault.reason);
        let event = ask.context.event(IdentityAction::CodeIssued, result, IdentityActor::Anyone);
        match self.ground.record(event).await {
            Ok(()) => {
                let told = [("error", fault.code), ("error_description", fault.description)];
                self.send_back(target, stage, &told, ask)
            }
            Err(cause) => ask.failed(&cause),
        }
    }

    /// Sends the browser back to the client, with `state` and who answers (`RFC 9207 §2`: the client can tell issuers apart).
    fn send_back(&self, target: &ErrorTarget, stage: Stage, told: &[(&str, &str)], ask: &Ask<'_>) -> Response<Bytes> {
        let state = target.state.as_deref().map(|state| ("state", state));
        let iss: (&str, &str) = ("iss", &self.issuer);
        let all: Parameters = told.iter().copied().chain(state).chain([iss]).collect();
        if target.response_mode == ResponseMode::FormPost {
            return pages::form_post(ask, &target.redirect_uri, &all);
        }
        let separator = if target.redirect_uri.contains('?') { '&' } else { '?' };
        let location = format!("{}{separator}{}", target.redirect_uri, all.encoded());
        if stage == Stage::Allowed {
            // The browser is here because a form was posted, and the form's page names who may be posted to: a redirect would be held
            // against that (CSP3 §6.4.1, as Chromium reads it), a page that leads on is not.
            pages::leading_to(ask, &location)
        } else {
            response::see_other(&location)
        }
    }
}

const EXPIRED: OAuthError = OAuthError::invalid_request(
    "interaction-expired",
    "this sign-in took too long, or was begun in another browser: go back to the application and begin again",
);

pub(super) fn signed_in(view: &SessionView) -> SignedIn {
    SignedIn {
        session: view.id.to_string(),
        subject: view.user.as_str().to_owned(),
        sign_in: SignIn {
            auth_time: view.auth_time.as_timestamp().as_unix(),
            acr: view.acr.as_str().to_owned(),
            amr: view.amr.iter().map(ToString::to_string).collect(),
        },
    }
}

/// Whether a sign-in of this class satisfies one of those asked for. A stronger class satisfies a weaker one; of words that nobody here
/// knows, none is satisfied.
fn is_strong_enough(acr: Acr, asked: &[String]) -> bool {
    asked.is_empty() || asked.iter().filter_map(|word| Acr::parse(word)).any(|wanted| acr >= wanted)
}
