use std::collections::BTreeMap;

use bartizan_controls::{Confidence, Finding, Fingerprint};

use super::{Draft, Refusal};
use crate::{Report, Selection};

/// A scan that tells everything: what is unsure counts as well, and what was there before.
pub(super) fn everything(selection: &Selection) -> Selection {
    Selection { confidence: Confidence::Low, baseline: None, since: None, today: selection.today }
}

/// The tree as it is, and as it would be.
pub(super) struct Proof<'a> {
    pub(super) before: &'a Report,
    pub(super) after: &'a Report,
}

impl Proof<'_> {
    /// The changed files that something speaks against. Where something new stands in a file that was not changed, all of them are
    /// to blame: which of them brought it, nobody can say.
    pub(super) fn faults(&self, drafts: &BTreeMap<String, Draft>) -> BTreeMap<String, Refusal> {
        let mut faults = BTreeMap::new();
        let mut blame = |path: &str, why: &Refusal| {
            if drafts.contains_key(path) {
                faults.insert(path.to_owned(), why.clone());
            } else {
                faults.extend(drafts.keys().map(|changed| (changed.clone(), why.clone())));
            }
        };
        for finding in self.new_findings() {
            blame(&finding.location.path, &Refusal::Brings(format!("{}: {}", finding.rule.id, finding.message)));
        }
        for gap in self.after.coverage.gaps.iter().filter(|gap| !self.before.coverage.gaps.contains(gap)) {
            blame(&gap.path, &Refusal::Brings(format!("{} {}", gap.reason, gap.detail)));
        }
        for (path, draft) in drafts {
            if !draft.mended.iter().all(|finding| self.is_gone(path, finding, draft)) {
                faults.insert(path.clone(), Refusal::Stays);
            }
        }
        faults
    }

    /// Every finding of which there are more copies than before.
    fn new_findings(&self) -> Vec<&Finding> {
        let mut known = BTreeMap::<Fingerprint, usize>::new();
        for finding in &self.before.findings {
            *known.entry(finding.fingerprint).or_default() += 1;
        }
        let is_new = |finding: &&Finding| match known.get_mut(&finding.fingerprint) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        };
        self.after.findings.iter().filter(is_new).collect()
    }

    /// Whether the file has as many copies fewer as were to be mended in it.
    fn is_gone(&self, path: &str, finding: &Finding, draft: &Draft) -> bool {
        let same = |other: &&Finding| other.fingerprint == finding.fingerprint;
        let count =
            |report: &Report| report.findings.iter().filter(same).filter(|other| other.location.path == path).count();
        count(self.after) + draft.mended.iter().filter(same).count() <= count(self.before)
    }
}
