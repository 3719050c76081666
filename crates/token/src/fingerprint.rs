use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use crate::CertificateThumbprint;

/// The SHA-256 of a token as it was sent: the key under which a verdict may be cached without keeping the token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of `token`.
    pub fn of(token: &str) -> Self {
        Self(sha256(token.as_bytes()))
    }

    /// The fingerprint of a client's certificate: its thumbprint. No token has it but one whose text is that certificate.
    pub const fn of_certificate(thumbprint: CertificateThumbprint) -> Self {
        Self(*thumbprint.as_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_sha_256_and_shows_little_of_it() {
        let fingerprint = Fingerprint::of("abc");
        assert_eq!(fingerprint.as_bytes().first_chunk(), Some(&[0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea]));
        assert_eq!(format!("{fingerprint:?}"), "Fingerprint(ba7816bf…)");
        assert_ne!(fingerprint, Fingerprint::of("abd"));
    }
}
