use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, fchmod, fstat, open, openat, unlinkat};
use rustix::io::Errno;

use crate::EvidenceError;

const SUFFIX: &str = ".ndjson";
const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o700);
const FILE_MODE: Mode = Mode::from_raw_mode(0o600);

/// An audit directory. Files are opened relative to it and links are never followed, so that nobody who can write beside
/// it makes the node append to a file of theirs (CWE-59).
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    handle: File,
}

impl Directory {
    /// Opens the directory for reading.
    pub(crate) fn open(path: &Path) -> Result<Self, EvidenceError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match open(path, flags, Mode::empty()) {
            Ok(handle) => Ok(Self { path: path.to_owned(), handle: handle.into() }),
            Err(Errno::LOOP | Errno::NOTDIR) => Err(EvidenceError::NotPlain(path.to_owned())),
            Err(cause) => Err(EvidenceError::file("open", path, cause.into())),
        }
    }

    /// Makes the directory if it is missing, keeps others out of it, and holds it for this process alone.
    pub(crate) fn hold(path: &Path) -> Result<Self, EvidenceError> {
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE.as_raw_mode())
            .create(path)
            .or_else(|cause| if cause.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(cause) })
            .map_err(|cause| EvidenceError::file("create", path, cause))?;
        let directory = Self::open(path)?;
        fchmod(&directory.handle, DIRECTORY_MODE)
            .map_err(|cause| EvidenceError::file("protect", path, cause.into()))?;
        match directory.handle.try_lock() {
            Ok(()) => Ok(directory),
            Err(TryLockError::WouldBlock) => Err(EvidenceError::InUse(path.to_owned())),
            Err(TryLockError::Error(cause)) => Err(EvidenceError::file("lock", path, cause)),
        }
    }

    /// The numbers of the segments, in order.
    pub(crate) fn segments(&self) -> Result<Vec<u64>, EvidenceError> {
        let entries = std::fs::read_dir(&self.path).map_err(|cause| EvidenceError::file("list", &self.path, cause))?;
        let mut numbers = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|cause| EvidenceError::file("list", &self.path, cause))?;
            numbers.extend(entry.file_name().to_str().and_then(number_of));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    pub(crate) fn path_of(&self, number: u64) -> PathBuf {
        self.path.join(name_of(number))
    }

    /// Makes a segment that must not be there yet.
    pub(crate) fn create(&self, number: u64) -> Result<File, EvidenceError> {
        let file = self.open_segment(number, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL, "create")?;
        // The name of a new file is durable only once its directory is.
        self.handle.sync_all().map_err(|cause| EvidenceError::file("sync", &self.path, cause))?;
        Ok(file)
    }

    pub(crate) fn open_to_write(&self, number: u64) -> Result<File, EvidenceError> {
        let file = self.open_segment(number, OFlags::RDWR, "open")?;
        fchmod(&file, FILE_MODE)
            .map_err(|cause| EvidenceError::file("protect", &self.path_of(number), cause.into()))?;
        Ok(file)
    }

    pub(crate) fn open_to_read(&self, number: u64) -> Result<File, EvidenceError> {
        self.open_segment(number, OFlags::RDONLY, "open")
    }

    pub(crate) fn remove(&self, number: u64) -> Result<(), EvidenceError> {
        unlinkat(&self.handle, name_of(number), rustix::fs::AtFlags::empty())
            .map_err(|cause| EvidenceError::file("remove", &self.path_of(number), cause.into()))
    }

    fn open_segment(&self, number: u64, flags: OFlags, doing: &'static str) -> Result<File, EvidenceError> {
        // Without NONBLOCK a named pipe in the directory would hold the node up for ever.
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match openat(&self.handle, name_of(number), flags, FILE_MODE) {
            Ok(file) => file,
            Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Err(EvidenceError::NotPlain(self.path_of(number))),
            Err(cause) => return Err(EvidenceError::file(doing, &self.path_of(number), cause.into())),
        };
        let status = fstat(&file).map_err(|cause| EvidenceError::file(doing, &self.path_of(number), cause.into()))?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Err(EvidenceError::NotPlain(self.path_of(number)));
        }
        Ok(file.into())
    }
}

/// Appends to a file of a sink, which must be plain too.
pub(crate) fn open_to_append(path: &Path) -> Result<File, EvidenceError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match open(path, flags, FILE_MODE) {
        Ok(file) => Ok(file.into()),
        Err(Errno::LOOP | Errno::ISDIR) => Err(EvidenceError::NotPlain(path.to_owned())),
        Err(cause) => Err(EvidenceError::file("open", path, cause.into())),
    }
}

pub(crate) fn name_of(number: u64) -> String {
    format!("{number:06}{SUFFIX}")
}

fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let number = digits.parse().ok()?;
    (name_of(number) == name).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_we_give_are_segments() {
        assert_eq!(number_of("000001.ndjson"), Some(1));
        assert_eq!(number_of("1234567.ndjson"), Some(1_234_567));
        for name in ["1.ndjson", "+00001.ndjson", "000001.ndjson.gz", "0000001.ndjson", "x.ndjson", ".ndjson"] {
            assert_eq!(number_of(name), None, "{name}");
        }
    }
}
