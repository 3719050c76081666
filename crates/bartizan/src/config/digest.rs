use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

/// SHA-256 over the configuration file and the files that are part of it, so that two nodes, or a node and a file in version
/// control, can be compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of contents in their order. Each is preceded by its length, so that bytes cannot move from one file to the next unseen.
    pub fn of<'a>(contents: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut context = Context::new(&SHA256);
        for content in contents {
            context.update(&(content.len() as u64).to_be_bytes());
            context.update(content);
        }
        let mut digest = [0; 32];
        digest.iter_mut().zip(context.finish().as_ref()).for_each(|(byte, value)| *byte = *value);
        Self(digest)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
