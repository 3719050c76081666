//! Changes that remove a weakness and nothing else.
//!
//! A [`Fix`] is what a rule proposes for one finding. Here the proposals are put together file by file, tried on a copy of the tree that
//! exists in memory alone, and kept only if a second scan shows that each of their findings is gone, that no finding and no gap came
//! instead, and that git could give the old content back.

mod change;
mod proof;

use std::collections::BTreeMap;
use std::path::PathBuf;

use bartizan_controls::{Finding, Fix};

pub use change::{Change, WriteError};

use crate::scan::Overlay;
use crate::walk::{Read, read};
use crate::{Limits, MakeKinds, Progress, Report, ScanError, Selection, Target, repository};
use proof::Proof;

/// Whether a file is changed that has something in it which no commit has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncommitted {
    /// It is not: the change could not be told apart from it, nor undone without losing it.
    Refused,
    /// It is; somebody said so.
    Allowed,
}

/// What a scan can mend.
#[derive(Debug, Default)]
pub struct Fixes {
    /// The changes that were proven, by path.
    pub changes: Vec<Change>,
    /// What was proposed and is not done, by path, with the reason.
    pub refused: Vec<Refused>,
}

/// A proposal that is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// The file that it would have changed.
    pub path: String,
    /// What it would have done.
    pub what: String,
    /// Why it does not.
    pub why: Refusal,
}

/// Why a proposal is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Refusal {
    /// The file is not committed as it is.
    #[error("the file has changes that are in no commit: commit them, or say `--allow-dirty`")]
    Uncommitted,
    /// The file is not there any more, or was not read as it stands on the disk.
    #[error("the file cannot be changed in place: it is gone, too large, or no UTF-8")]
    NotText,
    /// Another change is made at the same place.
    #[error("another change is made at the same place; run it again for this one")]
    Overlaps,
    /// The second scan still finds it.
    #[error("tried, and taken back: the finding stays")]
    Stays,
    /// The second scan finds something else.
    #[error("tried, and taken back: it brings `{0}`")]
    Brings(String),
}

/// Tries what the report proposes.
///
/// # Errors
/// A [`ScanError`] if the targets cannot be scanned again.
pub fn fixes(
    targets: &[Target],
    kinds: MakeKinds<'_>,
    limits: &Limits,
    selection: &Selection,
    uncommitted: Uncommitted,
    report: &Report,
) -> Result<Fixes, ScanError> {
    let mut fixes = Fixes::default();
    let mut drafts = BTreeMap::new();
    for (path, proposed) in proposals(report) {
        match draft(targets, limits, uncommitted, path, &proposed, &mut fixes.refused) {
            Ok(draft) => drop(drafts.insert(path.to_owned(), draft)),
            Err(why) => fixes.refused.extend(proposed.iter().map(|(_, fix)| refusal(path, fix, why.clone()))),
        }
    }
    if !drafts.is_empty() {
        let scan = |overlay: &Overlay| {
            let selection = proof::everything(selection);
            crate::scan::scan_over(targets, kinds, limits, selection, &Progress::default(), overlay)
        };
        prove(&scan, drafts, &mut fixes)?;
    }
    fixes.refused.sort();
    fixes.refused.dedup();
    Ok(fixes)
}

/// The findings that come with a fix, by path.
fn proposals(report: &Report) -> BTreeMap<&str, Vec<(&Finding, &Fix)>> {
    let mut proposals = BTreeMap::<&str, Vec<_>>::new();
    for finding in &report.findings {
        if let Some(fix) = &finding.fix {
            proposals.entry(finding.location.path.as_str()).or_default().push((finding, fix));
        }
    }
    proposals
}

/// A file as it is and as it would be.
struct Draft {
    change: Change,
    mended: Vec<Finding>,
}

fn draft(
    targets: &[Target],
    limits: &Limits,
    uncommitted: Uncommitted,
    path: &str,
    proposed: &[(&Finding, &Fix)],
    refused: &mut Vec<Refused>,
) -> Result<Draft, Refusal> {
    let file: PathBuf = targets.iter().find_map(|target| target.file(path)).ok_or(Refusal::NotText)?;
    let mut before = Vec::new();
    // Ranges are of the text that kinds see: what was decoded has other ones.
    let is_whole = matches!(read(&file, limits.max_file, &mut before), Ok(Read::Whole));
    if !is_whole || std::str::from_utf8(&before).is_err() {
        return Err(Refusal::NotText);
    }
    if uncommitted == Uncommitted::Refused && !repository::has_committed(&file, &before) {
        return Err(Refusal::Uncommitted);
    }
    let mut ordered = proposed.to_vec();
    ordered.sort_by_key(|(_, fix)| (fix.range.start, fix.range.end));
    let mut change = Change::of(path, file, before);
    let mut mended = Vec::new();
    for (finding, fix) in ordered {
        if change.take(fix) {
            mended.push(finding.clone());
        } else {
            refused.push(refusal(path, fix, Refusal::Overlaps));
        }
    }
    Ok(Draft { change: change.finish(), mended })
}

/// Leaves out, file by file, what a second scan does not bear out, until it bears out the rest. Each round leaves out one file at
/// least, so that there are no more rounds than files.
fn prove(
    scan: &dyn Fn(&Overlay) -> Result<Report, ScanError>,
    mut drafts: BTreeMap<String, Draft>,
    fixes: &mut Fixes,
) -> Result<(), ScanError> {
    let before = scan(&Overlay::default())?;
    while !drafts.is_empty() {
        let overlay = drafts.iter().map(|(path, draft)| (path.clone(), draft.change.after().to_owned())).collect();
        let after = scan(&overlay)?;
        let faults = Proof { before: &before, after: &after }.faults(&drafts);
        if faults.is_empty() {
            break;
        }
        for (path, why) in faults {
            let Some(draft) = drafts.remove(&path) else { continue };
            let whats = draft.change.what.iter().map(|what| (path.clone(), what.clone()));
            fixes.refused.extend(whats.map(|(path, what)| Refused { path, what, why: why.clone() }));
        }
    }
    fixes.changes = drafts.into_values().map(|draft| draft.change).collect();
    Ok(())
}

fn refusal(path: &str, fix: &Fix, why: Refusal) -> Refused {
    Refused { path: path.to_owned(), what: fix.what.clone(), why }
}
