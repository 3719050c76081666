use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use bartizan_vault::Secret;

/// What a configuration was made of: SHA-256 over the file and the public files that it names, so that two nodes, or a node
/// and a file in version control, can be compared. Secrets and keys count when two are compared, but are not in what is shown:
/// from a digest that stands in the audit log, a weak secret could be guessed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    shown: [u8; 32],
    kept: [u8; 32],
}

impl Digest {
    /// Of contents in their order.
    pub(crate) fn of(public: &[Vec<u8>], secret: &[Secret<Vec<u8>>]) -> Self {
        Self {
            shown: sha256(public.iter().map(Vec::as_slice)),
            kept: sha256(secret.iter().map(|it| it.expose().as_slice())),
        }
    }
}

/// Each content is preceded by its length, so that bytes cannot move from one file to the next unseen.
fn sha256<'a>(contents: impl Iterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for content in contents {
        context.update(&(content.len() as u64).to_be_bytes());
        context.update(content);
    }
    let mut digest = [0; 32];
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(byte, value)| *byte = *value);
    digest
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("sha256:")?;
        self.shown.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
