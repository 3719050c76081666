//! Tokens and what they say.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use bartizan_vault::{Secret, TokenAlgorithm, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::Provider;
use super::client::Client;
use super::error::Refused;
use super::families::FamilyId;
use super::keys::TokenType;
use super::oauth_error::OAuthError;
use super::sign_in::SignIn;
use crate::people::Claims;

/// How long tokens are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Access tokens: at the gate they need no look-up, and so cannot be taken back everywhere at once.
    pub access: Duration,
    /// ID tokens: they say how somebody signed in, and open nothing.
    pub id: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { access: Duration::from_mins(15), id: Duration::from_mins(15) }
    }
}

/// The claims of an access token (`RFC 9068 §2.2`).
#[derive(Serialize)]
struct AccessClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Audience<'a>,
    client_id: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    #[serde(flatten)]
    person: Option<Person<'a>>,
}

#[derive(Serialize)]
struct Person<'a> {
    auth_time: i64,
    acr: &'a str,
    amr: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    roles: &'a [std::sync::Arc<str>],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    groups: &'a [std::sync::Arc<str>],
    #[serde(skip_serializing_if = "str::is_empty")]
    sid: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Many(&'a [String]),
}

/// The claims of an ID token (`OpenID Connect Core §2`); what else there is to know stands in userinfo.
#[derive(Serialize)]
struct IdClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    auth_time: i64,
    acr: &'a str,
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    at_hash: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    sid: &'a str,
}

/// Whom tokens are about.
pub(super) struct About<'a> {
    pub(super) family: FamilyId,
    pub(super) claims: &'a Claims,
    pub(super) session: &'a str,
    pub(super) sign_in: &'a SignIn,
    pub(super) nonce: Option<&'a str>,
}

/// The answer of the token endpoint (`RFC 6749 §5.1`).
#[derive(Serialize)]
pub(super) struct Tokens {
    pub(super) access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    scope: String,
}

impl Provider {
    /// Tokens for a person: an access token, an ID token where one is asked for, and the refresh token that is handed in.
    pub(super) fn tokens(
        &self,
        client: &Client,
        about: &About<'_>,
        scopes: &[String],
        refresh_token: Option<&Secret<String>>,
    ) -> Result<Tokens, Refused> {
        let id = format!("{}.{}", about.family.text(), self.unique()?);
        let person = Person {
            auth_time: about.sign_in.auth_time,
            acr: &about.sign_in.acr,
            amr: &about.sign_in.amr,
            roles: &about.claims.roles,
            groups: &about.claims.groups,
            sid: about.session,
        };
        let scope = scopes.join(" ");
        let access_token = self.access_token(client, about.claims.sub.as_str(), &id, &scope, Some(person))?;
        let id_token = if scopes.iter().any(|scope| scope == "openid") {
            Some(self.id_token(client, about, &access_token)?)
        } else {
            None
        };
        Ok(Tokens {
            access_token,
            token_type: "Bearer",
            expires_in: self.rules.lifetimes.access.as_secs(),
            refresh_token: refresh_token.map(|token| token.expose().clone()),
            id_token,
            scope,
        })
    }

    /// A token for a client that acts for itself (`RFC 9068 §2.2`: it is its own subject).
    pub(super) fn service_token(&self, client: &Client, scopes: &[String]) -> Result<Tokens, Refused> {
        let scope = scopes.join(" ");
        let access_token = self.access_token(client, client.id.as_str(), &self.unique()?, &scope, None)?;
        let expires_in = self.rules.lifetimes.access.as_secs();
        Ok(Tokens { access_token, token_type: "Bearer", expires_in, refresh_token: None, id_token: None, scope })
    }

    fn access_token(
        &self,
        client: &Client,
        subject: &str,
        id: &str,
        scope: &str,
        person: Option<Person<'_>>,
    ) -> Result<String, Refused> {
        let now = self.ground.now();
        let aud = match client.registration.audience.as_slice() {
            [] => Audience::One(&self.ground.config.origin),
            [one] => Audience::One(one),
            many => Audience::Many(many),
        };
        let claims = AccessClaims {
            iss: &self.issuer,
            sub: subject,
            aud,
            client_id: client.id.as_str(),
            iat: now.as_timestamp().as_unix(),
            exp: now.after(self.rules.lifetimes.access).as_timestamp().as_unix(),
            jti: id,
            scope,
            person,
        };
        // The gate verifies these, and resource servers with it: one algorithm, which all of them know.
        self.signed(TokenAlgorithm::Es256, TokenType::Access, &claims)
    }

    fn id_token(&self, client: &Client, about: &About<'_>, access_token: &str) -> Result<String, Refused> {
        let (now, algorithm) = (self.ground.now(), client.registration.id_token_algorithm);
        let claims = IdClaims {
            iss: &self.issuer,
            sub: about.claims.sub.as_str(),
            aud: client.id.as_str(),
            iat: now.as_timestamp().as_unix(),
            exp: now.after(self.rules.lifetimes.id).as_timestamp().as_unix(),
            auth_time: about.sign_in.auth_time,
            acr: &about.sign_in.acr,
            amr: &about.sign_in.amr,
            nonce: about.nonce,
            at_hash: token_hash(algorithm, access_token),
            sid: about.session,
        };
        self.signed(algorithm, TokenType::Id, &claims)
    }

    fn signed(&self, algorithm: TokenAlgorithm, kind: TokenType, claims: &impl Serialize) -> Result<String, Refused> {
        const NOT_YET: OAuthError = OAuthError::new(
            "temporarily_unavailable",
            "no-signing-key",
            "the key for this algorithm is being made; try again",
        );
        Ok(self.keys.ring().sign(algorithm, kind, claims)?.ok_or(NOT_YET)?)
    }

    /// 128 random bits for `jti`.
    fn unique(&self) -> Result<String, Refused> {
        Ok(URL_SAFE_NO_PAD.encode(random::bytes::<16>(&self.ground.random)?))
    }
}

/// `at_hash` (`OpenID Connect Core §3.1.3.6`): the left half of the hash that the ID token's own signature rests on. Ed25519 rests on SHA-512.
fn token_hash(algorithm: TokenAlgorithm, token: &str) -> String {
    let hash = match algorithm {
        TokenAlgorithm::Es256 | TokenAlgorithm::Rs256 => digest(&SHA256, token.as_bytes()),
        TokenAlgorithm::EdDsa => digest(&SHA512, token.as_bytes()),
    };
    let half = hash.as_ref().get(..hash.as_ref().len() / 2).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of `OpenID Connect Core §A.3`.
    #[test]
    fn the_hash_of_an_access_token_is_the_one_that_the_standards_example_has() {
        let example = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(token_hash(TokenAlgorithm::Rs256, example), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(token_hash(TokenAlgorithm::EdDsa, example).len(), 43);
    }
}
