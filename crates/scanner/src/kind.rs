use std::fmt;
use std::str::FromStr;

use crate::{Findings, SourceFile};

/// The kinds of things that a scan looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KindName {
    /// Credentials in files and in history.
    Secrets,
    /// Packages with known weaknesses, and references that can change what is built.
    Deps,
    /// The project's own rules.
    Rules,
}

impl KindName {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Secrets, Self::Deps, Self::Rules];

    /// The word that the command line, the configuration and the ids of rules use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::Deps => "deps",
            Self::Rules => "rules",
        }
    }
}

impl fmt::Display for KindName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A word that names no kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no kind of scan; there are {kinds}", kinds = words())]
pub struct UnknownKind(String);

fn words() -> String {
    KindName::ALL.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ")
}

impl FromStr for KindName {
    type Err = UnknownKind;

    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word).ok_or_else(|| UnknownKind(word.to_owned()))
    }
}

/// One kind of findings. The frame walks the tree once and hands every file that some kind wants to all of those kinds, on several
/// threads at a time and in no order; what a kind keeps from one file for another stands behind a lock of its own.
///
/// A kind is made for one scan and used for it alone.
pub trait Kind: Sync {
    /// Which kind.
    fn name(&self) -> KindName;

    /// Whether the kind wants to see the file. Decided by the path alone (relative, with `/`), before anything is read.
    fn wants(&self, path: &str) -> bool;

    /// Looks at one file. What cannot be parsed is told by [`Findings::gap`], never by a panic.
    fn file(&self, file: &SourceFile<'_>, findings: &mut Findings);

    /// Called once, when every file was seen: for what several files tell together.
    fn finish(&self, _findings: &mut Findings) {}
}
