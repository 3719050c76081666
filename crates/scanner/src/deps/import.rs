//! OSV's exports into an index: zip archives as OSV publishes them (`…/npm/all.zip`), and directories of records or of archives.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::advisory::MalformedRecord;
use super::index::{Builder, Part};

/// Bounds of an import, which reads what came from a network.
#[derive(Clone, Copy, Debug)]
pub struct ImportLimits {
    /// The largest record; OSV's largest have 2 MB.
    pub record: u64,
    /// The most records; OSV publishes about 500,000 in all.
    pub records: u64,
    /// The most bytes of records in all, unpacked: what an archive can claim, a bomb claims too.
    pub bytes: u64,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self { record: 16 << 20, records: 5_000_000, bytes: 16 << 30 }
    }
}

/// Directories within directories.
const MAX_DEPTH: usize = 8;

/// Why an import stops. The index that was there stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A source cannot be read, or the index cannot be written.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// What was read or written.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A source is no zip archive, or a damaged one.
    #[error("`{}` is no zip archive that can be read: {source}", path.display())]
    Archive {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: zip::result::ZipError,
    },
    /// A record cannot be read: an index without it would let pass what it tells of.
    #[error("`{}`, {entry}: {source}", path.display())]
    Record {
        /// The archive or the directory.
        path: PathBuf,
        /// Which record.
        entry: String,
        /// What is wrong with it.
        source: MalformedRecord,
    },
    /// A limit was passed.
    #[error("`{}` holds more than {what}: it is no export of OSV", path.display())]
    TooMuch {
        /// Which source.
        path: PathBuf,
        /// Of what.
        what: &'static str,
    },
    /// Nothing that can be looked up: an empty index would pass everything.
    #[error("there is no advisory in what was named: name OSV's zip archives, or directories of them")]
    Nothing,
}

/// What an import did.
#[derive(Debug)]
pub struct Imported {
    /// What the index holds now.
    pub parts: Vec<Part>,
    /// Records that were read.
    pub records: u64,
    /// Those of them that are withdrawn, or of ecosystems that are not scanned.
    pub left_out: u64,
}

/// Reads all sources and writes the index to `index`, at once or not at all.
///
/// # Errors
/// An [`ImportError`], after which `index` is as it was.
pub fn import(sources: &[PathBuf], index: &Path, limits: &ImportLimits) -> Result<Imported, ImportError> {
    let mut import = Import { limits: *limits, builder: Builder::default(), records: 0, bytes: 0 };
    for source in sources {
        import.source(source, 0)?;
    }
    if import.builder.is_empty() {
        return Err(ImportError::Nothing);
    }
    let failed = |source| ImportError::Io { path: index.to_owned(), source };
    let directory = index.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(failed)?;
    // Beside the old one, then in its place: a scan that runs meanwhile keeps the file that it has open.
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    let parts = {
        let mut out = io::BufWriter::new(file.as_file_mut());
        import.builder.write(&mut out).map_err(failed)?
    };
    file.as_file().sync_all().map_err(failed)?;
    file.persist(index).map_err(|error| failed(error.error))?;
    Ok(Imported { parts, records: import.records, left_out: import.builder.left_out() })
}

struct Import {
    limits: ImportLimits,
    builder: Builder,
    records: u64,
    bytes: u64,
}

impl Import {
    fn source(&mut self, path: &Path, depth: usize) -> Result<(), ImportError> {
        let failed = |source| ImportError::Io { path: path.to_owned(), source };
        let kind =
            if depth == 0 { std::fs::metadata(path) } else { std::fs::symlink_metadata(path) }.map_err(failed)?;
        if kind.is_dir() {
            if depth > MAX_DEPTH {
                return Err(ImportError::TooMuch { path: path.to_owned(), what: "8 levels of directories" });
            }
            let mut entries = std::fs::read_dir(path)
                .and_then(|entries| {
                    entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
                })
                .map_err(failed)?;
            // The order of a directory is the file system's; the index is the same everywhere.
            entries.sort();
            return entries.iter().try_for_each(|entry| self.source(entry, depth + 1));
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            _ if !kind.is_file() => Ok(()),
            Some("zip") => self.archive(path),
            Some("json") => {
                let file = File::open(path).map_err(failed)?;
                self.record(path, "the file", file)
            }
            _ if depth == 0 => self.archive(path),
            _ => Ok(()),
        }
    }

    /// Nothing is unpacked to the disk, and no name of an entry is used as a path: an entry `../../etc/passwd` is a record like another.
    fn archive(&mut self, path: &Path) -> Result<(), ImportError> {
        let failed = |source| ImportError::Archive { path: path.to_owned(), source };
        let file = File::open(path).map_err(|source| ImportError::Io { path: path.to_owned(), source })?;
        let mut archive = zip::ZipArchive::new(io::BufReader::new(file)).map_err(failed)?;
        for index in 0..archive.len() {
            let entry = archive.by_index(index).map_err(failed)?;
            if entry.is_file() && entry.name().map_err(failed)?.ends_with(".json") {
                let name = format!(
                    "entry {index} (`{}`)",
                    entry.name().map_err(failed)?.escape_debug().take(80).collect::<String>()
                );
                self.record(path, &name, entry)?;
            }
        }
        Ok(())
    }

    fn record(&mut self, path: &Path, entry: &str, reader: impl Read) -> Result<(), ImportError> {
        let too_much = |what| ImportError::TooMuch { path: path.to_owned(), what };
        let mut bytes = Vec::new();
        // The size that an archive declares is its word only: reading stops by itself.
        reader
            .take(self.limits.record + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| ImportError::Io { path: path.to_owned(), source })?;
        let length = bytes.len() as u64;
        self.records += 1;
        self.bytes += length;
        if length > self.limits.record {
            return Err(too_much("16 MiB in one record"));
        }
        if self.records > self.limits.records || self.bytes > self.limits.bytes {
            return Err(too_much("5,000,000 records or 16 GiB of them"));
        }
        self.builder.add(&bytes).map_err(|source| ImportError::Record {
            path: path.to_owned(),
            entry: entry.to_owned(),
            source,
        })
    }
}

#[cfg(test)]
mod tests;
