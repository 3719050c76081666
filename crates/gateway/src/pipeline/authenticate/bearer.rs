//! Tokens of other issuers: by their signature, or by asking who issued them.

use std::sync::Arc;
use std::time::Duration;

use bartizan_policy::{IssuerName, Timestamp};
use bartizan_token::{Fingerprint, TokenError, Verified};

use super::Known;
use super::verified::TRUSTED_FOR;
use crate::gate::Gate;
use crate::refusal::Refusal;

/// Whom the token speaks for, whatever it is bound to.
pub(super) async fn verify(token: &str, gate: &Gate, now: Timestamp) -> Result<Arc<Known>, Refusal> {
    let fingerprint = Fingerprint::of(token);
    if let Some(known) = gate.verified.find(&fingerprint, now) {
        return Ok(known);
    }
    let (verdict, trusted_for) = match gate.introspections.of_opaque(token) {
        Some(issuer) => ask(token, &issuer, fingerprint, gate, now).await?,
        None => match by_signature(token, gate, now).await {
            Err(TokenError::IntrospectionRequired { issuer }) => ask(token, &issuer, fingerprint, gate, now).await?,
            verdict => (verdict, TRUSTED_FOR),
        },
    };
    match verdict {
        Ok(Verified { principal, binding, dpop }) => {
            let known = Known { principal, fingerprint, binding, dpop, verified_at: now, trusted_for };
            let known = Arc::new(known);
            gate.verified.remember(&known, now);
            Ok(known)
        }
        Err(fault @ TokenError::KeysUnavailable { .. }) => Err(Refusal::CredentialUndecided(fault.code())),
        Err(fault @ TokenError::BindingRequired) => Err(Refusal::proof(fault.code(), false)),
        Err(fault) => Err(Refusal::CredentialRefused(fault.code())),
    }
}

async fn by_signature(token: &str, gate: &Gate, now: Timestamp) -> Result<Verified, TokenError> {
    let verdict = gate.verifier.verify_bound(token, now);
    let Err(TokenError::UnknownKey { issuer } | TokenError::KeysUnavailable { issuer }) = &verdict else {
        return verdict;
    };
    // The issuer may have rotated its keys. The fetch itself is bounded, however many unknown keys are sent.
    gate.keys.refresh(issuer).await;
    gate.verifier.verify_bound(token, now)
}

/// What the issuer says of the token, and for how long that counts. If it cannot be asked, nobody passes.
async fn ask(
    token: &str,
    issuer: &IssuerName,
    fingerprint: Fingerprint,
    gate: &Gate,
    now: Timestamp,
) -> Result<(Result<Verified, TokenError>, Duration), Refusal> {
    if gate.introspections.is_known_inactive(&fingerprint, now) {
        return Ok((Err(TokenError::Inactive), TRUSTED_FOR));
    }
    let (answer, cache) =
        gate.introspections.ask(issuer, token, fingerprint).await.map_err(Refusal::CredentialUndecided)?;
    let verdict = gate.verifier.judge_introspection(issuer, &answer, now);
    match &verdict {
        Err(TokenError::Malformed(_)) => return Err(Refusal::CredentialUndecided("introspection-malformed")),
        Err(_) => gate.introspections.remember_inactive(fingerprint, now),
        Ok(_) => {}
    }
    Ok((verdict, cache))
}
