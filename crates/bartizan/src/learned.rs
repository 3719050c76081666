//! What was learned of traffic, in the state directory: one file, which `serve` goes on from and `check` reads.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;
pub(crate) use bartizan_inspect::learn::Learned;

/// The file's name in the state directory.
const FILE: &str = "learned.json";
/// What is kept is bounded far below this.
const LARGEST: u64 = 256 << 20;

/// Reads what was learned; nothing where there is no file yet.
///
/// # Errors
/// A file that cannot be read, or is not what was written.
pub(crate) fn read(state: &Path) -> anyhow::Result<Learned> {
    let path = state.join(FILE);
    let file = match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Learned::default()),
        file => file.with_context(|| format!("`{}` cannot be read", path.display()))?,
    };
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let damaged = || format!("`{}` is damaged: remove it, and it begins anew", path.display());
    serde_json::from_slice(&bytes).with_context(damaged)
}

/// Writes what was learned, whole or not at all.
///
/// # Errors
/// What the file system says.
pub(crate) fn write(state: &Path, learned: &Learned) -> io::Result<()> {
    let beside = state.join(format!("{FILE}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(&serde_json::to_vec(learned)?)?;
    file.sync_data()?;
    fs::rename(&beside, state.join(FILE))
}

#[cfg(test)]
mod tests {
    use bartizan_inspect::learn::{LearnedRequest, Learning};

    use super::*;

    #[test]
    fn what_was_learned_is_there_again_and_damage_is_told() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(read(state.path()).unwrap(), Learned::default());
        let learning = Learning::default();
        let request = LearnedRequest { path: &[], query: "page=1", content_type: None, body: None, faults: &[] };
        learning.request("shop", "GET /a", &request, 1);
        let learned = learning.changed().unwrap();
        write(state.path(), &learned).unwrap();
        assert_eq!(read(state.path()).unwrap(), learned);
        fs::write(state.path().join(FILE), "{").unwrap();
        assert!(read(state.path()).unwrap_err().to_string().contains("is damaged"));
    }
}
