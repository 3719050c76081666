use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::{Confidence, ControlId, Severity};

/// What is looked for: one weakness, by a name that baselines, suppressions and reports share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// A kind and a name in kebab-case, `secrets.github-token`. An id that was released is never given to another weakness.
    pub id: Cow<'static, str>,
    /// A headline of a few words.
    pub title: Cow<'static, str>,
    /// Why it matters, in one sentence.
    pub why: Cow<'static, str>,
    /// What to do, in one sentence.
    pub remedy: Cow<'static, str>,
    /// How bad it is where nothing about the place says otherwise.
    pub severity: Severity,
    /// The weaknesses that it is an instance of, as CWE numbers.
    pub cwe: Cow<'static, [u16]>,
    /// Controls of the catalogue that fail while a finding stands.
    pub controls: Cow<'static, [ControlId]>,
}

/// One weakness at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked for.
    pub rule: Arc<Rule>,
    /// How bad it is here.
    pub severity: Severity,
    /// How sure it is here.
    pub confidence: Confidence,
    /// What is wrong here, in one line. It holds no secret.
    pub message: String,
    /// Where.
    pub location: Location,
    /// What makes it the same finding in another run.
    pub fingerprint: Fingerprint,
    /// What else is known, by name: `package`, `fixed`, `commit`, `author`. Sorted by the reader's interest; holds no secret.
    pub facts: Vec<(&'static str, String)>,
    /// A change of the file that removes the weakness and nothing else; `None` where a person has to decide.
    pub fix: Option<Fix>,
}

/// A place in a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Relative to the root of the scan, with `/` between its parts.
    pub path: String,
    /// Which part of the file; `None` for the file as a whole.
    pub span: Option<Span>,
    /// The line, as it may be shown.
    pub excerpt: Option<Excerpt>,
}

/// A part of a file. It ends before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Where it begins.
    pub start: Position,
    /// Where it has ended.
    pub end: Position,
}

/// A position in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Bytes from the beginning of the file.
    pub offset: usize,
    /// Counted from 1.
    pub line: u32,
    /// Characters of the line before it, counted from 1.
    pub column: u32,
}

/// A line of a file as it may be shown: shortened, and with every secret on it masked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Excerpt {
    /// The text, without its line break.
    pub text: String,
    /// Which bytes of the text are meant, on the boundaries of characters.
    pub marked: ExcerptRange,
}

/// Bytes of an excerpt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExcerptRange {
    /// The first.
    pub start: usize,
    /// After the last.
    pub end: usize,
}

impl From<ExcerptRange> for Range<usize> {
    fn from(range: ExcerptRange) -> Self {
        range.start..range.end
    }
}

/// What a finding is recognised by: made of its rule and of what was found, never of the line or the file that it stands in, so
/// that code can move. Two findings with the same fingerprint are two copies of the same weakness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

/// A change of the file in which a finding stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in a few words.
    pub what: String,
    /// Bytes of the file as it was read.
    pub range: Range<usize>,
    /// What to put in their place.
    pub replacement: Vec<u8>,
}
