//! The token endpoint (`RFC 6749 §3.2`): where codes, refresh tokens and clients' own proofs become tokens.

use std::sync::Arc;

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityEvent, IdentityResult, Name};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};

use super::client::{Client, GrantType};
use super::codes::{self, Issued};
use super::error::Refused;
use super::families::{Begun, Families, Family, Rotation};
use super::mint::{About, Tokens};
use super::oauth_error::OAuthError;
use super::parameters::Parameters;
use super::{Provider, response};
use crate::people::UserId;
use crate::{Context, IdentityError};

/// The parameters of a form that was posted; nothing else is a token request.
pub(super) fn form(request: &Request<Bytes>) -> Result<Parameters, OAuthError> {
    const FORM: &[u8] = b"application/x-www-form-urlencoded";
    let content_type = request.headers().get(CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let media_type = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if !media_type.eq_ignore_ascii_case(FORM) {
        let description = "the body has to be `application/x-www-form-urlencoded`";
        return Err(OAuthError::invalid_request("content-type", description));
    }
    Ok(Parameters::parse(request.body())?)
}

impl Provider {
    pub(super) async fn token(&self, request: &Request<Bytes>, context: &Context) -> Response<Bytes> {
        if request.method() != Method::POST {
            return response::method_not_allowed("POST");
        }
        match self.grant(request, context).await {
            Ok(tokens) => response::json(StatusCode::OK, &tokens),
            Err(refused) => self.refuse(refused, IdentityAction::TokensIssued, context).await,
        }
    }

    /// Records a refusal, and says it in the protocol's words.
    pub(super) async fn refuse(&self, refused: Refused, action: IdentityAction, context: &Context) -> Response<Bytes> {
        match refused {
            Refused::Client(fault) => {
                let event = context.event(action, IdentityResult::Refused(fault.reason), IdentityActor::Anyone);
                if fault.is_for_now() {
                    // A device asks every five seconds, and nothing depends on the answer.
                    self.ground.note(event);
                    return response::error(fault);
                }
                match self.ground.record(event).await {
                    Ok(()) => response::error(fault),
                    Err(cause) => failed(&cause),
                }
            }
            Refused::Node(cause) => failed(&cause),
        }
    }

    async fn grant(&self, request: &Request<Bytes>, context: &Context) -> Result<Tokens, Refused> {
        let parameters = form(request)?;
        let client = self.client_of(request.headers(), &parameters).await?;
        let asked = parameters.get("grant_type");
        let grant = GrantType::ALL.into_iter().find(|grant| Some(grant.as_str()) == asked).ok_or_else(|| {
            OAuthError::new(
                "unsupported_grant_type",
                "grant-type",
                "`grant_type` is missing, or is none that exists here",
            )
        })?;
        if !client.may(grant) {
            let description = "the client may not use this grant";
            return Err(OAuthError::new("unauthorized_client", "grant-not-registered", description).into());
        }
        match grant {
            GrantType::AuthorizationCode => self.by_code(&parameters, &client, context).await,
            GrantType::RefreshToken => self.by_refresh_token(&parameters, &client, context).await,
            GrantType::ClientCredentials => self.by_client_credentials(&parameters, &client, context),
            GrantType::DeviceCode => self.by_device_code(&parameters, &client, context).await,
        }
    }

    async fn by_code(&self, parameters: &Parameters, client: &Client, context: &Context) -> Result<Tokens, Refused> {
        const UNKNOWN: &str = "the code is not known, has expired, or was used";
        let code = parameters.get("code").ok_or(OAuthError::invalid_request("code-missing", "`code` is missing"))?;
        let issued = codes::find(&self.ground, code).await?;
        let issued = issued.ok_or(OAuthError::invalid_grant("code-unknown", UNKNOWN))?;
        if issued.was_used {
            return self.code_again(&issued, context).await;
        }
        let verifier = parameters.get("code_verifier").unwrap_or_default();
        if let Some(reason) = issued.mismatch(&client.id, parameters.get("redirect_uri"), verifier) {
            // Whoever shows it has seen it, and is not whom it was for. One try is all there is.
            issued.burn(&self.ground).await?;
            return Err(OAuthError::invalid_grant(reason, UNKNOWN).into());
        }
        let now = self.ground.now();
        if issued.has_expired(now) {
            return Err(OAuthError::invalid_grant("code-expired", UNKNOWN).into());
        }
        let Some(claims) = self.people.claims(&UserId::new(&issued.subject)).await? else {
            return Err(OAuthError::invalid_grant("account-disabled", UNKNOWN).into());
        };
        let begun = Begun {
            subject: issued.subject.clone(),
            session: issued.session.clone(),
            scopes: issued.scopes.clone(),
            sign_in: issued.sign_in.clone(),
        };
        let family = self.families.first(issued.family, &client.id, begun, now);
        // Of two requests with the same code, one uses it; with the use, all that comes of it stands, or nothing does.
        match self.ground.write(Families::begin(issued.using(now), &family)).await {
            Err(fault) if fault.is_unmet() => return self.code_again(&issued, context).await,
            outcome => drop(outcome?),
        }
        let refresh_token = client.may(GrantType::RefreshToken).then(|| self.families.token(&family));
        let about = About {
            family: family.id,
            claims: &claims,
            session: &family.session,
            sign_in: &family.sign_in,
            nonce: issued.nonce.as_deref(),
        };
        let tokens = self.tokens(client, &about, &family.scopes, refresh_token.as_ref())?;
        self.ground.record(issued_event(GrantType::AuthorizationCode, &family, context)).await?;
        Ok(tokens)
    }

    /// A code that was used before: what it gave the first time ends (`RFC 9700 §4.5`, `RFC 6749 §4.1.2`).
    async fn code_again(&self, issued: &Issued, context: &Context) -> Result<Tokens, Refused> {
        self.end_family(issued.family, "code-reused").await?;
        let mut event =
            context.event(IdentityAction::CodeReused, IdentityResult::Refused("code-reused"), IdentityActor::Anyone);
        event.user = Some(Name::new(&issued.subject));
        event.client = Some(Name::new(&issued.client));
        self.ground.record(event).await?;
        let description = "the code was used before: what it gave is revoked";
        Err(OAuthError::invalid_grant("code-reused", description).into())
    }

    async fn by_refresh_token(
        &self,
        parameters: &Parameters,
        client: &Client,
        context: &Context,
    ) -> Result<Tokens, Refused> {
        const ENDED: &str = "the refresh token is not known, has expired, or was revoked";
        let shown = parameters.get("refresh_token");
        let shown = shown.ok_or(OAuthError::invalid_request("refresh-token-missing", "`refresh_token` is missing"))?;
        let genuine = self.families.genuine(shown);
        let genuine = genuine.ok_or(OAuthError::invalid_grant("refresh-token-forged", ENDED))?;
        let family = match self.families.rotate(&self.ground, genuine, &client.id).await? {
            Rotation::Next(family) => family,
            Rotation::Reused(family) => return self.refresh_again(&family, "refresh-token-reused", context).await,
            Rotation::OtherClient(family) => {
                return self.refresh_again(&family, "refresh-token-of-another-client", context).await;
            }
            Rotation::Ended(reason) => return Err(OAuthError::invalid_grant(reason, ENDED).into()),
        };
        let Some(claims) = self.people.claims(&UserId::new(&family.subject)).await? else {
            self.end_family(family.id, "account-disabled").await?;
            return Err(OAuthError::invalid_grant("account-disabled", ENDED).into());
        };
        let scopes = narrowed(&family.scopes, parameters.get("scope"))?;
        let about = About {
            family: family.id,
            claims: &claims,
            session: &family.session,
            sign_in: &family.sign_in,
            // `OpenID Connect Core §12.2`: one that is renewed has none.
            nonce: None,
        };
        let tokens = self.tokens(client, &about, &scopes, Some(&self.families.token(&family)))?;
        self.ground.record(issued_event(GrantType::RefreshToken, &family, context)).await?;
        Ok(tokens)
    }

    /// Two hold the same refresh token: everything that came of it ends (`RFC 9700 §4.14.2`).
    async fn refresh_again(&self, family: &Family, reason: &'static str, context: &Context) -> Result<Tokens, Refused> {
        self.end_family(family.id, reason).await?;
        let result = IdentityResult::Refused(reason);
        let mut event = context.event(IdentityAction::RefreshTokenReused, result, IdentityActor::Anyone);
        event.user = Some(Name::new(&family.subject));
        event.client = Some(Name::new(&family.client));
        self.ground.record(event).await?;
        let description = "the refresh token was used before: all that came of it is revoked";
        Err(OAuthError::invalid_grant(reason, description).into())
    }

    fn by_client_credentials(
        &self,
        parameters: &Parameters,
        client: &Arc<Client>,
        context: &Context,
    ) -> Result<Tokens, Refused> {
        let asked = parameters.get("scope");
        let scopes = match asked {
            Some(asked) => client.granted(asked.split(' ').filter(|scope| !scope.is_empty())),
            None => client.registration.scopes.iter().filter(|scope| *scope != "openid").cloned().collect(),
        };
        if asked.is_some() && scopes.is_empty() {
            return Err(OAuthError::new(
                "invalid_scope",
                "scope-not-registered",
                "the client may have none of these scopes",
            )
            .into());
        }
        let tokens = self.service_token(client, &scopes)?;
        // It changes no state, so that nothing has to be on disk before the answer leaves: as with any request, its place in the log
        // is certain and its last 50 ms are not.
        let mut event = context.event(IdentityAction::TokensIssued, IdentityResult::Done, IdentityActor::Client);
        event.client = Some(Name::new(client.id.as_str()));
        event.method = Some(GrantType::ClientCredentials.as_str());
        if self.ground.note(event) { Ok(tokens) } else { Err(OVERLOADED.into()) }
    }
}

const OVERLOADED: OAuthError =
    OAuthError::new("temporarily_unavailable", "audit-queue-full", "the service is at its limit; try again");

/// A part of what was granted, if a part is asked for (`RFC 6749 §6`): never more.
fn narrowed(granted: &[String], asked: Option<&str>) -> Result<Vec<String>, OAuthError> {
    let Some(asked) = asked else { return Ok(granted.to_vec()) };
    let asked: Vec<&str> = asked.split(' ').filter(|scope| !scope.is_empty()).collect();
    if asked.iter().any(|scope| granted.iter().all(|known| known != scope)) {
        return Err(OAuthError::new("invalid_scope", "scope-beyond-grant", "a scope goes beyond what was granted"));
    }
    Ok(granted.iter().filter(|scope| asked.contains(&scope.as_str())).cloned().collect())
}

pub(super) fn issued_event(grant: GrantType, family: &Family, context: &Context) -> IdentityEvent {
    let mut event = context.event(IdentityAction::TokensIssued, IdentityResult::Done, IdentityActor::Client);
    event.user = Some(Name::new(&family.subject));
    event.client = Some(Name::new(&family.client));
    event.session = Some(Name::new(&family.session));
    event.method = Some(grant.as_str());
    event
}

/// The node's own fault: the operator reads what it was, the client that it may come back.
pub(super) fn failed(cause: &IdentityError) -> Response<Bytes> {
    tracing::error!(%cause, "a request to the identity provider could not be answered");
    response::unavailable()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_never_widens_what_was_granted() {
        let granted = ["openid".to_owned(), "orders:read".to_owned()];
        assert_eq!(narrowed(&granted, None).unwrap(), granted);
        assert_eq!(narrowed(&granted, Some("orders:read")).unwrap(), ["orders:read"]);
        assert_eq!(narrowed(&granted, Some("orders:read admin")).unwrap_err().code, "invalid_scope");
    }

    #[test]
    fn only_a_form_is_a_token_request() {
        let request = |content_type: &str| {
            Request::builder().header(CONTENT_TYPE, content_type).body(Bytes::from_static(b"a=1")).unwrap()
        };
        assert!(form(&request("application/x-www-form-urlencoded; charset=UTF-8")).is_ok());
        assert!(form(&request("application/json")).is_err());
        assert!(form(&Request::new(Bytes::from_static(b"a=1"))).is_err());
    }
}
