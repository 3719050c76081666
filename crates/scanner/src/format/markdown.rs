use std::fmt::Write as _;

use super::{gaps, place, summary};
use crate::Report;

/// The most rows: comments of pull requests hold 65,536 characters.
const MAX_ROWS: usize = 200;

/// The report as a comment on a pull request: one row for each finding.
pub fn markdown(report: &Report) -> String {
    let mut page = format!("## Bartizan scan\n\n{}\n", summary(report));
    let gaps = gaps(report);
    if !gaps.is_empty() {
        let _infallible = writeln!(page, "\n{gaps}");
    }
    if report.findings.is_empty() {
        return page;
    }
    page.push_str("\n| severity | where | what | rule |\n|---|---|---|---|\n");
    let mut worst: Vec<_> = report.findings.iter().collect();
    worst.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in worst.iter().take(MAX_ROWS) {
        let _infallible = writeln!(
            page,
            "| {} | {} | {} | {} |",
            finding.severity,
            code(&place(finding)),
            plain(&finding.message),
            code(&finding.rule.id)
        );
    }
    if let more @ 1.. = worst.len().saturating_sub(MAX_ROWS) {
        let _infallible = writeln!(page, "\n… and {more} more");
    }
    page
}

/// As code in a cell: neither a pipe nor a backtick ends it.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace('|', "\\|").replace('\n', " "))
}

/// As text in a cell, in which nothing is a link, a mention or HTML.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '[' | ']' | '*' | '_' | '\\' | '#' => plain.extend(['\\', character]),
            '<' => plain.push_str("&lt;"),
            '@' => plain.push_str("&#64;"),
            '\n' | '\r' => plain.push(' '),
            other => plain.push(other),
        }
    }
    plain
}
