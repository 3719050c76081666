use std::collections::BTreeMap;

use super::lock::Format;
use super::package::Lock;
use super::vulnerability::Verdict;

/// Everything that a tree depends on, as its lock files say: what a bill of materials is written from.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The files, by path.
    pub files: BTreeMap<String, LockedFile>,
}

/// One lock file, and what is known against its packages.
#[derive(Clone, Debug)]
pub struct LockedFile {
    /// Its format; none for a manifest whose versions were put together from several files.
    pub format: Option<Format>,
    /// What it says.
    pub lock: Lock,
    /// The verdicts on its packages, by their place, where there is anything to say.
    pub verdicts: BTreeMap<usize, Verdict>,
}
