use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use bartizan_controls::{Finding, Severity};

use super::{gaps, summary};
use crate::Report;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Letters only.
    Plain,
    /// With ANSI colours.
    Coloured,
}

/// The report for people: each finding with its line, why it matters and what to do; then what was counted.
pub fn text(report: &Report, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    }
    .term_width(120);
    let mut text = String::new();
    for finding in &report.findings {
        text.push_str(&renderer.render(&[group(finding)]));
        text.push_str("\n\n");
    }
    for gap in &report.coverage.gaps {
        let detail = if gap.detail.is_empty() { String::new() } else { format!(" ({})", gap.detail) };
        let _infallible = writeln!(text, "not looked at: {}: {}{detail}", gap.path, gap.reason);
    }
    text.push_str(&summary(report));
    text.push('\n');
    let gaps = gaps(report);
    if !gaps.is_empty() {
        text.push_str(&gaps);
        text.push('\n');
    }
    text
}

fn group(finding: &Finding) -> Group<'_> {
    let level = match finding.severity {
        Severity::Critical | Severity::High => Level::ERROR,
        Severity::Medium => Level::WARNING,
        Severity::Low | Severity::Info => Level::NOTE,
    };
    let title = level.with_name(finding.severity.as_str()).primary_title(&finding.message).id(finding.rule.id.as_ref());
    let location = &finding.location;
    let group = match (&location.excerpt, location.span) {
        (Some(excerpt), Some(span)) => title.element(
            Snippet::source(&excerpt.text)
                .line_start(span.start.line as usize)
                .path(&location.path)
                .annotation(AnnotationKind::Primary.span(excerpt.marked.into())),
        ),
        _ => title.element(Origin::path(&location.path)),
    };
    let facts: Vec<String> = finding.facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let group = if facts.is_empty() { group } else { group.element(Level::NOTE.message(facts.join(", "))) };
    group.element(Level::HELP.message(format!("{} {}", finding.rule.why, finding.rule.remedy)))
}
