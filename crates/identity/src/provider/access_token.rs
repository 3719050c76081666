//! The provider's own tokens, read again: by their signature, without the store.

use bartizan_policy::TokenId;
use bartizan_token::Jws;
use serde::Deserialize;

use super::Provider;
use crate::Moment;

/// An access token of this provider that holds.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Own {
    iss: String,
    #[serde(rename = "sub")]
    pub(super) subject: String,
    #[serde(rename = "aud")]
    pub(super) audience: serde_json::Value,
    #[serde(rename = "client_id")]
    pub(super) client: String,
    #[serde(default)]
    pub(super) scope: String,
    #[serde(rename = "jti")]
    pub(super) id: String,
    #[serde(rename = "iat")]
    pub(super) issued_at: i64,
    #[serde(rename = "exp")]
    pub(super) expires_at: i64,
}

/// What an ID token says that is shown as a hint (`id_token_hint`).
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Hint {
    iss: String,
    #[serde(rename = "sub")]
    pub(super) subject: String,
    #[serde(rename = "aud")]
    pub(super) client: String,
    #[serde(rename = "sid")]
    pub(super) session: Option<String>,
}

impl Provider {
    /// What an access token of this provider says, if it holds now.
    pub(super) fn own_access_token(&self, token: &str) -> Option<Own> {
        let jws = Jws::parse(token).ok()?;
        // An ID token is signed with the same keys, and is for somebody else (`RFC 9068 §4`).
        if !jws.token_type().is_some_and(|kind| kind.eq_ignore_ascii_case("at+jwt")) {
            return None;
        }
        let own: Own = serde_json::from_slice(jws.verify(&self.keys.ring().set).ok()?).ok()?;
        let is_in_time = self.ground.now().as_timestamp().as_unix() < own.expires_at;
        let is_revoked = self.revoked.has(&TokenId::from(own.id.as_str()));
        (own.iss == *self.issuer && is_in_time && !is_revoked).then_some(own)
    }

    /// What an ID token of this provider says, expired or not (`OpenID Connect RP-Initiated Logout §2`).
    pub(super) fn id_token_hint(&self, token: &str) -> Option<Hint> {
        let jws = Jws::parse(token).ok()?;
        if !jws.token_type().is_some_and(|kind| kind.eq_ignore_ascii_case("jwt")) {
            return None;
        }
        let hint: Hint = serde_json::from_slice(jws.verify(&self.keys.ring().set).ok()?).ok()?;
        (hint.iss == *self.issuer).then_some(hint)
    }
}

impl Own {
    pub(super) fn has_scope(&self, wanted: &str) -> bool {
        self.scope.split(' ').any(|scope| scope == wanted)
    }

    /// Whether it is for `audience`.
    pub(super) fn is_for(&self, audience: &str) -> bool {
        match &self.audience {
            serde_json::Value::String(one) => one == audience,
            serde_json::Value::Array(many) => many.iter().any(|one| one == audience),
            _ => false,
        }
    }

    /// When it ends.
    pub(super) const fn ends_at(&self) -> Moment {
        Moment::from_micros(self.expires_at.saturating_mul(1_000_000))
    }
}
