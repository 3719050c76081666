use std::ops::Range;

use serde::Serialize;

use super::source::{Position, Source};

/// What is wrong, as a stable word for scripts and editors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the words speak for themselves; each fault carries its own explanation")]
pub enum FaultKind {
    Unreadable,
    Syntax,
    UnknownKey,
    MissingKey,
    WrongType,
    UnknownWord,
    Malformed,
    OutOfRange,
    LiteralSecret,
    SecretUnavailable,
    WeakSecret,
    NotInThisVersion,
    Contradiction,
    Duplicate,
    Certificate,
    Unsafe,
    Expired,
    Unresolvable,
}

/// Whether the configuration can be used in spite of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is used; someone should look.
    Warning,
}

/// One thing that is wrong with a configuration file, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Error or warning.
    pub severity: Severity,
    /// What sort of fault.
    pub kind: FaultKind,
    /// What is wrong, in words.
    pub message: String,
    /// The part of the file at fault.
    pub span: Range<usize>,
    /// A few words under the underlined part.
    pub label: Option<String>,
    /// Another part of the file that explains it, with a few words.
    pub related: Option<(Range<usize>, String)>,
    /// What to write instead.
    pub remedy: Option<String>,
}

impl Fault {
    /// An error at `span`.
    pub fn error(kind: FaultKind, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            kind,
            message: message.into(),
            span,
            label: None,
            related: None,
            remedy: None,
        }
    }

    /// A warning at `span`.
    pub fn warning(kind: FaultKind, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(kind, span, message) }
    }

    /// Adds the words under the underlined part.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Points at another part of the file as well.
    #[must_use]
    pub fn related(mut self, span: Range<usize>, words: impl Into<String>) -> Self {
        self.related = Some((span, words.into()));
        self
    }
}

/// Why a configuration was refused: every fault of the file, in the order of the file.
#[derive(Debug)]
pub struct Faults {
    source: Source,
    faults: Vec<Fault>,
}

/// One fault for a machine to read.
#[derive(Debug, Serialize)]
pub struct FaultRecord<'a> {
    file: String,
    #[serde(flatten)]
    position: Position,
    severity: Severity,
    kind: FaultKind,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'a str>,
}

impl Faults {
    /// The faults of `source`, put in the order of the file.
    pub fn new(source: Source, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| (fault.span.start, fault.span.end, fault.severity));
        faults.dedup();
        Self { source, faults }
    }

    /// The file they were found in.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Each fault.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// How many errors, and how many warnings.
    pub fn count(&self) -> (usize, usize) {
        let errors = self.faults.iter().filter(|fault| fault.severity == Severity::Error).count();
        (errors, self.faults.len() - errors)
    }

    /// The faults for a machine to read.
    pub fn records(&self) -> Vec<FaultRecord<'_>> {
        let record = |fault| self.record(fault);
        self.faults.iter().map(record).collect()
    }

    fn record<'a>(&self, fault: &'a Fault) -> FaultRecord<'a> {
        FaultRecord {
            file: self.source.path.display().to_string(),
            position: self.source.position(fault.span.start),
            severity: fault.severity,
            kind: fault.kind,
            message: &fault.message,
            remedy: fault.remedy.as_deref(),
        }
    }
}
