use std::io::{self, Write as _};
use std::path::PathBuf;

use bartizan_controls::Fix;
use similar::TextDiff;

use crate::SourceFile;
use crate::secrets::Detector;

/// How many lines a diff shows around a change.
const CONTEXT: usize = 2;

/// A file as it is and as it shall be.
#[derive(Clone, Debug)]
pub struct Change {
    /// As reports write it.
    pub path: String,
    /// What is done to it, each in a few words.
    pub what: Vec<String>,
    file: PathBuf,
    before: Vec<u8>,
    after: Vec<u8>,
    /// Up to where the old content is in the new one already.
    taken: usize,
    last: Option<Fix>,
}

/// Why a file was not changed after all.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Somebody else changed it meanwhile.
    #[error("`{0}` was changed while it was looked at; nothing was written to it")]
    Moved(String),
    /// The new content cannot be put in its place.
    #[error("`{path}` cannot be written: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Change {
    pub(super) fn of(path: &str, file: PathBuf, before: Vec<u8>) -> Self {
        Self { path: path.to_owned(), what: Vec::new(), file, before, after: Vec::new(), taken: 0, last: None }
    }

    /// Takes a fix in, from the beginning of the file to its end; says whether it has room. The same fix twice, as two advisories about
    /// one package propose it, is one.
    pub(super) fn take(&mut self, fix: &Fix) -> bool {
        if self.last.as_ref() == Some(fix) {
            return true;
        }
        let Some(kept) = self.before.get(self.taken..fix.range.start).filter(|_| fix.range.end <= self.before.len())
        else {
            return false;
        };
        self.after.extend_from_slice(kept);
        self.after.extend_from_slice(&fix.replacement);
        self.taken = fix.range.end.max(fix.range.start);
        self.what.push(fix.what.clone());
        self.last = Some(fix.clone());
        true
    }

    pub(super) fn finish(mut self) -> Self {
        self.after.extend_from_slice(self.before.get(self.taken..).unwrap_or_default());
        self.taken = self.before.len();
        self
    }

    pub(super) fn after(&self) -> &[u8] {
        &self.after
    }

    /// The change as a unified diff, on which every credential is masked.
    pub fn diff(&self, detector: &Detector) -> String {
        let shown = |bytes: &[u8]| SourceFile::new(&self.path, bytes, detector).masked(0..bytes.len());
        let (before, after) = (shown(&self.before), shown(&self.after));
        let (old, new) = (format!("a/{}", self.path), format!("b/{}", self.path));
        TextDiff::from_lines(&before, &after).unified_diff().context_radius(CONTEXT).header(&old, &new).to_string()
    }

    /// Puts the new content in the place of the old one, in one step: whoever reads the file sees one or the other, and a crash leaves
    /// one of them. Permissions stay.
    ///
    /// # Errors
    /// A [`WriteError`]; then the file is as it was.
    pub fn write(&self) -> Result<(), WriteError> {
        let fault = |source| WriteError::Io { path: self.path.clone(), source };
        if std::fs::read(&self.file).map_err(fault)? != self.before {
            return Err(WriteError::Moved(self.path.clone()));
        }
        let metadata = std::fs::symlink_metadata(&self.file).map_err(fault)?;
        if !metadata.is_file() {
            return Err(WriteError::Moved(self.path.clone()));
        }
        let directory = self.file.parent().ok_or_else(|| fault(io::ErrorKind::NotFound.into()))?;
        let mut new = tempfile::NamedTempFile::new_in(directory).map_err(fault)?;
        new.write_all(&self.after).map_err(fault)?;
        new.as_file().set_permissions(metadata.permissions()).map_err(fault)?;
        new.as_file().sync_all().map_err(fault)?;
        new.persist(&self.file).map(drop).map_err(|error| fault(error.error))
    }
}
