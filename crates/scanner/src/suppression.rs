//! `bartizan:ignore RULE reason="…" until=YYYY-MM-DD`, in a comment on the line of a finding or on the line before it.
//!
//! A suppression is a decision that somebody has to answer for: without a reason, or after its day, it is a finding itself
//! and hides nothing.

use std::borrow::Cow;
use std::sync::Arc;

use bartizan_controls::{Confidence, Finding, Location, Position, Rule, Severity, Span, scan};
use jiff::civil::Date;

use crate::{SourceFile, fingerprint};

const WORD: &[u8] = b"bartizan:ignore";

/// The longest line that is read as a suppression, in bytes.
const MAX_LINE: usize = 1024;

/// A suppression as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directive {
    pub(crate) path: String,
    /// The line that it stands on.
    pub(crate) line: u32,
    /// A rule's id, or the name of a kind for all of its rules.
    pub(crate) rule: String,
    pub(crate) reason: Option<String>,
    pub(crate) until: Until,
    location: Location,
}

/// The last day of a suppression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    Open,
    Day(Date),
    Malformed,
}

impl Directive {
    /// Whether it hides the finding: it names its rule, and stands on its line or on the line before.
    pub(crate) fn covers(&self, finding: &Finding) -> bool {
        let named = finding.rule.id == self.rule
            || finding.rule.id.strip_prefix(self.rule.as_str()).is_some_and(|rest| rest.starts_with('.'));
        let line = finding.location.span.map_or(1, |span| span.start.line);
        named && self.path == finding.location.path && (self.line == line || self.line + 1 == line)
    }

    /// What is wrong with it on that day, if anything.
    pub(crate) fn fault(&self, today: Date) -> Option<Finding> {
        let (rule, message) = match (&self.reason, self.until) {
            (None, _) => (unreasoned(), format!("the suppression of `{}` gives no reason", self.rule)),
            (_, Until::Malformed) => (expired(), format!("the suppression of `{}` ends on no day", self.rule)),
            (_, Until::Day(day)) if day < today => {
                (expired(), format!("the suppression of `{}` ended on {day}", self.rule))
            }
            _ => return None,
        };
        let parts: [&[u8]; 2] = [self.rule.as_bytes(), self.reason.as_deref().unwrap_or_default().as_bytes()];
        let fingerprint = fingerprint(&rule.id, &parts);
        Some(Finding {
            severity: rule.severity,
            rule: Arc::new(rule),
            confidence: Confidence::High,
            message,
            location: self.location.clone(),
            fingerprint,
            facts: Vec::new(),
            fix: None,
        })
    }
}

/// Every suppression of a file.
pub(crate) fn directives(file: &SourceFile<'_>) -> Vec<Directive> {
    memchr::memmem::find_iter(file.bytes(), WORD).filter_map(|at| directive(file, at)).collect()
}

fn directive(file: &SourceFile<'_>, at: usize) -> Option<Directive> {
    let after = file.bytes().get(at + WORD.len()..)?;
    let line = after.get(..memchr::memchr(b'\n', after).unwrap_or(after.len()).min(MAX_LINE))?;
    let text = String::from_utf8_lossy(line);
    let text = text.strip_prefix([' ', '\t'])?.trim_start();
    let end = text.find(|it: char| !(it.is_ascii_alphanumeric() || it == '.' || it == '-')).unwrap_or(text.len());
    let (rule, rest) = text.split_at(end);
    // `RULE` of a manual is no rule: ids are written in small letters.
    if rule.is_empty() || rule.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let reason = value(rest, "reason=").filter(|reason| !reason.trim().is_empty());
    let until = match value(rest, "until=") {
        None => Until::Open,
        Some(day) => day.parse().map_or(Until::Malformed, Until::Day),
    };
    let location = file.locate(&(at..at + WORD.len()));
    let line = location.span.map_or(1, |Span { start: Position { line, .. }, .. }| line);
    let reason = reason.map(Cow::into_owned);
    Some(Directive { path: file.path().to_owned(), line, rule: rule.to_owned(), reason, until, location })
}

/// The value after `key`, in quotes or up to white space.
fn value<'t>(text: &'t str, key: &str) -> Option<Cow<'t, str>> {
    let (_, rest) = text.split_once(key)?;
    // In a string of another language the quotes are escaped.
    let quoted = rest.strip_prefix('"').or_else(|| rest.strip_prefix("\\\""));
    if let Some(quoted) = quoted {
        return quoted.split_once('"').map(|(value, _)| value.trim_end_matches('\\').into());
    }
    rest.split_whitespace().next().map(Into::into)
}

fn unreasoned() -> Rule {
    Rule {
        id: "scan.suppression-without-reason".into(),
        title: "Suppression without a reason".into(),
        why: "Nobody can tell later whether what it hid was harmless.".into(),
        remedy: "Say why: `reason=\"…\"`; it hides nothing until then.".into(),
        severity: Severity::Medium,
        cwe: Cow::Borrowed(&[]),
        controls: Cow::Borrowed(&[scan::POLICY.id]),
    }
}

fn expired() -> Rule {
    Rule {
        id: "scan.suppression-expired".into(),
        title: "Suppression after its day".into(),
        why: "What was to be mended by that day is still there, and was promised not to be.".into(),
        remedy: "Mend what it hid, or give it a new day (`until=YYYY-MM-DD`) and a reason that still holds.".into(),
        severity: Severity::Medium,
        cwe: Cow::Borrowed(&[]),
        controls: Cow::Borrowed(&[scan::POLICY.id]),
    }
}

#[cfg(test)]
mod tests;
