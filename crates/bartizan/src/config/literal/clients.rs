use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretSource;
use crate::config::units::Period;

/// An application that gets tokens from the gate's own sign-in (OAuth 2.1, OpenID Connect). Those that are not declared here are
/// registered by `bartizan client create`. PKCE is required of all of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// What it calls itself (`client_id`).
    #[schemars(length(min = 1, max = 128))]
    pub id: String,
    /// What people know it by.
    #[schemars(length(min = 1, max = 100))]
    pub name: String,
    /// What it is: `"native"` on somebody's device may have any port of the loopback in its redirect URI, and a scheme of its own.
    #[serde(default)]
    pub kind: ClientKind,
    /// Its secret, of at least 32 bytes. Without it, and without `jwks`, it is a public client, which cannot prove itself.
    pub secret: Option<SecretSource>,
    /// A file with its public keys (a JWKS), if it proves itself by tokens that it signs (`private_key_jwt`).
    pub jwks: Option<PathBuf>,
    /// Where people are sent back to: compared character for character.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Where they may be sent after signing out.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// How it comes to tokens.
    #[serde(default = "default_grants")]
    #[schemars(length(min = 1, max = 4))]
    pub grants: Vec<Grant>,
    /// What it may ask for.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
    /// Whom its access tokens are for. Without it, the gate.
    #[serde(default)]
    pub audience: Vec<String>,
    /// Whether people are asked before it learns who they are; `"first-party"` asks nobody.
    #[serde(default)]
    pub consent: ClientConsent,
    /// What its ID tokens are signed with.
    #[serde(default)]
    pub id_token_algorithm: IdTokenAlgorithm,
}

fn default_grants() -> Vec<Grant> {
    vec![Grant::AuthorizationCode, Grant::RefreshToken]
}

fn default_scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).to_vec()
}

/// What a client is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientKind {
    /// A site, or an application in a browser.
    #[default]
    Web,
    /// An application on somebody's device (RFC 8252).
    Native,
}

/// How a client comes to tokens. There is no `implicit` and no `password`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// A person signs in.
    AuthorizationCode,
    /// What a person gave is renewed.
    RefreshToken,
    /// The client acts for itself.
    ClientCredentials,
    /// A person types, elsewhere, the code that a device shows (RFC 8628).
    DeviceCode,
}

/// Whether people are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientConsent {
    /// Once for each thing that it wants.
    #[default]
    Ask,
    /// Nobody is asked: it belongs to whoever runs the gate.
    FirstParty,
}

/// What ID tokens are signed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum IdTokenAlgorithm {
    /// ECDSA on P-256.
    #[default]
    ES256,
    /// Ed25519.
    EdDSA,
    /// RSA of 2048 bits, for clients that know nothing else.
    RS256,
}

/// How long tokens of the gate's own sign-in are good for.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tokens {
    /// Access tokens. One that was revoked is refused by this node at once, by other services that check it at its end.
    pub access: Period,
    /// How long after its use a refresh token still leads to its successor, for requests that were sent at the same time. Whoever has
    /// stolen one can use it unseen for so long.
    pub refresh_grace: Period,
    /// Refresh tokens that nobody uses.
    pub refresh_idle: Period,
    /// Refresh tokens altogether, however often they are renewed.
    pub refresh_absolute: Period,
}

impl Default for Tokens {
    fn default() -> Self {
        let (lifetimes, refresh) =
            (bartizan_identity::provider::Lifetimes::default(), bartizan_identity::provider::RefreshRules::default());
        Self {
            access: Period::new(lifetimes.access),
            refresh_grace: Period::new(refresh.grace),
            refresh_idle: Period::new(refresh.idle),
            refresh_absolute: Period::new(refresh.absolute),
        }
    }
}
