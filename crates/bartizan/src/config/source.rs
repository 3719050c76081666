use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// A configuration file as it was read: its name for messages, its text for spans.
#[derive(Debug)]
pub struct Source {
    /// The name as the user typed it.
    pub path: PathBuf,
    /// The content.
    pub text: String,
    secrets: Vec<Range<usize>>,
}

/// Where something stands in a file, counted from one as editors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Source {
    /// A file of this name and content.
    pub fn new(path: &Path, text: String) -> Self {
        Self { path: path.to_owned(), text, secrets: Vec::new() }
    }

    /// Marks a part of the text that must never be shown: fault messages quote the line around a fault, and a terminal's or
    /// a CI job's log is no place for a secret.
    pub fn hide(&mut self, span: Range<usize>) {
        self.secrets.push(span);
    }

    /// The text with everything hidden replaced by as many `*`, so that spans still fit.
    pub fn shown(&self) -> Cow<'_, str> {
        if self.secrets.is_empty() {
            return Cow::Borrowed(&self.text);
        }
        let hidden = |at: usize| self.secrets.iter().any(|span| span.contains(&at));
        let mask = |(at, character): (usize, char)| {
            let keep = !hidden(at) || matches!(character, '\n' | '\r' | '"' | '\'');
            std::iter::repeat_n(if keep { character } else { '*' }, if keep { 1 } else { character.len_utf8() })
        };
        Cow::Owned(self.text.char_indices().flat_map(mask).collect())
    }

    /// The position of a byte.
    pub fn position(&self, offset: usize) -> Position {
        let before = self.text.get(..self.floor(offset)).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).map_or(0, |line| line.chars().count()) + 1,
        }
    }

    /// A span that is sure to lie inside the text and on character boundaries.
    pub fn clamp(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.floor(span.start);
        start..self.floor(span.end).max(start)
    }

    fn floor(&self, offset: usize) -> usize {
        self.text.floor_char_boundary(offset.min(self.text.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let source = Source::new(Path::new("x"), "a = 1\nü = \"é\"\n".into());
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(source.text.find('"').unwrap()), Position { line: 2, column: 5 });
        assert_eq!(source.position(usize::MAX), Position { line: 3, column: 1 });
    }

    #[test]
    fn a_hidden_span_is_never_shown_and_keeps_its_length() {
        let mut source = Source::new(Path::new("x"), "key = \"sécret\"\n".into());
        source.hide(6..15);
        assert_eq!(source.shown(), "key = \"*******\"\n");
        assert_eq!(source.shown().len(), source.text.len());
    }
}
