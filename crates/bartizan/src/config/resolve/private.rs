use std::path::Path;

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::tree::Place;

/// Write permission of the group and of others.
const WRITABLE_BY_OTHERS: u32 = 0o022;
/// Read permission of others. The group's is not looked at: it is how keys are shared with a service (Debian's `ssl-cert`).
const READABLE_BY_OTHERS: u32 = 0o004;

impl Resolver<'_> {
    /// The content of a file that holds a secret. Whoever can write it can choose the secret, and sign as anybody (CWE-732): that is
    /// an error. That everybody on the machine can read it is a warning, since a container's volumes often look so.
    pub(super) fn private_content(&mut self, path: &Path, place: &Place, what: &str) -> Option<Vec<u8>> {
        let content = self.content(path, place, what)?;
        let full = self.beside(path);
        let mode = self.environment.mode(&full).unwrap_or_default();
        let remedy = format!("let the gate's user alone use it: `chmod 600 {}`", full.display());
        if mode & WRITABLE_BY_OTHERS != 0 {
            let message = format!("the {what} `{}` can be written by others (mode {mode:04o})", full.display());
            self.error(FaultKind::Unsafe, place, message, remedy);
            return None;
        }
        if mode & READABLE_BY_OTHERS != 0 {
            let message = format!("the {what} `{}` can be read by everybody (mode {mode:04o})", full.display());
            self.warning(FaultKind::Unsafe, place, message, remedy);
        }
        Some(content)
    }
}
