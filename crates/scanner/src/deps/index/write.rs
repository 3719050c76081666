use std::collections::BTreeMap;
use std::io::{self, Write};

use super::{Block, Header, MAGIC, Part};
use crate::deps::advisory::{Advisory, MalformedRecord, parse};
use crate::deps::ecosystem::Ecosystem;

/// Collects advisories for an index.
#[derive(Debug, Default)]
pub struct Builder {
    /// By ecosystem, then by package, then by id.
    packages: BTreeMap<Ecosystem, BTreeMap<String, BTreeMap<String, Dated>>>,
    /// Records that say nothing any more, which an older copy of them may not bring back.
    withdrawn: u64,
}

#[derive(Debug)]
struct Dated {
    modified: String,
    advisory: Advisory,
}

impl Builder {
    /// Adds an OSV record. Of two with the same id the one that was changed later counts.
    ///
    /// # Errors
    /// [`MalformedRecord`].
    pub fn add(&mut self, record: &[u8]) -> Result<(), MalformedRecord> {
        let parsed = parse(record)?;
        if parsed.advisories.is_empty() {
            self.withdrawn += 1;
        }
        for (ecosystem, name, advisory) in parsed.advisories {
            let known = self.packages.entry(ecosystem).or_default().entry(name).or_default();
            let is_older = known.get(&advisory.id).is_some_and(|known| known.modified > parsed.modified);
            if !is_older {
                known.insert(advisory.id.clone(), Dated { modified: parsed.modified.clone(), advisory });
            }
        }
        Ok(())
    }

    /// Whether there is anything to look up: an empty index would pass everything.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// How many records were withdrawn, or are of other ecosystems.
    pub const fn left_out(&self) -> u64 {
        self.withdrawn
    }

    /// Writes the index.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&self, out: &mut impl Write) -> io::Result<Vec<Part>> {
        let mut blocks = Vec::new();
        let mut header = Header::default();
        // Records stand after the header, of which the length is known last: offsets count from the header's end.
        let mut at = 0;
        for (ecosystem, packages) in &self.packages {
            header.ecosystems.push(part(*ecosystem, packages, &mut blocks, &mut at)?);
        }
        let text = serde_json::to_vec(&header)?;
        out.write_all(MAGIC)?;
        out.write_all(&u32::try_from(text.len()).map_err(io::Error::other)?.to_le_bytes())?;
        out.write_all(&text)?;
        for block in blocks {
            out.write_all(&block)?;
        }
        out.flush()?;
        Ok(header.ecosystems)
    }
}

/// The blocks of one ecosystem: its records, the table of their names, the names.
fn part(
    ecosystem: Ecosystem,
    packages: &BTreeMap<String, BTreeMap<String, Dated>>,
    blocks: &mut Vec<Vec<u8>>,
    at: &mut u64,
) -> io::Result<Part> {
    let (mut table, mut names, mut records) = (Vec::new(), Vec::new(), Vec::new());
    let mut advisories = 0;
    let mut newest = "";
    for (name, known) in packages {
        let record = serde_json::to_vec(&known.values().map(|dated| &dated.advisory).collect::<Vec<_>>())?;
        table.extend(number(names.len())?);
        table.extend(number(name.len())?);
        table.extend((*at + records.len() as u64).to_le_bytes());
        table.extend(number(record.len())?);
        table.extend(crc32fast::hash(&record).to_le_bytes());
        names.extend(name.bytes());
        records.extend(record);
        advisories += known.len() as u64;
        newest = known.values().map(|dated| dated.modified.as_str()).chain([newest]).max().unwrap_or_default();
    }
    *at += records.len() as u64;
    blocks.push(records);
    let mut block = |bytes: Vec<u8>| {
        let block = Block { at: *at, length: bytes.len() as u64, crc: crc32fast::hash(&bytes) };
        *at += block.length;
        blocks.push(bytes);
        block
    };
    Ok(Part {
        name: ecosystem.as_str().to_owned(),
        advisories,
        packages: packages.len() as u64,
        // The Go database leaves the zero of its clock where it does not know.
        newest: if newest.starts_with("0001") { String::new() } else { newest.to_owned() },
        table: block(table),
        names: block(names),
    })
}

fn number(length: usize) -> io::Result<[u8; 4]> {
    u32::try_from(length).map(u32::to_le_bytes).map_err(io::Error::other)
}
