use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::faults::{Fault, Faults, Severity};
use super::source::Source;

/// How text may look on the terminal that it goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Letters only.
    Plain,
    /// With ANSI colours.
    Coloured,
}

impl Faults {
    /// The faults as text for people: each with the line it stands on, the part at fault underlined, and the remedy.
    pub fn render(&self, style: Style) -> String {
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        }
        .term_width(100);
        let shown = self.source().shown();
        let mut text = String::new();
        for fault in self.iter() {
            text.push_str(&renderer.render(&[report(self.source(), &shown, fault)]));
            text.push_str("\n\n");
        }
        text.push_str(&self.summary());
        text.push('\n');
        text
    }

    /// One line: how many faults of which severity, and in which file.
    pub fn summary(&self) -> String {
        let (errors, warnings) = self.count();
        let mut summary = self.source().path.display().to_string();
        let _infallible = match (errors, warnings) {
            (0, warnings) => write!(summary, ": {}", counted(warnings, "warning")),
            (errors, 0) => write!(summary, ": {}", counted(errors, "error")),
            (errors, warnings) => {
                write!(summary, ": {}, {}", counted(errors, "error"), counted(warnings, "warning"))
            }
        };
        summary
    }
}

fn report<'a>(source: &Source, shown: &'a str, fault: &'a Fault) -> Group<'a> {
    let level = match fault.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut primary = AnnotationKind::Primary.span(source.clamp(&fault.span));
    if let Some(label) = &fault.label {
        primary = primary.label(label);
    }
    let mut snippet = Snippet::source(shown).path(source.path.display().to_string()).annotation(primary);
    if let Some((span, words)) = &fault.related {
        snippet = snippet.annotation(AnnotationKind::Context.span(source.clamp(span)).label(words));
    }
    let title = level.primary_title(&fault.message);
    // A file that could not be read has no line to show.
    let group = if source.text.is_empty() {
        title.element(Origin::path(source.path.display().to_string()))
    } else {
        title.element(snippet)
    };
    match &fault.remedy {
        Some(remedy) => group.element(Level::HELP.message(wrapped(remedy))),
        None => group,
    }
}

/// Broken into lines that fit beside the margin on a terminal of 80 columns; what stands in backticks is to be copied, and
/// stays whole.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 68;
    let mut lines = String::new();
    let (mut column, mut quoted) = (0, false);
    for word in text.split_inclusive(|character| {
        quoted ^= character == '`';
        character == ' ' && !quoted
    }) {
        let length = word.trim_end().chars().count();
        if column > 0 && column + length > WIDTH {
            lines.truncate(lines.trim_end().len());
            lines.push('\n');
            column = 0;
        }
        lines.push_str(word);
        column += word.chars().count();
    }
    lines
}

/// `1 error`, `2 errors`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
