use std::fmt;

use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};

use crate::{PublicKey, Secret, SigningKey, VaultError};

/// What a [`TokenKey`] signs with, by the names of `RFC 7518 §3.1` and `RFC 8037 §3.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256, on keys of 2048 bits: what every client of OpenID Connect understands.
    Rs256,
}

/// A private key that signs tokens for whoever reads its public half in a JWKS.
pub struct TokenKey {
    pair: Pair,
    public: TokenPublicKey,
}

enum Pair {
    Es256(SigningKey),
    EdDsa(Ed25519KeyPair),
    Rs256(Box<RsaKeyPair>),
}

/// The public half of a [`TokenKey`], in the numbers that a JWK is written with, big-endian.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TokenPublicKey {
    /// A point of P-256 (`RFC 7518 §6.2.1`).
    Es256(PublicKey),
    /// `x` of `RFC 8037 §2`.
    EdDsa([u8; 32]),
    /// `RFC 7518 §6.3.1`: without leading zeros.
    Rs256 {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
}

impl TokenAlgorithm {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// Its name in a token's header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }

    /// The algorithm of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

impl fmt::Display for TokenAlgorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl TokenKey {
    /// A new key from the cryptographic library's own generator. One for RSA takes some hundred milliseconds.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`] if the generator fails.
    pub fn generate(algorithm: TokenAlgorithm) -> Result<Self, VaultError> {
        Self::of(match algorithm {
            TokenAlgorithm::Es256 => Pair::Es256(SigningKey::generate()?),
            TokenAlgorithm::EdDsa => Pair::EdDsa(Ed25519KeyPair::generate().map_err(|_| VaultError::NoRandomness)?),
            TokenAlgorithm::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| VaultError::NoRandomness)?;
                Pair::Rs256(Box::new(pair))
            }
        })
    }

    /// The key in a PKCS#8 document that [`to_pkcs8`](Self::to_pkcs8) wrote.
    ///
    /// # Errors
    /// [`VaultError::NotATokenKey`] if it holds no key for `algorithm`.
    pub fn from_pkcs8(algorithm: TokenAlgorithm, document: &Secret<Vec<u8>>) -> Result<Self, VaultError> {
        let refused = || VaultError::NotATokenKey { algorithm };
        Self::of(match algorithm {
            TokenAlgorithm::Es256 => Pair::Es256(SigningKey::from_pkcs8(document).map_err(|_| refused())?),
            TokenAlgorithm::EdDsa => Pair::EdDsa(Ed25519KeyPair::from_pkcs8(document.expose()).map_err(|_| refused())?),
            TokenAlgorithm::Rs256 => {
                Pair::Rs256(Box::new(RsaKeyPair::from_pkcs8(document.expose()).map_err(|_| refused())?))
            }
        })
    }

    /// The key as a PKCS#8 document, to be sealed and stored.
    ///
    /// # Errors
    /// [`VaultError::Library`] if the library cannot encode its own key.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, VaultError> {
        const REFUSED: VaultError = VaultError::Library { operation: "encode a key that signs tokens" };
        match &self.pair {
            Pair::Es256(key) => key.to_pkcs8(),
            Pair::EdDsa(pair) => Ok(Secret::new(pair.to_pkcs8().map_err(|_| REFUSED)?.as_ref().to_vec())),
            Pair::Rs256(pair) => Ok(Secret::new(pair.as_der().map_err(|_| REFUSED)?.as_ref().to_vec())),
        }
    }

    /// The signature of `message` as JWS wants it.
    ///
    /// # Errors
    /// [`VaultError::Library`] if the library refuses to sign.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, VaultError> {
        const REFUSED: VaultError = VaultError::Library { operation: "sign a token" };
        match &self.pair {
            Pair::Es256(key) => Ok(key.sign(message)?.to_vec()),
            Pair::EdDsa(pair) => Ok(pair.try_sign(message).map_err(|_| REFUSED)?.as_ref().to_vec()),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(|_| REFUSED)?;
                Ok(signature)
            }
        }
    }

    /// What it signs with.
    pub const fn algorithm(&self) -> TokenAlgorithm {
        match self.pair {
            Pair::Es256(_) => TokenAlgorithm::Es256,
            Pair::EdDsa(_) => TokenAlgorithm::EdDsa,
            Pair::Rs256(_) => TokenAlgorithm::Rs256,
        }
    }

    /// The public half, for a JWKS.
    pub const fn public(&self) -> &TokenPublicKey {
        &self.public
    }

    fn of(pair: Pair) -> Result<Self, VaultError> {
        const REFUSED: VaultError = VaultError::Library { operation: "read the public half of its own key" };
        let public = match &pair {
            Pair::Es256(key) => TokenPublicKey::Es256(key.public()),
            Pair::EdDsa(pair) => TokenPublicKey::EdDsa(pair.public_key().as_ref().try_into().map_err(|_| REFUSED)?),
            Pair::Rs256(pair) => rsa_numbers(pair.public_key().as_ref()).ok_or(REFUSED)?,
        };
        Ok(Self { pair, public })
    }
}

/// Modulus and exponent of `RSAPublicKey` in DER (`RFC 8017 §A.1.1`: a sequence of two integers).
fn rsa_numbers(der: &[u8]) -> Option<TokenPublicKey> {
    let (sequence, _) = der_element(der, 0x30)?;
    let (n, rest) = der_element(sequence, 0x02)?;
    let (e, _) = der_element(rest, 0x02)?;
    // DER puts a zero before a number whose first bit is set, lest it be read as negative.
    let plain = |number: &[u8]| number.strip_prefix(&[0]).unwrap_or(number).to_vec();
    Some(TokenPublicKey::Rs256 { n: plain(n), e: plain(e) })
}

/// The contents of the element with `tag` that `der` begins with, and what follows it.
fn der_element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk()?;
    if found != tag {
        return None;
    }
    // From 0x80 on, it is the number of bytes that hold the length.
    let (length, rest) = match length.checked_sub(0x80) {
        None => (usize::from(length), rest),
        Some(bytes @ 1..=4) => {
            let (long, rest) = rest.split_at_checked(usize::from(bytes))?;
            (long.iter().fold(0, |length, &byte| (length << 8) | usize::from(byte)), rest)
        }
        Some(_) => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
    };

    use super::*;

    fn verifies(public: &TokenPublicKey, message: &[u8], signature: &[u8]) -> bool {
        match public {
            TokenPublicKey::Es256(key) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.to_uncompressed())
                .verify(message, signature)
                .is_ok(),
            TokenPublicKey::EdDsa(x) => UnparsedPublicKey::new(&ED25519, x).verify(message, signature).is_ok(),
            TokenPublicKey::Rs256 { n, e } => {
                let key = RsaPublicKeyComponents { n: n.as_slice(), e: e.as_slice() };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
        }
    }

    #[test]
    fn a_key_of_every_algorithm_survives_its_document_and_signs_what_its_public_half_verifies() {
        for algorithm in TokenAlgorithm::ALL {
            let key = TokenKey::generate(algorithm).unwrap();
            let again = TokenKey::from_pkcs8(algorithm, &key.to_pkcs8().unwrap()).unwrap();
            assert_eq!((again.public(), again.algorithm()), (key.public(), algorithm));
            let signature = again.sign(b"who may what").unwrap();
            assert!(verifies(key.public(), b"who may what", &signature), "{algorithm}");
            assert!(!verifies(key.public(), b"who may all", &signature), "{algorithm}");
            assert_eq!(TokenAlgorithm::from_name(algorithm.as_str()), Some(algorithm));
        }
    }

    #[test]
    fn a_document_of_another_algorithm_is_refused() {
        let document = TokenKey::generate(TokenAlgorithm::EdDsa).unwrap().to_pkcs8().unwrap();
        for algorithm in [TokenAlgorithm::Es256, TokenAlgorithm::Rs256] {
            let refused = TokenKey::from_pkcs8(algorithm, &document);
            assert!(matches!(refused, Err(VaultError::NotATokenKey { .. })), "{algorithm}");
        }
    }

    #[test]
    fn a_length_that_leads_out_of_the_document_is_no_number() {
        for der in [&[][..], &[0x30], &[0x30, 0x84, 0xff], &[0x30, 0x85, 0, 0, 0, 0, 1], &[0x02, 1, 1]] {
            assert_eq!(rsa_numbers(der), None, "{der:?}");
        }
    }
}
