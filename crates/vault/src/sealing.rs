use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    rand::SecureRandom,
};

use crate::{Fingerprint, Secret, VaultError, derive::derive, random};

/// Seals values for one purpose: AES-256-GCM, each message under a key of its own.
///
/// From 256 random bits beside the message, HKDF-SHA256 makes the message's key and nonce. AES-GCM alone with random 96-bit nonces
/// must stop after 2³² messages of a key (`NIST SP 800-38D §8.3`), since one repeated nonce gives away the authentication key.
/// Here a repetition takes two equal 256-bit values: after 2⁶⁴ messages its chance is still below 2⁻¹²⁸, so there is no limit that a
/// deployment could reach, and nothing to count across nodes, restarts and restored backups.
pub struct SealingKey {
    key: Secret<[u8; 32]>,
    root: Fingerprint,
}

/// A sealed value, safe to store: a version byte, the root's fingerprint (8 bytes), the message's salt (32 bytes), ciphertext and tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sealed(Vec<u8>);

impl SealingKey {
    pub(crate) const fn new(key: Secret<[u8; 32]>, root: Fingerprint) -> Self {
        Self { key, root }
    }

    /// Seals `plaintext` for the place that `context` names (table, row and column, for example): a value that somebody moves to
    /// another place does not open there.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`] if `random` fails.
    pub fn seal(&self, random: &dyn SecureRandom, context: &[u8], plaintext: &[u8]) -> Result<Sealed, VaultError> {
        let salt = random::bytes::<SALT>(random)?;
        let (key, nonce) = self.message_key(&salt)?;
        // Room for all of it at once: a buffer that grows leaves copies of the plaintext behind.
        let mut bytes = Vec::with_capacity(HEADER + plaintext.len() + TAG);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.root.to_bytes());
        bytes.extend_from_slice(&salt);
        let aad = associated_data(&bytes, context);
        bytes.extend_from_slice(plaintext);
        let (_, body) = bytes.split_at_mut_checked(HEADER).ok_or(VaultError::NotSealed)?;
        let tag = key.seal_in_place_separate_tag(nonce, aad, body);
        let tag = tag.map_err(|_| VaultError::Library { operation: "seal a value" })?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(Sealed(bytes))
    }

    /// Opens what was sealed with the same key for the same `context`.
    ///
    /// # Errors
    /// [`VaultError::OtherRoot`] if another root's key sealed it, [`VaultError::NotSealed`] if the form is unknown and
    /// [`VaultError::Forged`] if it was changed, or sealed for another purpose or context.
    pub fn open(&self, context: &[u8], sealed: &Sealed) -> Result<Secret<Vec<u8>>, VaultError> {
        let Parts { root, header, salt, body } = sealed.parts().ok_or(VaultError::NotSealed)?;
        if root != self.root {
            return Err(VaultError::OtherRoot { expected: root, have: self.root });
        }
        let (key, nonce) = self.message_key(salt)?;
        Secret::try_filled(body.to_vec(), |bytes| {
            let plaintext = key.open_in_place(nonce, associated_data(header, context), bytes);
            let length = plaintext.map_err(|_| VaultError::Forged)?.len();
            bytes.truncate(length);
            Ok(())
        })
    }

    fn message_key(&self, salt: &[u8]) -> Result<(LessSafeKey, Nonce), VaultError> {
        const REFUSED: VaultError = VaultError::Library { operation: "make a message key" };
        let material = derive::<44>(self.key.expose(), salt, &[b"bartizan sealed message, version 1"])?;
        let (key, nonce) = material.expose().split_at_checked(32).ok_or(REFUSED)?;
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| REFUSED)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| REFUSED)?;
        Ok((LessSafeKey::new(key), nonce))
    }
}

impl Sealed {
    /// The value that was stored as `bytes`. Whether it is whole shows when it is opened.
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to store, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The root that is needed to open it; `None` if this is no sealed value. While roots rotate, it tells which one to use.
    pub fn root(&self) -> Option<Fingerprint> {
        Some(self.parts()?.root)
    }

    fn parts(&self) -> Option<Parts<'_>> {
        let (header, body) = self.0.split_at_checked(HEADER).filter(|(_, body)| body.len() >= TAG)?;
        let (&version, rest) = header.split_first()?;
        let (root, salt) = rest.split_first_chunk()?;
        (version == VERSION).then_some(Parts { root: Fingerprint::from_bytes(*root), header, salt, body })
    }
}

struct Parts<'a> {
    root: Fingerprint,
    header: &'a [u8],
    salt: &'a [u8],
    body: &'a [u8],
}

const VERSION: u8 = 1;
const SALT: usize = 32;
const TAG: usize = 16;
const HEADER: usize = 1 + Fingerprint::LENGTH + SALT;

/// The header has a fixed length, so that no two pairs of header and context join to the same bytes.
fn associated_data(header: &[u8], context: &[u8]) -> Aad<Vec<u8>> {
    Aad::from([header, context].concat())
}

#[cfg(test)]
mod tests;
