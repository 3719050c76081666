use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Dpop, Introspection, OneOrMany, SecretSource};
use crate::config::units::{Expiry, Fingerprint, Name, Period, Pointer, Time};

/// An issuer whose tokens are accepted. Its keys come from its discovery document (the default), from a file (`jwks`), or, for
/// a backend's own tokens, are a shared secret (`hs256`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The `iss` of its tokens; the URL of the issuer where keys come by discovery.
    #[schemars(length(min = 1, max = 512))]
    pub issuer: String,
    /// What must be in the tokens' `aud`: one, or a list of which one suffices. May be left out only if `require` leaves out
    /// `"aud"`.
    pub audience: Option<OneOrMany<String>>,
    /// Where the keys are: a JWKS file, or the `https` URL of a JWKS. Without it, by discovery.
    #[schemars(length(min = 1))]
    pub jwks: Option<String>,
    /// The shared secret, at least 256 bits, of a backend that signs its own tokens with HMAC. Whoever can check such a token
    /// can also make one: shown as weaker.
    pub hs256: Option<SecretSource>,
    /// Algorithms that are accepted. Without it, those that fit the issuer's keys.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub algorithms: Option<Vec<Algorithm>>,
    /// Claims that must be present. Leaving one out makes tokens weaker, and has to be said by writing the list without it.
    #[serde(default = "required")]
    pub require: Vec<RequiredClaim>,
    /// Where subject, roles and scopes stand in the tokens.
    #[serde(default)]
    pub claims: ClaimMap,
    /// How far the issuer's clock may differ from ours.
    #[serde(default = "leeway")]
    pub leeway: Period,
    /// The longest lifetime (`exp` minus `iat`) that is accepted.
    pub max_lifetime: Option<Period>,
    /// How the issuer is asked about its tokens, where they are opaque, or where a revoked one has to stop at once.
    pub introspection: Option<Introspection>,
    /// Tokens that are bound to a key of their holder (DPoP).
    #[serde(default)]
    pub dpop: Dpop,
    /// PEM file of the authorities to trust when the issuer's keys are fetched, or it is asked, instead of the system's.
    pub ca: Option<PathBuf>,
}

fn required() -> Vec<RequiredClaim> {
    vec![RequiredClaim::Iss, RequiredClaim::Aud, RequiredClaim::Exp]
}

const fn leeway() -> Period {
    Period::new(Duration::from_secs(30))
}

/// A claim that can be required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RequiredClaim {
    /// Who issued the token.
    Iss,
    /// Whom it is for.
    Aud,
    /// When it ends.
    Exp,
}

/// A signature algorithm (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the names are those of RFC 7518")]
pub enum Algorithm {
    ES256,
    ES384,
    #[serde(rename = "EdDSA")]
    EdDsa,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    HS256,
    HS384,
    HS512,
}

impl Algorithm {
    /// Whether it signs with a shared secret.
    pub const fn is_hmac(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }
}

/// Where things stand in a token, as JSON Pointers.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimMap {
    /// Whom the token speaks for.
    pub subject: Pointer,
    /// Roles: one string, or a list.
    pub roles: Pointer,
    /// Scopes: a string with spaces between them, or a list.
    pub scopes: Pointer,
}

impl Default for ClaimMap {
    fn default() -> Self {
        Self { subject: Pointer::fixed("/sub"), roles: Pointer::fixed("/roles"), scopes: Pointer::fixed("/scope") }
    }
}

/// An API key: it names an integration, never a person.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// What it is for; the subject of requests made with it.
    pub name: Name,
    /// The key's id: the part of the key that is no secret.
    #[schemars(length(min = 1, max = 64))]
    pub id: String,
    /// What is kept of the key.
    pub hash: Fingerprint,
    /// Roles of requests made with it.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Scopes of requests made with it.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// When it ends; `"never"` has to be said.
    pub expires: Expiry,
    /// Who answers for it: a person or team, for the audit log.
    pub owner: Option<String>,
}

/// A credential that ended before its expiry: one token or key (`token`), all of a subject (`subject`), or, with neither, all
/// of an issuer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// The issuer, as in `[[issuers]]`; `"api-keys"` for API keys, `"certificates"` for certificates by their thumbprint; for a
    /// certificate by its serial number, its issuer's distinguished name.
    pub issuer: String,
    /// Everything that speaks for this subject.
    pub subject: Option<String>,
    /// One token's `jti`, a key's id, a certificate's thumbprint (`x5t#S256`) or serial number in lower-case hexadecimal.
    pub token: Option<String>,
    /// Only what was issued before this point: signing in again works.
    pub before: Option<Time>,
}
