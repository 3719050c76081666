use aws_lc_rs::digest::{Context, SHA256};
use bartizan_policy::Timestamp;

/// Names something that counts once: a hash, so that a store of them has one size for each and holds nothing that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OneTimeId([u8; 16]);

/// Something that counts once, and how long it has to be remembered: until it would be refused for its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneTime {
    /// Its name.
    pub id: OneTimeId,
    /// From here on it is refused without being remembered.
    pub until: Timestamp,
}

impl OneTimeId {
    /// The name of what these parts are together. Each part counts with its length, so that no two lists of parts are one text.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.update(part);
        }
        let mut id = [0; 16];
        // Half of SHA-256 is enough: who finds two of one name has only shut out one of their own.
        id.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Self(id)
    }

    /// The hash.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}
