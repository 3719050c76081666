//! Userinfo (`OpenID Connect Core §5.3`): who an access token is about, as far as its scopes reach.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::access_token::Own;
use super::error::Refused;
use super::parameters::Parameters;
use super::token_endpoint::failed;
use super::{Provider, response};
use crate::people::{Claims, UserId};

impl Provider {
    pub(super) async fn userinfo(&self, request: &Request<Bytes>) -> Response<Bytes> {
        if ![Method::GET, Method::POST].contains(request.method()) {
            return response::method_not_allowed("GET, POST");
        }
        let Some(token) = bearer(request) else { return challenge(StatusCode::UNAUTHORIZED, "") };
        let Some(own) = self.own_access_token(&token) else {
            return challenge(StatusCode::UNAUTHORIZED, r#" error="invalid_token""#);
        };
        if !own.has_scope("openid") {
            return challenge(StatusCode::FORBIDDEN, r#" error="insufficient_scope", scope="openid""#);
        }
        match self.claims_of(&own).await {
            Ok(Some(claims)) => response::json(StatusCode::OK, &told(&claims, &own)),
            Ok(None) => challenge(StatusCode::UNAUTHORIZED, r#" error="invalid_token""#),
            Err(Refused::Node(cause)) => failed(&cause),
            Err(Refused::Client(fault)) => response::error(fault),
        }
    }

    async fn claims_of(&self, own: &Own) -> Result<Option<Claims>, Refused> {
        Ok(self.people.claims(&UserId::new(&own.subject)).await?)
    }
}

/// The token in the field, or in a form that was posted (`RFC 6750 §2.1, §2.2`); not both, and never in the query.
fn bearer(request: &Request<Bytes>) -> Option<String> {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let in_header =
        header.and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let is_form = request
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let form = (is_form && request.method() == Method::POST).then(|| Parameters::parse(request.body()).ok()).flatten();
    let in_form = form.as_ref().and_then(|form| form.get("access_token"));
    match (in_header, in_form) {
        (Some((_, token)), None) => Some(token.trim_start().to_owned()),
        (None, Some(token)) => Some(token.to_owned()),
        _ => None,
    }
}

/// `OpenID Connect Core §5.4`: what each scope tells.
fn told(claims: &Claims, own: &Own) -> Map<String, Value> {
    let mut told = Map::new();
    let mut tell = |name: &str, value: Value| {
        if !value.is_null() {
            told.insert(name.to_owned(), value);
        }
    };
    tell("sub", json!(claims.sub));
    if own.has_scope("profile") {
        tell("name", json!(claims.name));
        tell("preferred_username", json!(claims.preferred_username));
        tell("locale", json!(claims.locale));
        tell("updated_at", json!(claims.updated_at));
    }
    if own.has_scope("email") && claims.email.is_some() {
        tell("email", json!(claims.email));
        tell("email_verified", json!(claims.email_verified));
    }
    if own.has_scope("groups") {
        tell("groups", json!(claims.groups));
    }
    if own.has_scope("roles") {
        tell("roles", json!(claims.roles));
    }
    if own.has_scope("attributes") {
        tell("attributes", json!(claims.attributes));
    }
    told
}

fn challenge(status: StatusCode, parameters: &str) -> Response<Bytes> {
    let mut response = response::text(status, "text/plain", Bytes::new());
    response.headers_mut().remove(CONTENT_TYPE);
    if let Ok(value) = HeaderValue::from_str(&format!("Bearer{parameters}")) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
    }
    response
}
