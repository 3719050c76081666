use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::directory::open_to_append;
use crate::{EvidenceError, Sink};

/// Where a sink's lines go. A file that somebody moved away, as `logrotate` does, is opened anew under its name.
#[derive(Debug)]
pub(super) struct Output {
    file: File,
    /// None for standard output, which cannot be moved.
    path: Option<PathBuf>,
}

impl Output {
    pub(super) fn open(sink: &Sink) -> Result<Self, EvidenceError> {
        match sink {
            Sink::Stdout => Ok(Self { file: stdout()?, path: None }),
            Sink::File(path) => Ok(Self { file: open_to_append(path)?, path: Some(path.clone()) }),
        }
    }

    /// What it is called in messages.
    pub(super) fn name(&self) -> String {
        self.path.as_ref().map_or_else(|| "standard output".to_owned(), |path| format!("`{}`", path.display()))
    }

    /// Opens the file anew if the one under its name is another one now, or none. Asked once for each batch, not for each line.
    pub(super) fn follow(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let is_same = |named: &Metadata, open: &Metadata| (named.dev(), named.ino()) == (open.dev(), open.ino());
        let named = fs::symlink_metadata(path).ok();
        if named.is_some_and(|named| self.file.metadata().is_ok_and(|open| is_same(&named, &open))) {
            return Ok(());
        }
        self.file = open_to_append(path).map_err(io::Error::other)?;
        Ok(())
    }

    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }
}

/// Standard output by a handle of its own: a write that blocks must not hold the lock that everybody else prints under.
fn stdout() -> Result<File, EvidenceError> {
    let handle = io::stdout().as_fd().try_clone_to_owned();
    handle.map(File::from).map_err(|cause| EvidenceError::file("open", Path::new("/dev/stdout"), cause))
}
