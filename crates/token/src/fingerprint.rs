use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

/// The SHA-256 of a token as it was sent: the key under which a verdict may be cached without keeping the token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of `token`.
    pub fn of(token: &str) -> Self {
        Self(sha256(token.as_bytes()))
    }

    /// The hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Shows the first bytes only: enough to tell two apart, of no use for looking one up.
impl fmt::Debug for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(out, "Fingerprint({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    // SHA-256 always yields 32 bytes, so that the lengths agree.
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}
