//! The advisories in one file, sorted, so that a scan reads what it needs of them and nothing else.
//!
//! The file is a header (JSON), then for each ecosystem a table of names, sorted, and the records of those names (JSON), each with a
//! CRC-32. A scan reads the header, the tables of the ecosystems that it meets, and the records of packages that have one: all by
//! positioned reads, of which the operating system caches the pages. Mapping the file would save one copy of the tables and would need
//! `unsafe`: a file that is cut while it is mapped is a crash.

mod read;
mod write;

pub use read::{Index, IndexError};
pub use write::Builder;

use serde::{Deserialize, Serialize};

use super::ecosystem::Ecosystem;

/// The first bytes of an index; the last two are the version of the format.
const MAGIC: &[u8; 8] = b"BZADVS01";
/// An entry of a table of names: where the name begins and its length (within the names), where the record begins (within the
/// file) and its length, and the record's CRC-32; little-endian.
const ENTRY: usize = 4 + 4 + 8 + 4 + 4;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Header {
    ecosystems: Vec<Part>,
}

/// What the index holds of one ecosystem.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Part {
    name: String,
    /// How many advisories.
    pub advisories: u64,
    /// How many packages have one.
    pub packages: u64,
    /// When the newest of them was changed, RFC 3339; empty where the database does not tell.
    pub newest: String,
    table: Block,
    names: Block,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Block {
    at: u64,
    length: u64,
    crc: u32,
}

impl Part {
    /// Which ecosystem; none that is unknown to this version.
    pub fn ecosystem(&self) -> Option<Ecosystem> {
        Ecosystem::named(&self.name)
    }
}

#[cfg(test)]
mod tests;
