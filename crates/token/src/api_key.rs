//! API keys: `btz_`, the key's id, `_`, its secret and a checksum.
//!
//! The secret has 260 random bits, so that one round of SHA-256 keeps it: nothing can be guessed, and a slow hash would only
//! invite a flood. The checksum lets a secret scanner tell a real key from text that looks like one, offline.

mod hash;
mod registry;

use aws_lc_rs::rand::SecureRandom;
use bartizan_policy::TokenId;
use bartizan_vault::Secret;
use crc::{CRC_32_ISO_HDLC, Crc};
use zeroize::Zeroize as _;

pub use hash::{ApiKeyHash, HashError};
pub use registry::{ApiKeyError, ApiKeyRecord, ApiKeys, RecordError};

const PREFIX: &str = "btz_";
const ID_CHARS: usize = 12;
const SECRET_CHARS: usize = 52;
/// 32 bits at five a character.
const CHECKSUM_CHARS: usize = 7;

/// base32 (`RFC 4648 §6`) in lower case: nothing in it needs an escape in a header field, a URL or a shell.
const ALPHABET: [char; 32] = [
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w',
    'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
];
const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// A new API key: its text for the holder, shown once, and what the gate keeps.
pub struct ApiKey {
    /// The key itself.
    pub text: Secret<String>,
    /// Names the key in the configuration, in events and in a revocation; no secret.
    pub id: TokenId,
    /// What an [`ApiKeyRecord`] keeps of it.
    pub hash: ApiKeyHash,
}

/// The random source failed, so that no key was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the random source failed")]
pub struct NoRandomness;

impl ApiKey {
    /// Makes a key.
    ///
    /// # Errors
    /// [`NoRandomness`] if `random` fails.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, NoRandomness> {
        let mut bytes = [0; ID_CHARS + SECRET_CHARS];
        random.fill(&mut bytes).map_err(|_| NoRandomness)?;
        let (id, secret) = bytes.split_at(ID_CHARS);
        let id: String = id.iter().map(|byte| base32_char(u32::from(*byte))).collect();
        // Room for the whole key, since growing would leave a copy of the secret behind.
        let mut text = String::with_capacity(PREFIX.len() + ID_CHARS + 1 + SECRET_CHARS + CHECKSUM_CHARS);
        text.extend([PREFIX, &id, "_"]);
        text.extend(secret.iter().map(|byte| base32_char(u32::from(*byte))));
        bytes.zeroize();
        let checksum = checksum(&text);
        text.extend(checksum);
        Ok(Self { hash: ApiKeyHash::of(&text), text: Secret::new(text), id: TokenId::from(id) })
    }
}

/// Whether a credential is meant to be an API key, and no JWT: by its prefix alone.
pub fn looks_like_api_key(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// The key's id, if the text is a key of ours, whole and unmistyped.
fn parse(text: &str) -> Result<&str, ApiKeyError> {
    let body = text.strip_prefix(PREFIX).ok_or(ApiKeyError::Malformed)?;
    let (id, rest) = body.split_once('_').ok_or(ApiKeyError::Malformed)?;
    let in_alphabet = |part: &str| part.chars().all(|char| ALPHABET.contains(&char));
    if id.len() != ID_CHARS || rest.len() != SECRET_CHARS + CHECKSUM_CHARS || !in_alphabet(id) || !in_alphabet(rest) {
        return Err(ApiKeyError::Malformed);
    }
    let (signed, found) = text.split_at_checked(text.len() - CHECKSUM_CHARS).ok_or(ApiKeyError::Malformed)?;
    if !found.chars().eq(checksum(signed)) {
        return Err(ApiKeyError::WrongChecksum);
    }
    Ok(id)
}

/// CRC-32 of `text`, most significant bits first.
fn checksum(text: &str) -> [char; CHECKSUM_CHARS] {
    let sum = CHECKSUM.checksum(text.as_bytes());
    [30, 25, 20, 15, 10, 5, 0].map(|shift| base32_char(sum >> shift))
}

/// The character of the lowest five bits.
fn base32_char(bits: u32) -> char {
    ALPHABET.get(bits as usize % ALPHABET.len()).copied().unwrap_or('a')
}

#[cfg(test)]
mod tests;
