use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};

use crate::Secret;

/// Makes and checks values that nobody else can make: HMAC with SHA-256 (`RFC 2104`, `FIPS 198-1`).
///
/// What it makes is a pseudo-random function of its message: of use also to derive one unguessable value from another, so that
/// neither has to be kept.
pub struct MacKey(Key);

impl MacKey {
    pub(crate) fn new(key: &Secret<[u8; 32]>) -> Self {
        Self(Key::new(HMAC_SHA256, key.expose()))
    }

    /// The tag of the message that `parts` make together. Each part's length is part of the message, so that no two lists of parts
    /// make the same one.
    pub fn tag(&self, parts: &[&[u8]]) -> Secret<[u8; 32]> {
        let mut context = Context::with_key(&self.0);
        for part in parts {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        let tag = context.sign();
        // An HMAC with SHA-256 always has 32 bytes, so that the lengths agree.
        let mut bytes = [0; 32];
        bytes.copy_from_slice(tag.as_ref());
        Secret::new(bytes)
    }

    /// Whether `tag` is the tag of that message, in a time that says nothing about how much of it is right (CWE-208).
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        self.tag(parts).matches(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_belongs_to_one_key_and_one_list_of_parts() {
        let key = MacKey::new(&Secret::new([1; 32]));
        let tag = key.tag(&[b"family", b"7"]);
        assert!(key.verify(&[b"family", b"7"], tag.expose()));
        for parts in [&[b"family".as_slice(), b"8"][..], &[b"family7"], &[b"famil", b"y7"], &[b"family", b"7", b""]] {
            assert!(!key.verify(parts, tag.expose()), "{parts:?}");
        }
        assert!(!MacKey::new(&Secret::new([2; 32])).verify(&[b"family", b"7"], tag.expose()));
        assert!(!key.verify(&[b"family", b"7"], tag.expose().get(..31).unwrap()), "a part of a tag is none");
    }
}
