//! Passwords: how they are spelled, what they must be, and how they are kept.

mod formats;
mod pool;
mod rules;

use bartizan_vault::Secret;
use unicode_normalization::UnicodeNormalization as _;

pub use formats::{StoredPassword, UnknownFormat};
pub(crate) use pool::{HashingPool, Verdict};
pub use rules::PasswordFault;
pub(crate) use rules::judge;

/// The longest password that is taken, in characters: far beyond the 64 that must be (`NIST SP 800-63B-4 §3.1.1.2`), and a bound on what
/// hashing and judging it costs.
const LONGEST: usize = 256;

/// A password as it is hashed: NFKC, so that two keyboards that spell a letter differently type the same one.
pub(crate) struct Password(Secret<String>);

impl Password {
    /// What somebody typed; `None` if it is longer than any password here, or empty.
    pub(crate) fn typed(text: &str) -> Option<Self> {
        let length = text.chars().take(LONGEST + 1).count();
        (1..=LONGEST).contains(&length).then(|| Self(Secret::new(text.nfkc().collect())))
    }

    /// What is compared in place of something that cannot be a password.
    pub(crate) fn nobodys() -> Self {
        Self(Secret::new(String::from(" ")))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.expose()
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }
}
