use std::io;
use std::path::{Path, PathBuf};

use bartizan_policy::Timestamp;

/// Everything outside the configuration file that loading it may look at, passed in so that a load can be replayed.
pub trait Environment {
    /// The value of an environment variable, if it is set and is text.
    fn variable(&self, name: &str) -> Option<String>;

    /// The content of a file.
    ///
    /// # Errors
    /// Whatever the file system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The permission bits of a file, where there are any to judge.
    fn mode(&self, path: &Path) -> Option<u32>;

    /// The wall clock.
    fn now(&self) -> Timestamp;
}

/// The largest file that a configuration may name: the largest published OpenAPI documents have 13 MB, and `/dev/zero` must not fill
/// the memory.
const MAX_FILE: u64 = 32 << 20;

/// The process's own environment, file system and clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process;

impl Environment for Process {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        use std::io::Read as _;
        let mut content = Vec::new();
        std::fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut content)?;
        if content.len() as u64 > MAX_FILE {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is larger than 32 MiB"));
        }
        Ok(content)
    }

    fn mode(&self, path: &Path) -> Option<u32> {
        use std::os::unix::fs::MetadataExt as _;
        Some(std::fs::metadata(path).ok()?.mode() & 0o7777)
    }

    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().into()
    }
}

/// A path as the configuration means it: relative to the directory of the configuration file, as a file that moves with its
/// neighbours should be.
pub(crate) fn beside(file: &Path, path: &Path) -> PathBuf {
    file.parent().map_or_else(|| path.to_owned(), |directory| directory.join(path))
}
