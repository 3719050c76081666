use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time;

use crate::base64url;
use crate::fingerprint::sha256;

/// The SHA-256 of an API key's whole text, written `sha256:` and 64 hexadecimal digits, as `printf %s KEY | sha256sum` shows
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ApiKeyHash([u8; 32]);

/// A text that is no hash of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key's hash is `sha256:` followed by 64 hexadecimal digits, or by the same in base64url")]
pub struct HashError;

impl ApiKeyHash {
    /// The hash of a key's text.
    pub fn of(key: &str) -> Self {
        Self(sha256(key.as_bytes()))
    }

    /// The hash in bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares in constant time.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl From<[u8; 32]> for ApiKeyHash {
    fn from(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

impl fmt::Display for ApiKeyHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl FromStr for ApiKeyHash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let digits = text.strip_prefix("sha256:").ok_or(HashError)?;
        let bytes = if digits.len() == 64 { from_hex(digits) } else { base64url::decode(digits) };
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(HashError)
    }
}

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let nibbles: Vec<u8> = digits.chars().map(|digit| digit.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    nibbles.chunks_exact(2).map(|pair| pair.iter().try_fold(0_u8, |byte, nibble| Some(byte << 4 | nibble))).collect()
}
