//! Proofs of possession (`RFC 9449 §4`): a JWT, made by the client for one request, under the key that its token is bound to.
//!
//! A proof is judged for every request and never cached. What is cheap comes first: a proof under another key than the token's is
//! refused by a hash, before any signature is checked.

use std::time::Duration;

use bartizan_policy::Timestamp;
use serde_json::{Map, Value};

use crate::claims::numeric_date;
use crate::jwk::PublicJwk;
use crate::jws::Compact;
use crate::{Algorithm, Fingerprint, KeyThumbprint, OneTime, OneTimeId, SkipReason, base64url, json};

/// The longest proof that is looked at. One with an RSA key of 4096 bits stays under 3 KiB.
pub const MAX_PROOF_BYTES: usize = 8 * 1024;
/// What proofs may be signed with (`RFC 9449 §4.2`: asymmetric, and never `none`).
pub const PROOF_ALGORITHMS: [Algorithm; 9] = Algorithm::PUBLIC_KEY;
/// How far ahead of ours a client's clock may run (`RFC 9449 §11.1`: seconds to minutes).
const AHEAD: Duration = Duration::from_secs(30);
/// The longest `jti`: any client's is a UUID or 128 random bits.
const MAX_ID_BYTES: usize = 256;

/// What the proof has to be for.
#[derive(Clone, Copy)]
pub struct DpopExpectation<'a> {
    /// The request's method.
    pub method: &'a str,
    /// Whether `htu` names the request's target: who knows how URIs are normalized decides it.
    pub is_target: &'a dyn Fn(&str) -> bool,
    /// The hash of the token.
    pub token: &'a Fingerprint,
    /// The key that the token is bound to.
    pub key: KeyThumbprint,
    /// Whether this nonce is one of the gate's own that still counts; `None` where no nonce is asked for.
    pub is_nonce: Option<&'a dyn Fn(&str) -> bool>,
    /// How old the proof may be.
    pub max_age: Duration,
}

/// Why a proof was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// Longer than [`MAX_PROOF_BYTES`].
    #[error("the proof is longer than 8 KiB")]
    TooLong,
    /// Not a JWS in compact form with strict base64url and JSON, or a member is missing or of the wrong type; names it.
    #[error("the proof is malformed: {0}")]
    Malformed(&'static str),
    /// `typ` is not `dpop+jwt`: a token of another kind must not pass for a proof.
    #[error("the proof's type is not `dpop+jwt`")]
    TypeRefused,
    /// `alg` is `none`, symmetric or unknown, or does not fit the key.
    #[error("the proof's algorithm is not allowed, or does not fit its key")]
    AlgorithmRefused,
    /// The header demands an extension, or points to a key elsewhere.
    #[error("the proof's header holds what a proof must not")]
    HeaderRefused,
    /// The key in the proof is private, symmetric, weak or malformed.
    #[error("the proof's key is not used: {0}")]
    UnfitKey(SkipReason),
    /// The token is bound to another key: it was stolen, or belongs to another client.
    #[error("the proof is under another key than the token is bound to")]
    WrongKey,
    /// The key did not make this signature.
    #[error("the proof's signature is wrong")]
    BadSignature,
    /// Made for another method.
    #[error("the proof is for another method")]
    WrongMethod,
    /// Made for another target, perhaps at another server.
    #[error("the proof is for another target")]
    WrongTarget,
    /// Made for another token.
    #[error("the proof is for another token")]
    WrongToken,
    /// Too old.
    #[error("the proof is too old")]
    Stale,
    /// Made later than now: by a wrong clock, or in advance.
    #[error("the proof claims to be made in the future")]
    IssuedInFuture,
    /// The gate asks for a nonce of its own, and the proof has none, or one that counts no more (`RFC 9449 §9`).
    #[error("the proof needs a nonce of the gate's own")]
    NonceRequired,
}

impl DpopError {
    /// A stable name for events and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "proof-too-long",
            Self::Malformed(_) => "proof-malformed",
            Self::TypeRefused => "proof-type-refused",
            Self::AlgorithmRefused => "proof-algorithm-refused",
            Self::HeaderRefused => "proof-header-refused",
            Self::UnfitKey(_) => "proof-key-unfit",
            Self::WrongKey => "proof-wrong-key",
            Self::BadSignature => "proof-bad-signature",
            Self::WrongMethod => "proof-wrong-method",
            Self::WrongTarget => "proof-wrong-target",
            Self::WrongToken => "proof-wrong-token",
            Self::Stale => "proof-stale",
            Self::IssuedInFuture => "proof-issued-in-future",
            Self::NonceRequired => "proof-nonce-required",
        }
    }
}

/// Judges a proof as of `now` (`RFC 9449 §4.3`). What is returned counts once: whoever lets the request pass has to remember it.
///
/// # Errors
/// A [`DpopError`], naming the fault.
pub fn verify_proof(proof: &str, expected: &DpopExpectation<'_>, now: Timestamp) -> Result<OneTime, DpopError> {
    if proof.len() > MAX_PROOF_BYTES {
        return Err(DpopError::TooLong);
    }
    let proof = Compact::split(proof).map_err(DpopError::Malformed)?;
    let (algorithm, members) = judge_header(&proof.header)?;
    // The key is read only if the token is bound to it: what a thief brings along costs a hash.
    let key = PublicJwk::thumbprint(members).ok_or(DpopError::UnfitKey(SkipReason::UnsupportedType))?;
    if key != expected.key {
        return Err(DpopError::WrongKey);
    }
    let jwk = PublicJwk::parse(members).map_err(DpopError::UnfitKey)?;
    let verifier = jwk.verifier(algorithm).ok_or(DpopError::AlgorithmRefused)?;
    verifier.verify_sig(proof.signing_input, &proof.signature).map_err(|_| DpopError::BadSignature)?;
    let claims =
        json::object(&proof.payload).map_err(|_| DpopError::Malformed("claims are not one strict JSON object"))?;
    judge_claims(&ProofClaims(&claims), expected, now)
}

fn judge_header(header: &Map<String, Value>) -> Result<(Algorithm, &Map<String, Value>), DpopError> {
    let text = |name| header.get(name).and_then(Value::as_str);
    if text("typ") != Some("dpop+jwt") {
        return Err(DpopError::TypeRefused);
    }
    let name = text("alg").ok_or(DpopError::Malformed("`alg` is not there or no string"))?;
    let algorithm = Algorithm::from_name(name).filter(|it| PROOF_ALGORITHMS.contains(it));
    let algorithm = algorithm.ok_or(DpopError::AlgorithmRefused)?;
    // As for tokens: nothing that points elsewhere, nests, or changes what the signature is over.
    let refused = ["jku", "x5u", "x5c", "crit", "b64", "cty", "enc", "zip"];
    if refused.into_iter().any(|name| header.contains_key(name)) {
        return Err(DpopError::HeaderRefused);
    }
    let jwk =
        header.get("jwk").and_then(Value::as_object).ok_or(DpopError::Malformed("`jwk` is not there or no object"))?;
    // RFC 9449 §4.3, 7: a client that gives its private key away proves nothing from then on.
    if PublicJwk::is_private(jwk) {
        return Err(DpopError::UnfitKey(SkipReason::PrivateMember));
    }
    Ok((algorithm, jwk))
}

fn judge_claims(
    claims: &ProofClaims<'_>,
    expected: &DpopExpectation<'_>,
    now: Timestamp,
) -> Result<OneTime, DpopError> {
    if claims.text("htm", "`htm`")? != expected.method {
        return Err(DpopError::WrongMethod);
    }
    if !(expected.is_target)(claims.text("htu", "`htu`")?) {
        return Err(DpopError::WrongTarget);
    }
    let token = base64url::decode(claims.text("ath", "`ath`")?);
    if token.is_none_or(|hash| hash != expected.token.as_bytes()) {
        return Err(DpopError::WrongToken);
    }
    let id = claims.text("jti", "`jti`")?;
    if id.is_empty() || id.len() > MAX_ID_BYTES {
        return Err(DpopError::Malformed("`jti` is empty or longer than 256 bytes"));
    }
    let issued = claims.time("iat")?.ok_or(DpopError::Malformed("`iat` is not there"))?;
    let until = issued.after(expected.max_age);
    if now > until || claims.time("exp")?.is_some_and(|end| now >= end) {
        return Err(DpopError::Stale);
    }
    let latest = now.after(AHEAD);
    if issued > latest || claims.time("nbf")?.is_some_and(|start| start > latest) {
        return Err(DpopError::IssuedInFuture);
    }
    if let Some(is_nonce) = expected.is_nonce
        && !claims.0.get("nonce").and_then(Value::as_str).is_some_and(is_nonce)
    {
        return Err(DpopError::NonceRequired);
    }
    let id = OneTimeId::of(&[b"dpop", expected.key.as_bytes(), id.as_bytes()]);
    // The proof is good up to and with `until`; it is remembered for that second too.
    Ok(OneTime { id, until: until.after(Duration::from_secs(1)) })
}

struct ProofClaims<'a>(&'a Map<String, Value>);

impl<'a> ProofClaims<'a> {
    fn text(&self, name: &str, fault: &'static str) -> Result<&'a str, DpopError> {
        self.0.get(name).and_then(Value::as_str).ok_or(DpopError::Malformed(fault))
    }

    fn time(&self, name: &str) -> Result<Option<Timestamp>, DpopError> {
        let time = |value| numeric_date(value).ok_or(DpopError::Malformed("a time is no number"));
        self.0.get(name).map(time).transpose()
    }
}
