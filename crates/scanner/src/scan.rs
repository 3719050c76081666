use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use bartizan_controls::Confidence;
use jiff::civil::Date;

use crate::repository::Revision;
use crate::secrets::{self, Detector};
use crate::suppression::{self, Directive};
use crate::walk::{Visit, Walk};
use crate::{Baseline, Findings, Kind, Report, SourceFile, Target};

/// Bounds of a scan.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How many threads; as many as the machine has without it. The report does not depend on it.
    pub threads: Option<NonZeroUsize>,
    /// The largest file that is read, in bytes.
    pub max_file: u64,
    /// What is not scanned: globs in the syntax of `.gitignore`, relative to the root.
    pub exclude: Vec<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { threads: None, max_file: 16 << 20, exclude: Vec::new() }
    }
}

/// What of the findings is told.
#[derive(Clone, Debug)]
pub struct Selection {
    /// How sure a finding has to be.
    pub confidence: Confidence,
    /// What was there before.
    pub baseline: Option<Baseline>,
    /// A revision of the repository: what its tree has already is not told.
    pub since: Option<String>,
    /// The day, on which suppressions may have ended.
    pub today: Date,
}

/// Makes the kinds of a scan: anew for each tree, since a kind is used for one.
pub type MakeKinds<'a> = &'a dyn Fn() -> Vec<Box<dyn Kind>>;

/// Counts the files that were looked at, for whoever shows progress.
#[derive(Debug, Default)]
pub struct Progress(AtomicU64);

impl Progress {
    /// How many files were looked at so far.
    pub fn files(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The target is not there, or cannot be entered.
    #[error("`{}` cannot be scanned: {source}", target.display())]
    Target {
        /// What was to be scanned.
        target: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A glob of what is not scanned is malformed.
    #[error("`{glob}` is no pattern of paths: {source}")]
    Glob {
        /// The glob.
        glob: String,
        /// What is wrong with it.
        source: ignore::Error,
    },
    /// The repository cannot be read.
    #[error("the git repository of `{}` cannot be read: {cause}", target.display())]
    Repository {
        /// What was to be scanned.
        target: PathBuf,
        /// What git's files say.
        cause: String,
    },
    /// There is no such revision.
    #[error("`{revision}` is no revision of the repository: {cause}; in CI, fetch it (`fetch-depth: 0`)")]
    Revision {
        /// What was named.
        revision: String,
        /// Why it is none.
        cause: String,
    },
}

/// Scans directories and files: one walk, each file read once, the same report every time.
///
/// # Errors
/// A [`ScanError`] if a target cannot be scanned at all. What cannot be read inside it is a gap of the report.
pub fn scan(
    targets: &[Target],
    kinds: MakeKinds<'_>,
    limits: &Limits,
    selection: Selection,
    progress: &Progress,
) -> Result<Report, ScanError> {
    scan_over(targets, kinds, limits, selection, progress, &Overlay::default())
}

/// Content that files of the report's paths are taken to have.
pub(crate) type Overlay = BTreeMap<String, Vec<u8>>;

/// As [`scan`], with some files as they could be.
pub(crate) fn scan_over(
    targets: &[Target],
    kinds: MakeKinds<'_>,
    limits: &Limits,
    selection: Selection,
    progress: &Progress,
    overlay: &Overlay,
) -> Result<Report, ScanError> {
    let detector = Detector::new();
    let look = |visit: &dyn Fn(&Target, &Pass<'_>) -> Result<Findings, ScanError>| -> Result<Findings, ScanError> {
        let kinds = kinds();
        let pass = Pass { kinds: &kinds, detector: &detector, progress, overlay };
        let mut findings = Findings::default();
        for target in targets {
            findings.merge(visit(target, &pass)?);
        }
        for kind in &kinds {
            kind.finish(&mut findings);
        }
        Ok(findings)
    };
    let before = match &selection.since {
        None => None,
        Some(revision) => Some(look(&|target, pass| Revision::find(target, revision)?.run(limits, pass))?),
    };
    let findings = look(&|target, pass| Walk { target, limits }.run(pass))?;
    Ok(conclude(findings, before, selection))
}

/// Scans the whole history of the repositories that the targets belong to, for credentials: each version of each file once.
///
/// # Errors
/// A [`ScanError`] if there is no repository that can be read.
pub fn scan_history(
    targets: &[Target],
    limits: &Limits,
    selection: Selection,
    progress: &Progress,
) -> Result<Report, ScanError> {
    let findings = secrets::history(targets, limits, &|| {
        progress.0.fetch_add(1, Ordering::Relaxed);
    })?;
    Ok(conclude(findings, None, selection))
}

/// From everything that was found to what is told.
fn conclude(mut findings: Findings, before: Option<Findings>, selection: Selection) -> Report {
    let directives = std::mem::take(&mut findings.directives);
    findings.found.extend(directives.iter().filter_map(|directive| directive.fault(selection.today)));
    let valid: Vec<&Directive> =
        directives.iter().filter(|directive| directive.fault(selection.today).is_none()).collect();
    let all = findings.found.len();
    findings.found.retain(|finding| !valid.iter().any(|directive| directive.covers(finding)));
    let suppressed = all - findings.found.len();
    let mut report = Report::new(findings, selection.confidence);
    report.suppressed = suppressed;
    let earlier = before.map(|before| Report::new(before, selection.confidence));
    for known in [selection.baseline, earlier.map(|earlier| Baseline::of(&earlier.findings))].into_iter().flatten() {
        report.known += known.subtract(&mut report.findings);
    }
    report
}

/// One pass of the kinds over a tree.
pub(crate) struct Pass<'a> {
    kinds: &'a [Box<dyn Kind>],
    detector: &'a Detector,
    progress: &'a Progress,
    overlay: &'a Overlay,
}

impl Visit for Pass<'_> {
    fn wants(&self, path: &str) -> bool {
        self.kinds.iter().any(|kind| kind.wants(path))
    }

    fn file(&self, path: &str, bytes: &[u8], findings: &mut Findings) {
        self.progress.0.fetch_add(1, Ordering::Relaxed);
        let bytes = self.overlay.get(path).map_or(bytes, Vec::as_slice);
        let decoded = decode(bytes);
        let bytes = decoded.as_deref().unwrap_or(bytes);
        let file = SourceFile::new(path, bytes, self.detector);
        if is_binary(bytes) {
            findings.binary += 1;
        }
        for kind in self.kinds.iter().filter(|kind| kind.wants(path)) {
            kind.file(&file, findings);
        }
        findings.directives.extend(suppression::directives(&file));
    }
}

/// Whether the content is no text: git's own rule, a zero byte near the beginning.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, bytes.get(..8000).unwrap_or(bytes)).is_some()
}

/// UTF-16, which Windows' tools write, as UTF-8.
fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let (body, is_little) = match bytes {
        [0xff, 0xfe, body @ ..] => (body, true),
        [0xfe, 0xff, body @ ..] => (body, false),
        _ => return None,
    };
    let (pairs, _) = body.as_chunks::<2>();
    let units = pairs.iter().map(|pair| if is_little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) });
    let text: String =
        char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Some(text.into_bytes())
}
