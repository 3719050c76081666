use std::time::Duration;

use bartizan_policy::IssuerName;

use crate::{Algorithm, KeySet, SharedSecret};

/// Whose tokens are accepted, and under which rules.
///
/// [`Issuer::new`] gives the strict rules; every field that loosens one is public so that the loosening is visible where it is
/// made.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// `iss`, compared byte for byte (`RFC 7519 §4.1.1`).
    pub name: IssuerName,
    /// The values of `aud` that mean this gate; one of them must be in the token.
    pub audience: Vec<String>,
    /// Where the keys come from.
    pub keys: KeySource,
    /// The allow-list; empty stands for [`Algorithm::PUBLIC_KEY`], or for what a shared secret is long enough for.
    pub algorithms: Vec<Algorithm>,
    /// Which claims must be there.
    pub require: Required,
    /// Where subject, roles and scopes stand in the token.
    pub claims: ClaimMap,
    /// How far the clocks may differ. Default 30 s.
    pub leeway: Duration,
    /// The accepted values of `typ`, with or without `application/`. Empty stands for `at+jwt`, `JWT` or none at all; otherwise a
    /// token without `typ` is refused.
    pub token_types: Vec<String>,
    /// The longest time from `iat` (from now, where there is none) to `exp`. A token without `exp` ends this long after `iat`.
    pub max_lifetime: Option<Duration>,
    /// What is asked of tokens that are bound to a key of their holder, and whether they have to be.
    pub dpop: DpopRules,
}

/// Proof of possession (`RFC 9449`). A token that is bound to a key always needs its proof, whatever these say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DpopRules {
    /// Whether every token has to be bound to a key. Optional lets bearer tokens through as well.
    pub binding: Presence,
    /// Whether a proof has to carry a nonce of the gate's own (`RFC 9449 §9`): then none can be made in advance.
    pub nonce: Presence,
    /// How old a proof may be. Default 60 s.
    pub max_age: Duration,
}

impl Default for DpopRules {
    fn default() -> Self {
        Self { binding: Presence::Optional, nonce: Presence::Optional, max_age: Duration::from_mins(1) }
    }
}

impl Issuer {
    /// An issuer under the strict rules.
    pub fn new(name: impl Into<IssuerName>, audience: Vec<String>, keys: KeySource) -> Self {
        Self {
            name: name.into(),
            audience,
            keys,
            algorithms: Vec::new(),
            require: Required::default(),
            claims: ClaimMap::default(),
            leeway: Duration::from_secs(30),
            token_types: Vec::new(),
            max_lifetime: None,
            dpop: DpopRules::default(),
        }
    }
}

/// Where an issuer's keys come from.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// Fetched by the caller, and put in place with [`Verifier::install`](crate::Verifier::install).
    Published,
    /// Known from the start, such as from a file.
    Fixed(KeySet),
    /// A secret shared with the issuer.
    Shared(SharedSecret),
    /// No keys: the issuer itself is asked about each token (`RFC 7662`), by the caller, and what it says is judged by
    /// [`Verifier::judge_introspection`](crate::Verifier::judge_introspection).
    Introspected,
}

/// Which of the claims that bind a token must be there. Leaving one out makes the principal
/// [`Strength::Weaker`](bartizan_policy::Strength::Weaker).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Required {
    /// `iss`. Optional means: a token without it is judged as this issuer's.
    pub issuer: Presence,
    /// `aud`. Optional lets a token without it through; one that names another audience is refused all the same.
    pub audience: Presence,
    /// `exp`. Optional means a token without it never ends, unless a longest lifetime is set.
    pub expiry: Presence,
}

impl Required {
    pub(crate) fn is_loosened(self) -> bool {
        self != Self::default()
    }
}

/// Whether a claim must be there. What is there is checked in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// A token without the claim is refused.
    #[default]
    Required,
    /// A token may lack the claim.
    Optional,
}

/// Where to find what the gate reads from a token, as JSON Pointers (`RFC 6901`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimMap {
    /// A string, or a whole number as some backends' own tokens have it. Default `/sub`.
    pub subject: String,
    /// A string (one role) or an array of strings. Default `/roles`.
    pub roles: String,
    /// A string separated by spaces (`RFC 8693 §4.2`) or an array of strings. Default `/scope`.
    pub scopes: String,
}

impl Default for ClaimMap {
    fn default() -> Self {
        Self { subject: "/sub".to_owned(), roles: "/roles".to_owned(), scopes: "/scope".to_owned() }
    }
}
