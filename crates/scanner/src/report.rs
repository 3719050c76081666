use std::collections::BTreeMap;

use bartizan_controls::{Confidence, Finding, Severity};

use crate::{Findings, Gap, GapReason};

/// What a scan found, in an order that depends on nothing but the tree.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What has to be looked at: by path, place and rule.
    pub findings: Vec<Finding>,
    /// How many a suppression with a reason hides.
    pub suppressed: usize,
    /// How many the baseline, or the revision that was named, has already.
    pub known: usize,
    /// How many are less sure than was asked for.
    pub unsure: usize,
    /// What was looked at, and what was not.
    pub coverage: Coverage,
}

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Files, or objects of a repository, that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those of them that are no text: their content is not searched.
    pub binary: u64,
    /// What was not looked at, by path.
    pub gaps: Vec<Gap>,
}

impl Coverage {
    /// How many gaps there are of each reason.
    pub fn gaps_by_reason(&self) -> BTreeMap<GapReason, usize> {
        let mut counts = BTreeMap::new();
        for gap in &self.gaps {
            *counts.entry(gap.reason).or_default() += 1;
        }
        counts
    }
}

impl Report {
    /// Everything found, sorted, with what is less sure than `least` only counted.
    pub(crate) fn new(findings: Findings, least: Confidence) -> Self {
        let Findings { mut found, mut gaps, files, bytes, binary, .. } = findings;
        let all = found.len();
        found.retain(|finding| finding.confidence >= least);
        let unsure = all - found.len();
        found.sort_by(|one, other| order(one).cmp(&order(other)));
        found.dedup();
        gaps.sort();
        gaps.dedup();
        Self { findings: found, unsure, coverage: Coverage { files, bytes, binary, gaps }, ..Self::default() }
    }

    /// How many findings there are of each severity.
    pub fn by_severity(&self) -> BTreeMap<Severity, usize> {
        let mut counts = BTreeMap::new();
        for finding in &self.findings {
            *counts.entry(finding.severity).or_default() += 1;
        }
        counts
    }

    /// Whether anything stands that is at least that bad.
    pub fn fails(&self, threshold: FailOn) -> bool {
        match threshold {
            FailOn::Never => false,
            FailOn::Severity(least) => self.findings.iter().any(|finding| finding.severity >= least),
        }
    }

    /// Each finding with its number among those of the same fingerprint, from 1: what tells copies apart.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, &Finding)> {
        let mut seen = BTreeMap::new();
        self.findings.iter().map(move |finding| {
            let number = seen.entry(finding.fingerprint).or_insert(0_u32);
            *number += 1;
            (*number, finding)
        })
    }
}

/// From which severity on a scan fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailOn {
    /// From this one on.
    Severity(Severity),
    /// Whatever is found.
    Never,
}

fn order(finding: &Finding) -> impl Ord + '_ {
    let span = finding.location.span;
    (
        finding.location.path.as_str(),
        span,
        finding.rule.id.as_ref(),
        finding.fingerprint,
        finding.message.as_str(),
        &finding.facts,
    )
}
