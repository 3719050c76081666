use std::fmt;

use aws_lc_rs::hmac;
use bartizan_vault::Secret;
use zeroize::Zeroize;

use crate::Algorithm;

/// A secret that an issuer shares with the gate, for tokens signed with HMAC (`RFC 7518 §3.2`).
///
/// Whoever holds it can make tokens, so that its principals are [`Strength::Weaker`](bartizan_policy::Strength::Weaker).
#[derive(Clone)]
pub struct SharedSecret {
    verifiers: Vec<(Algorithm, hmac::Key)>,
}

/// A secret short enough to be guessed offline from one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a shared secret needs at least 256 bits (32 bytes), this one has {bits}")]
pub struct WeakSecret {
    bits: usize,
}

impl SharedSecret {
    /// Takes the secret's bytes. It serves the algorithms whose hash is no longer than the secret (`RFC 7518 §3.2`).
    ///
    /// # Errors
    /// [`WeakSecret`] if there are fewer than 256 bits.
    pub fn new(secret: &Secret<impl Zeroize + AsRef<[u8]>>) -> Result<Self, WeakSecret> {
        let secret = secret.expose().as_ref();
        let verifiers: Vec<_> = [
            (Algorithm::Hs256, hmac::HMAC_SHA256, 32),
            (Algorithm::Hs384, hmac::HMAC_SHA384, 48),
            (Algorithm::Hs512, hmac::HMAC_SHA512, 64),
        ]
        .into_iter()
        .filter(|(_, _, least_bytes)| secret.len() >= *least_bytes)
        .map(|(algorithm, hash, _)| (algorithm, hmac::Key::new(hash, secret)))
        .collect();
        if verifiers.is_empty() {
            return Err(WeakSecret { bits: secret.len().saturating_mul(8) });
        }
        Ok(Self { verifiers })
    }

    /// The algorithms that the secret is long enough for.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.verifiers.iter().map(|(algorithm, _)| *algorithm)
    }

    pub(crate) fn verifier(&self, algorithm: Algorithm) -> Option<&hmac::Key> {
        self.verifiers.iter().find(|(known, _)| *known == algorithm).map(|(_, key)| key)
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SharedSecret(…)")
    }
}
