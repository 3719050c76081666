use std::cmp::Ordering;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{Block, ENTRY, Header, MAGIC, Part};
use crate::deps::advisory::Advisory;
use crate::deps::ecosystem::Ecosystem;

/// An index that is open.
#[derive(Debug)]
pub struct Index {
    path: PathBuf,
    file: File,
    /// Where the header ends.
    base: u64,
    parts: Vec<(Part, OnceLock<Option<Names>>)>,
}

/// The names of an ecosystem, sorted.
#[derive(Debug)]
struct Names {
    table: Vec<u8>,
    names: Vec<u8>,
}

/// Why there are no advisories to look up.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file is not there, or cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is something else.
    #[error("`{}` is no index of advisories of this version: make it anew with `bartizan advisories import`", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// A part of the file is not what was written.
    #[error("`{}` is damaged: make it anew with `bartizan advisories import`", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
}

/// The header has a few hundred bytes.
const MAX_HEADER: u32 = 1 << 20;
/// All of npm's advisories with all malicious packages are a table of 6 MB.
const MAX_BLOCK: u64 = 256 << 20;
const MAX_RECORD: usize = 64 << 20;

impl Index {
    /// Opens an index; reads its header.
    ///
    /// # Errors
    /// An [`IndexError`].
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        let unreadable = |source| IndexError::Unreadable { path: path.to_owned(), source };
        let foreign = || IndexError::Foreign { path: path.to_owned() };
        let file = File::open(path).map_err(unreadable)?;
        let mut start = [0; 12];
        file.read_exact_at(&mut start, 0).map_err(|_| foreign())?;
        let (magic, length) = start.split_at(MAGIC.len());
        let length = <[u8; 4]>::try_from(length).map_or(u32::MAX, u32::from_le_bytes);
        if magic != MAGIC || length > MAX_HEADER {
            return Err(foreign());
        }
        let mut header = vec![0; length as usize];
        file.read_exact_at(&mut header, start.len() as u64).map_err(|_| foreign())?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| foreign())?;
        let parts = header.ecosystems.into_iter().map(|part| (part, OnceLock::new())).collect();
        Ok(Self { path: path.to_owned(), file, base: start.len() as u64 + u64::from(length), parts })
    }

    /// What it holds.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().map(|(part, _)| part)
    }

    /// What it holds of an ecosystem; none, if nothing of it was ever imported.
    pub fn part(&self, ecosystem: Ecosystem) -> Option<&Part> {
        self.parts().find(|part| part.ecosystem() == Some(ecosystem))
    }

    /// The advisories of a package.
    ///
    /// # Errors
    /// [`IndexError::Damaged`], if what is read is not what was written.
    pub fn advisories(&self, ecosystem: Ecosystem, name: &str) -> Result<Vec<Advisory>, IndexError> {
        let damaged = || IndexError::Damaged { path: self.path.clone() };
        let Some((part, names)) = self.parts.iter().find(|(part, _)| part.ecosystem() == Some(ecosystem)) else {
            return Ok(Vec::new());
        };
        let names = names.get_or_init(|| self.names(part)).as_ref().ok_or_else(damaged)?;
        let entry = match names.find(&ecosystem.key(name)) {
            Lookup::Found(entry) => entry,
            Lookup::Absent => return Ok(Vec::new()),
            Lookup::Damaged => return Err(damaged()),
        };
        let mut record = vec![0; Some(entry.length).filter(|length| *length <= MAX_RECORD).ok_or_else(damaged)?];
        let at = self.base.checked_add(entry.at).ok_or_else(damaged)?;
        self.file.read_exact_at(&mut record, at).map_err(|_| damaged())?;
        if crc32fast::hash(&record) != entry.crc {
            return Err(damaged());
        }
        serde_json::from_slice(&record).map_err(|_| damaged())
    }

    fn names(&self, part: &Part) -> Option<Names> {
        Some(Names { table: self.block(part.table)?, names: self.block(part.names)? })
    }

    fn block(&self, block: Block) -> Option<Vec<u8>> {
        let length = usize::try_from(block.length).ok().filter(|_| block.length <= MAX_BLOCK)?;
        // What the header claims is not reserved before the file is known to have it.
        let end = self.base.checked_add(block.at)?.checked_add(block.length)?;
        if self.file.metadata().ok()?.len() < end {
            return None;
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, self.base + block.at).ok()?;
        (crc32fast::hash(&bytes) == block.crc).then_some(bytes)
    }
}

struct Entry {
    at: u64,
    length: usize,
    crc: u32,
}

/// What a table knows of a name.
enum Lookup {
    Found(Entry),
    Absent,
    /// It leads out of itself.
    Damaged,
}

impl Names {
    /// The entry of a name, by halving.
    fn find(&self, name: &str) -> Lookup {
        let (mut low, mut high) = (0, self.table.len() / ENTRY);
        while low < high {
            let middle = usize::midpoint(low, high);
            let Some((known, entry)) = self.entry(middle) else { return Lookup::Damaged };
            match known.cmp(name.as_bytes()) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Lookup::Found(entry),
            }
        }
        Lookup::Absent
    }

    fn entry(&self, index: usize) -> Option<(&[u8], Entry)> {
        let entry = self.table.get(index * ENTRY..(index + 1) * ENTRY)?;
        let (begin, length) = (number(entry, 0)? as usize, number(entry, 4)? as usize);
        let name = self.names.get(begin..begin.checked_add(length)?)?;
        let at = u64::from_le_bytes(entry.get(8..16)?.try_into().ok()?);
        Some((name, Entry { at, length: number(entry, 16)? as usize, crc: number(entry, 20)? }))
    }
}

fn number(entry: &[u8], at: usize) -> Option<u32> {
    entry.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}
