use bartizan_controls::Fingerprint;
use sha2::{Digest as _, Sha256};

/// The fingerprint of a rule and of what identifies a weakness for it: the same parts make the same fingerprint, on every
/// machine. Each part is written with its length, so that no two lists of parts run together.
///
/// Put no file name, line number, white space or order into the parts: they change while the weakness stays.
pub fn fingerprint(rule: &str, parts: &[&[u8]]) -> Fingerprint {
    let mut hash = Sha256::new();
    for part in std::iter::once(rule.as_bytes()).chain(parts.iter().copied()) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut short = [0; 16];
    for (to, from) in short.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    Fingerprint(short)
}

/// What may stand in a fingerprint for a value that people choose, such as a password: three bytes of its hash. Baselines and
/// reports leave the project; a whole hash would let their readers try a dictionary against it, and three bytes leave them with
/// a sixteen-millionth of every dictionary.
pub fn blurred(value: &[u8]) -> [u8; 3] {
    let digest = Sha256::digest(value);
    let mut short = [0; 3];
    for (to, from) in short.iter_mut().zip(digest) {
        *to = from;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(fingerprint("a", &[b"bc", b"d"]), fingerprint("a", &[b"b", b"cd"]));
        assert_ne!(fingerprint("ab", &[b"c"]), fingerprint("a", &[b"bc"]));
    }

    #[test]
    fn a_fingerprint_is_the_same_on_every_machine() {
        assert_eq!(fingerprint("secrets.x", &[b"value"]).to_string(), "7486f72b23d2362bf536a1bb1f055423");
    }
}
