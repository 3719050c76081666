//! Credentials that stand in files or in the history of a repository.
//!
//! One automaton finds the keywords of all [`Pattern`]s in one pass; only around a keyword is anything else tried, so that a
//! hundred patterns cost what one does. What matches is then judged as a reader would: does its checksum hold, is it random, what is
//! the variable called, is it an example? A scanner that cries wolf is switched off, so a doubt counts against the finding.

mod assignment;
mod checksum;
mod connection;
mod detector;
mod history;
mod judge;
mod jwt;
mod origins;
mod pattern;
mod private_key;
mod reference;
mod table;

use bartizan_controls::Finding;

pub use detector::{Detector, Match};
pub(crate) use history::history;
pub use pattern::Pattern;
pub use reference::reference;

use crate::{Findings, Kind, KindName, SourceFile};

/// Looks for credentials in every file that is text.
#[derive(Debug, Default)]
pub struct Secrets;

impl Kind for Secrets {
    fn name(&self) -> KindName {
        KindName::Secrets
    }

    fn wants(&self, _path: &str) -> bool {
        true
    }

    fn file(&self, file: &SourceFile<'_>, findings: &mut Findings) {
        for hit in file.secrets() {
            findings.push(finding(hit, file));
        }
    }
}

fn finding(hit: &Match, file: &SourceFile<'_>) -> Finding {
    let value = file.bytes().get(hit.secret.clone()).unwrap_or_default();
    Finding {
        rule: hit.rule.clone(),
        severity: hit.severity,
        confidence: hit.confidence,
        message: hit.message(value),
        location: file.locate(&hit.at),
        fingerprint: hit.fingerprint(value),
        facts: hit.facts.clone(),
        fix: None,
    }
}

#[cfg(test)]
mod tests;
