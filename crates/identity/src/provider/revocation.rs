//! Revocation (`RFC 7009`) and introspection (`RFC 7662`) of the provider's own tokens.

use bartizan_evidence::{IdentityAction, IdentityActor, IdentityResult, Name};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::client::Client;
use super::error::Refused;
use super::families::FamilyId;
use super::oauth_error::OAuthError;
use super::token_endpoint::form;
use super::{Provider, response};
use crate::Context;

impl Provider {
    pub(super) async fn revoke(&self, request: &Request<Bytes>, context: &Context) -> Response<Bytes> {
        if request.method() != Method::POST {
            return response::method_not_allowed("POST");
        }
        match self.revoked_by(request, context).await {
            Ok(()) => response::text(StatusCode::OK, "text/plain", Bytes::new()),
            Err(refused) => self.refuse(refused, IdentityAction::TokensRevoked, context).await,
        }
    }

    /// A token that is not known, or not the client's, is none that it has to be told of (`RFC 7009 §2.2`).
    async fn revoked_by(&self, request: &Request<Bytes>, context: &Context) -> Result<(), Refused> {
        let parameters = form(request)?;
        let client = self.client_of(request.headers(), &parameters).await?;
        let token =
            parameters.get("token").ok_or(OAuthError::invalid_request("token-missing", "`token` is missing"))?;
        let subject = if let Some(genuine) = self.families.genuine(token) {
            let family = self.families.find(&self.ground, genuine.family).await?;
            let Some(family) = family.filter(|family| family.client == client.id.as_str()) else { return Ok(()) };
            self.end_family(family.id, "revoked-by-client").await?;
            Some(family.subject)
        } else {
            let own = self.own_access_token(token).filter(|own| own.client == client.id.as_str());
            let Some(own) = own else { return Ok(()) };
            self.revoked.token(&self.ground, &own.id, own.ends_at()).await?;
            FamilyId::of_token(&own.id).map(|_| own.subject)
        };
        let mut event = context.event(IdentityAction::TokensRevoked, IdentityResult::Done, IdentityActor::Client);
        event.client = Some(Name::new(client.id.as_str()));
        event.user = subject.as_deref().map(Name::new);
        Ok(self.ground.record(event).await?)
    }

    pub(super) async fn introspect(&self, request: &Request<Bytes>, context: &Context) -> Response<Bytes> {
        if request.method() != Method::POST {
            return response::method_not_allowed("POST");
        }
        match self.introspected(request).await {
            Ok(document) => response::json(StatusCode::OK, &document),
            Err(refused) => self.refuse(refused, IdentityAction::TokenIntrospected, context).await,
        }
    }

    /// What there is to say of a token, to whom it is for or whose it is. Everybody else learns as much as of a token that does not exist
    /// (`RFC 7662 §4`: otherwise a stolen token could be tried out here).
    async fn introspected(&self, request: &Request<Bytes>) -> Result<Value, Refused> {
        let parameters = form(request)?;
        let client = self.client_of(request.headers(), &parameters).await?;
        if !client.is_confidential() {
            return Err(OAuthError::invalid_client("client-not-confidential").into());
        }
        let token =
            parameters.get("token").ok_or(OAuthError::invalid_request("token-missing", "`token` is missing"))?;
        let told = match self.families.genuine(token) {
            Some(genuine) => {
                let family = self.families.find(&self.ground, genuine.family).await?;
                let now = self.ground.now();
                family.filter(|it| it.client == client.id.as_str() && it.stands(now) && it.is_current(genuine)).map(
                    |family| {
                        json!({ "active": true, "iss": &*self.issuer, "sub": family.subject, "client_id": family.client,
                            "scope": family.scopes.join(" "), "exp": family.ends_at().as_timestamp().as_unix() })
                    },
                )
            }
            None => self.of_access_token(token, &client),
        };
        Ok(told.unwrap_or_else(|| json!({ "active": false })))
    }

    fn of_access_token(&self, token: &str, client: &Client) -> Option<Value> {
        let own = self.own_access_token(token)?;
        let is_concerned = own.client == client.id.as_str() || own.is_for(client.id.as_str());
        is_concerned.then(|| {
            json!({ "active": true, "iss": &*self.issuer, "sub": own.subject, "client_id": own.client, "aud": own.audience,
                "scope": own.scope, "jti": own.id, "iat": own.issued_at, "exp": own.expires_at, "token_type": "Bearer" })
        })
    }
}
