use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $type(Arc<str>);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $type {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $type {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

name! {
    /// Whom a credential speaks for, unique only together with its [`IssuerName`] (`OpenID Connect Core §5.7`).
    Subject
}
name! {
    /// Who vouches for the subject: a token's `iss`, or the name of the gate's own registry (`api-keys`).
    IssuerName
}
name! {
    /// The `jti` of a token or the id of a key: what a revocation of one credential names.
    TokenId
}

/// Who is calling, as a verified credential says; made only by the room that verified it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Principal {
    /// Whom the credential speaks for.
    pub subject: Subject,
    /// Who vouches for it.
    pub issuer: IssuerName,
    /// A person, a service, or a bare key.
    pub kind: PrincipalKind,
    /// How the caller presented itself.
    pub credential: CredentialKind,
    /// How hard the credential is to forge, apart from how its holder signed in.
    pub strength: Strength,
    /// The credential's own id, where it has one.
    pub token_id: Option<TokenId>,
    /// The OAuth client that obtained the token (`client_id` or `azp`).
    pub client: Option<Arc<str>>,
    /// Roles, as mapped from the credential.
    pub roles: Vec<Arc<str>>,
    /// Scopes (`RFC 6749 §3.3`).
    pub scopes: Vec<Arc<str>>,
    /// Every claim of the credential, for attribute rules; addressed by JSON Pointer (`RFC 6901`).
    pub attributes: Map<String, Value>,
    /// How and when the holder signed in.
    pub authentication: Authentication,
    /// When the credential was issued (`iat`).
    pub issued_at: Option<Timestamp>,
    /// When it ends. `None` only where the configuration said so.
    pub expires_at: Option<Timestamp>,
}

impl Principal {
    /// Whether any of `wanted` is among the caller's roles.
    pub fn has_any_role(&self, wanted: &[Arc<str>]) -> bool {
        wanted.iter().any(|role| self.roles.contains(role))
    }

    /// The first of `wanted` that the caller lacks.
    pub fn missing_scope<'a>(&self, wanted: &'a [Arc<str>]) -> Option<&'a str> {
        wanted.iter().find(|scope| !self.scopes.contains(scope)).map(AsRef::as_ref)
    }
}

/// What sort of caller a principal is. Only a [`PrincipalKind::User`] can own something or satisfy a step-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalKind {
    /// A person, or software acting for one.
    User,
    /// A client acting for itself (`RFC 9068 §2.2`: `sub` equals `client_id`).
    Service,
    /// Whoever holds the key: a key names an integration, never a person.
    ApiKey,
}

/// The form in which a credential is presented; the values of a route's `credentials`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// The session cookie `__Host-bartizan`.
    Session,
    /// `Authorization: Bearer` (`RFC 6750 §2.1`).
    Bearer,
    /// `Authorization: DPoP`: a token with the proof that its holder has the key that it is bound to (`RFC 9449`).
    Dpop,
    /// An API key.
    ApiKey,
    /// A client certificate (`RFC 8705`).
    Mtls,
    /// The signature of a webhook's sender.
    Webhook,
}

impl CredentialKind {
    /// The name used in the configuration, in events and in the assertion.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Bearer => "bearer",
            Self::Dpop => "dpop",
            Self::ApiKey => "api-key",
            Self::Mtls => "mtls",
            Self::Webhook => "webhook",
        }
    }
}

/// How hard a credential is to forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Anyone who can verify it can also make it (a shared HS256 secret), or it was accepted without a usual claim.
    Weaker,
    /// Verified with a key that cannot make it.
    Full,
}

/// How and when the holder of a credential signed in (`OpenID Connect Core §2`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Authentication {
    /// `auth_time`.
    pub time: Option<Timestamp>,
    /// `acr`, the authentication context class.
    pub acr: Option<Arc<str>>,
    /// `amr`, the methods used (`RFC 8176`).
    pub amr: Vec<Arc<str>>,
}

impl Authentication {
    /// Whether the sign-in used more than one factor: `amr` says `mfa`, or names two methods of different factors
    /// (`RFC 8176 §2`).
    pub fn is_multi_factor(&self) -> bool {
        let has = |names: &[&str]| self.amr.iter().any(|method| names.contains(&method.as_ref()));
        let knowledge = has(&["pwd", "pin", "kba"]);
        let possession = has(&["otp", "hwk", "swk", "sms", "tel", "sc", "pop"]);
        let inherence = has(&["fpt", "face", "iris", "retina", "vbm"]);
        has(&["mfa"]) || [knowledge, possession, inherence].iter().filter(|&&used| used).count() > 1
    }
}
