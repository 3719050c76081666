use std::fmt;

use bartizan_controls::Finding;

use crate::suppression::Directive;

/// What kinds find, and what they could not look at.
#[derive(Debug, Default)]
pub struct Findings {
    pub(crate) found: Vec<Finding>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) directives: Vec<Directive>,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) binary: u64,
}

impl Findings {
    /// Adds a finding.
    pub fn push(&mut self, finding: Finding) {
        self.found.push(finding);
    }

    /// Tells of something that was not looked at.
    pub fn gap(&mut self, path: impl Into<String>, reason: GapReason, detail: impl Into<String>) {
        self.gaps.push(Gap { path: path.into(), reason, detail: detail.into() });
    }

    pub(crate) fn merge(&mut self, mut other: Self) {
        self.found.append(&mut other.found);
        self.gaps.append(&mut other.gaps);
        self.directives.append(&mut other.directives);
        self.files += other.files;
        self.bytes += other.bytes;
        self.binary += other.binary;
    }
}

/// Something in the tree that no finding can come from, because it was not looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// Which file or directory, or which object of a repository.
    pub path: String,
    /// Why.
    pub reason: GapReason,
    /// What exactly, in a few words; may be empty.
    pub detail: String,
}

/// Why something was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapReason {
    /// It is larger than the scan reads.
    TooLarge,
    /// It cannot be read.
    Unreadable,
    /// A device, socket or pipe, which may have no end.
    Special,
    /// It is not in the form that its name promises.
    Unparsed,
    /// A limit of the scan was reached.
    LimitReached,
    /// There is nothing to hold it against: no advisories of its ecosystem, or old ones.
    NoData,
}

impl GapReason {
    /// The words that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too large",
            Self::Unreadable => "unreadable",
            Self::Special => "no regular file",
            Self::Unparsed => "not parsed",
            Self::LimitReached => "limit reached",
            Self::NoData => "no recent data",
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
