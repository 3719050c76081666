use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};

use crate::{Secret, VaultError};

/// An ECDSA private key on P-256 that signs with SHA-256: `ES256` of `RFC 7518 §3.4`.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
}

/// The public half of a [`SigningKey`]: a point's coordinates as JWK has them (`RFC 7518 §6.2.1`), big-endian, 32 bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey {
    /// The `x` coordinate.
    pub x: [u8; 32],
    /// The `y` coordinate.
    pub y: [u8; 32],
}

impl SigningKey {
    /// A new key from the cryptographic library's own generator: the only one that it accepts for keys.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`] if the generator fails.
    pub fn generate() -> Result<Self, VaultError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| VaultError::NoRandomness)?;
        Self::of(pair)
    }

    /// The key in a PKCS#8 document (`RFC 5208`, `RFC 5958`), as [`to_pkcs8`](Self::to_pkcs8) and `openssl pkcs8 -outform DER` write it.
    ///
    /// # Errors
    /// [`VaultError::NotASigningKey`] if it is anything else than a P-256 private key.
    pub fn from_pkcs8(document: &Secret<Vec<u8>>) -> Result<Self, VaultError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.expose())
            .map_err(|_| VaultError::NotASigningKey)?;
        Self::of(pair)
    }

    /// The key as a PKCS#8 document, to be sealed and stored.
    ///
    /// # Errors
    /// [`VaultError::Library`] if the library cannot encode its own key.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, VaultError> {
        let document = self.pair.to_pkcs8v1().map_err(|_| VaultError::Library { operation: "encode a signing key" })?;
        Ok(Secret::new(document.as_ref().to_vec()))
    }

    /// The signature of `message` as JWS wants it (`RFC 7518 §3.4`): `r`, then `s`, big-endian, 32 bytes each.
    ///
    /// # Errors
    /// [`VaultError::Library`] if the library refuses to sign.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], VaultError> {
        const REFUSED: VaultError = VaultError::Library { operation: "sign" };
        let signature = self.pair.sign(&SystemRandom::new(), message).map_err(|_| REFUSED)?;
        signature.as_ref().try_into().map_err(|_| REFUSED)
    }

    /// The public half, for a JWKS.
    pub const fn public(&self) -> PublicKey {
        self.public
    }

    fn of(pair: EcdsaKeyPair) -> Result<Self, VaultError> {
        let public = PublicKey::from_uncompressed(pair.public_key().as_ref())?;
        Ok(Self { pair, public })
    }
}

impl PublicKey {
    /// The point in its uncompressed form (`SEC 1 §2.3.3`: 0x04, x, y), as signature verifiers take it.
    pub fn to_uncompressed(self) -> [u8; 65] {
        let mut point = [4; 65];
        for (to, from) in point.iter_mut().skip(1).zip(self.x.into_iter().chain(self.y)) {
            *to = from;
        }
        point
    }

    fn from_uncompressed(point: &[u8]) -> Result<Self, VaultError> {
        let [4, coordinates @ ..] = point else { return Err(VaultError::NotASigningKey) };
        let (x, y) = coordinates.split_at_checked(32).ok_or(VaultError::NotASigningKey)?;
        let coordinate = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).map_err(|_| VaultError::NotASigningKey);
        Ok(Self { x: coordinate(x)?, y: coordinate(y)? })
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING, UnparsedPublicKey};

    use super::*;

    fn verifies(public: PublicKey, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public.to_uncompressed()).verify(message, signature).is_ok()
    }

    #[test]
    fn a_signature_verifies_under_the_public_half_and_no_other() {
        let key = SigningKey::generate().unwrap();
        let signature = key.sign(b"who calls").unwrap();
        assert!(verifies(key.public(), b"who calls", &signature));
        assert!(!verifies(key.public(), b"who else calls", &signature));
        assert!(!verifies(SigningKey::generate().unwrap().public(), b"who calls", &signature));
    }

    #[test]
    fn a_key_survives_its_pkcs8_document() {
        let key = SigningKey::generate().unwrap();
        let again = SigningKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(again.public(), key.public());
        assert!(verifies(key.public(), b"message", &again.sign(b"message").unwrap()));
    }

    #[test]
    fn anything_but_a_p256_key_is_refused() {
        let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
        let mut cut = SigningKey::generate().unwrap().to_pkcs8().unwrap().expose().clone();
        cut.pop();
        for document in [p384.as_ref().to_vec(), cut, Vec::new(), b"-----BEGIN PRIVATE KEY-----".to_vec()] {
            assert!(matches!(SigningKey::from_pkcs8(&Secret::new(document)), Err(VaultError::NotASigningKey)));
        }
    }
}
