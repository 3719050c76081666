use axum::extract::FromRequestParts;
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde_json::Value;

use crate::error::Failure;
use crate::token;

/// Whoever the token says it is.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) id: i64,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let refuse = |message: &str| Failure::client(StatusCode::UNAUTHORIZED, message);
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = header.and_then(|value| value.strip_prefix("Bearer "));
        let claims = bearer.and_then(token::decode).ok_or_else(|| refuse("sign in first"))?;
        let id = subject(&claims).ok_or_else(|| refuse("the token names nobody"))?;
        Ok(Self { id })
    }
}

/// The shop's own tokens say `id`, those of an identity provider `sub`.
fn subject(claims: &Value) -> Option<i64> {
    let claim = claims.get("id").or_else(|| claims.get("sub"))?;
    claim.as_i64().or_else(|| claim.as_str()?.parse().ok())
}
