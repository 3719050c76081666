//! JOSE and API keys: bytes from a stranger in, a [`Principal`](bartizan_policy::Principal) or a named refusal out.
//!
//! - [`Verifier`] judges bearer tokens (`RFC 7515`, `RFC 7519`, `RFC 8725`, `RFC 9068`) of the configured [`Issuer`]s.
//! - [`verify_proof`] judges the proof that comes with a token that is bound to a key (`RFC 9449`), [`ClientCertificate`] reads the
//!   certificate that a token, or a configured caller, is bound to (`RFC 8705`).
//! - [`ApiKeys`] judges API keys, kept as hashes.
//! - [`Webhook`] judges the signatures of webhooks, in the forms of four senders.
//! - [`AssertionSigner`] makes the short-lived token that tells an upstream who calls and what was decided.
//!
//! The room does no I/O, keeps no clock and draws no randomness of its own: keys arrive through [`Verifier::install`], `now`
//! and the random source are parameters. Fetching a published key set, how often to do so, and caching verdicts by
//! [`Fingerprint`] are the caller's.
//!
//! ```
//! use bartizan_policy::Timestamp;
//! use bartizan_token::{Issuer, KeySet, KeySource, TokenError, Verifier};
//!
//! let issuer = Issuer::new("https://login.example", vec!["https://api.example".to_owned()], KeySource::Published);
//! let verifier = Verifier::new(vec![issuer])?;
//! for issuer in verifier.published() {
//!     let document = br#"{"keys":[]}"#; // fetched by the caller
//!     verifier.install(issuer, &KeySet::parse(document)?)?;
//! }
//! let verdict = verifier.verify("not.a.token", Timestamp::from_unix(1_800_000_000));
//! assert!(matches!(verdict, Err(TokenError::Malformed(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Attacks, and where they stop
//!
//! | attack (`RFC 8725` section) | defence |
//! |---|---|
//! | `alg: none`, an algorithm the issuer never uses (2.1, 3.1) | [`Algorithm`] has no `none`; the allow-list is per issuer and by key type |
//! | HMAC with a public key as its secret (2.1, 3.1) | a public key holds no HMAC verifier, a [`SharedSecret`] no other; refused before any MAC |
//! | guessing a weak HMAC secret (2.2, 3.5) | [`SharedSecret`] refuses fewer than 256 bits, or fewer than the hash is long |
//! | a key brought along: `jwk`, `jku`, `x5u`, `x5c` (2.9, 3.10) | [`TokenError::KeyHeaderRefused`] |
//! | `kid` as a path or a query (2.9, 3.10) | it is compared with the ids of known keys and used for nothing else |
//! | a token for somebody else (2.7, 3.9), of another issuer (2.7, 3.8) | audience and issuer are required unless the configuration says otherwise |
//! | another kind of token of the same issuer (2.8, 3.11, 3.12) | `typ`, and the claims that mark logout and security events |
//! | text that two parsers read differently (2.6, 3.7) | strict base64url and JSON: no padding, no stray bits, no duplicate members |
//! | a token bound to a key, stolen and shown as a bearer (`RFC 9449 §7.2`) | [`TokenError::SenderConstrained`] |
#![forbid(unsafe_code)]

mod algorithm;
mod api_key;
mod assertion;
mod base64url;
mod binding;
mod claims;
mod client_certificate;
mod discovery;
mod dpop;
mod error;
mod fingerprint;
mod form_token;
mod issuer;
mod json;
mod jwk;
mod jws;
mod key_set;
mod one_time;
mod rsa;
mod shared_secret;
mod thumbprint;
mod verifier;
mod webhook;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use api_key::{
    ApiKey, ApiKeyError, ApiKeyHash, ApiKeyRecord, ApiKeys, HashError, NoRandomness, RecordError, looks_like_api_key,
};
pub use assertion::{AssertionClaims, AssertionError, AssertionSigner, Decision};
pub use binding::Binding;
pub use client_certificate::{CertificateError, ClientCertificate};
pub use discovery::{Discovery, DiscoveryError};
pub use dpop::{DpopError, DpopExpectation, MAX_PROOF_BYTES, PROOF_ALGORITHMS, verify_proof};
pub use error::TokenError;
pub use fingerprint::Fingerprint;
pub use form_token::form_token;
pub use issuer::{ClaimMap, DpopRules, Issuer, KeySource, Presence, Required};
pub use jwk::SkipReason;
pub use jws::{Jws, MAX_TOKEN_BYTES, SignatureError};
pub use key_set::{KeySet, KeySetError, SkippedKey};
pub use one_time::{OneTime, OneTimeId};
pub use shared_secret::{SharedSecret, WeakSecret};
pub use thumbprint::{CertificateThumbprint, KeyThumbprint};
pub use verifier::{Verified, Verifier, VerifierError};
pub use webhook::{Field, SignedHead, Webhook, WebhookCheck, WebhookError, WebhookForm, WebhookSecretError};
