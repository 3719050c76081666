//! A report in the forms that people and other tools read. Each is a pure function of the report: the same report gives the same bytes.

mod html;
mod json;
mod junit;
mod markdown;
mod sarif;
mod text;

use std::fmt::Write as _;

use bartizan_controls::{Finding, Severity};

use crate::Report;

pub use html::html;
pub use json::json;
pub use junit::junit;
pub use markdown::markdown;
pub use sarif::sarif;
pub use text::{Style, text};

/// The severities, from the worst on.
const SEVERITIES: [Severity; 5] = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

/// One line: how many findings of which severity in how many files, and what is not among them.
pub fn summary(report: &Report) -> String {
    let counts = report.by_severity();
    let by_severity: Vec<String> = SEVERITIES
        .iter()
        .filter_map(|severity| counts.get(severity).map(|count| format!("{count} {severity}")))
        .collect();
    let mut line = counted(report.findings.len() as u64, "finding");
    if !by_severity.is_empty() {
        let _infallible = write!(line, " ({})", by_severity.join(", "));
    }
    let _infallible = write!(line, " in {}", counted(report.coverage.files, "file"));
    let apart = [
        (report.suppressed, "suppressed"),
        (report.known, "known before"),
        (report.unsure, "too unsure to tell (`--confidence low` shows them)"),
    ];
    for (count, what) in apart.into_iter().filter(|(count, _)| *count > 0) {
        let _infallible = write!(line, "; {count} {what}");
    }
    line
}

/// One line: what was not looked at; empty if everything was.
pub fn gaps(report: &Report) -> String {
    let reasons: Vec<String> =
        report.coverage.gaps_by_reason().into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    if reasons.is_empty() { String::new() } else { format!("not looked at: {}", reasons.join(", ")) }
}

/// `path:line`, or the path alone.
fn place(finding: &Finding) -> String {
    let path = &finding.location.path;
    finding.location.span.map_or_else(|| path.clone(), |span| format!("{path}:{}", span.start.line))
}

/// Everything that XML and HTML would obey, as they write it; what XML cannot hold at all is replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
