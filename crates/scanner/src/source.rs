use std::cell::OnceCell;
use std::ops::Range;

use bartizan_controls::{Excerpt, ExcerptRange, Location, Position, Span};

use crate::secrets::{Detector, Match};

/// The longest line that is shown, in characters: of a longer one, what surrounds the mark.
const EXCERPT_CHARACTERS: usize = 160;
/// The most characters of a file that a message quotes.
const MAX_QUOTED: usize = 200;

/// A file as the kinds see it: read once, shared by all of them.
pub struct SourceFile<'a> {
    path: &'a str,
    bytes: &'a [u8],
    detector: &'a Detector,
    line_starts: OnceCell<Vec<usize>>,
    secrets: OnceCell<Vec<Match>>,
}

impl<'a> SourceFile<'a> {
    /// A file by its path, relative to the root of the scan, and its content.
    pub fn new(path: &'a str, bytes: &'a [u8], detector: &'a Detector) -> Self {
        Self { path, bytes, detector, line_starts: OnceCell::new(), secrets: OnceCell::new() }
    }

    /// The path, relative to the root of the scan, with `/` between its parts.
    pub fn path(&self) -> &'a str {
        self.path
    }

    /// The last part of the path.
    pub fn name(&self) -> &'a str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    /// The content.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The content as text, if it is UTF-8; a byte order mark is part of it.
    pub fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes).ok()
    }

    /// The credentials in the file, looked for once.
    pub fn secrets(&self) -> &[Match] {
        self.secrets.get_or_init(|| self.detector.detect(self.path, self.bytes))
    }

    /// Part of the content as it may be shown: every credential masked, and nothing that a terminal would obey.
    pub(crate) fn masked(&self, range: Range<usize>) -> String {
        let mut masked = String::with_capacity(range.len());
        let mut at = range.start;
        let show = |range: Range<usize>, masked: &mut String| {
            let text = String::from_utf8_lossy(self.bytes.get(range).unwrap_or_default());
            masked.extend(text.chars().map(|it| if it == '\n' { it } else { harmless(it) }));
        };
        let overlaps = |hit: &&Match| hit.secret.start < range.end && range.start < hit.secret.end;
        for hit in self.secrets().iter().filter(overlaps) {
            show(at..hit.secret.start.max(at), &mut masked);
            masked.push_str(&hit.mask(self.bytes.get(hit.secret.clone()).unwrap_or_default()));
            at = hit.secret.end.max(at);
        }
        show(at..range.end.max(at), &mut masked);
        masked
    }

    /// A text that was taken from the file, without the credentials of the file.
    pub(crate) fn without_secrets(&self, text: &str) -> String {
        let mut shown: String = text.chars().take(MAX_QUOTED).collect();
        for hit in self.secrets() {
            let value = self.bytes.get(hit.secret.clone()).unwrap_or_default();
            if let Some(value) = std::str::from_utf8(value).ok().filter(|value| shown.contains(value)) {
                shown = shown.replace(value, &hit.mask(value.as_bytes()));
            }
        }
        shown.chars().map(harmless).collect()
    }

    /// A line, from 1, without its end.
    pub(crate) fn line(&self, number: u32) -> Range<usize> {
        let index = (number as usize).saturating_sub(1);
        let starts = self.line_starts();
        let start = starts.get(index).copied().unwrap_or(0);
        start..starts.get(index + 1).map_or(self.bytes.len(), |next| next.saturating_sub(1))
    }

    /// A text on a line, or else the line without its margins.
    pub(crate) fn on_line(&self, number: u32, text: &str) -> Range<usize> {
        let Range { start, end } = self.line(number);
        let line = self.bytes.get(start..end).unwrap_or_default();
        if let Some(at) = memchr::memmem::find(line, text.as_bytes()).filter(|_| !text.is_empty()) {
            return start + at..start + at + text.len();
        }
        let margin = line.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let tail = line.iter().rev().take_while(|byte| byte.is_ascii_whitespace()).count();
        start + margin..(end.saturating_sub(tail)).max(start + margin)
    }

    /// The line of a byte, from 1.
    pub(crate) fn line_of(&self, offset: usize) -> u32 {
        self.position(offset).line
    }

    /// Where a range of bytes stands.
    pub fn span(&self, range: &Range<usize>) -> Span {
        Span { start: self.position(range.start), end: self.position(range.end) }
    }

    /// Where a range of bytes stands, with its line, on which every credential is masked.
    pub fn locate(&self, range: &Range<usize>) -> Location {
        Location { path: self.path.to_owned(), span: Some(self.span(range)), excerpt: Some(self.excerpt(range)) }
    }

    /// The file as a whole.
    pub fn whole(&self) -> Location {
        Location { path: self.path.to_owned(), span: None, excerpt: None }
    }

    fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.bytes.len());
        let starts = self.line_starts();
        let line = starts.partition_point(|start| *start <= offset).max(1);
        let start = starts.get(line - 1).copied().unwrap_or(0);
        let before = self.bytes.get(start..offset).unwrap_or_default();
        let characters = before.iter().filter(|byte| !is_continuation(**byte)).count();
        Position { offset, line: saturated(line), column: saturated(characters + 1) }
    }

    fn line_starts(&self) -> &[usize] {
        self.line_starts
            .get_or_init(|| std::iter::once(0).chain(memchr::memchr_iter(b'\n', self.bytes).map(|at| at + 1)).collect())
    }

    fn excerpt(&self, range: &Range<usize>) -> Excerpt {
        let start = range.start.min(self.bytes.len());
        let before = self.bytes.get(..start).unwrap_or_default();
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let rest = self.bytes.get(line_start..).unwrap_or_default();
        let line_end = line_start + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        // A line of a minified file may have megabytes: only what can be shown is looked at.
        let reach = EXCERPT_CHARACTERS * 4;
        let window = line_start.max(start.saturating_sub(reach))..line_end.min(start.saturating_add(reach));
        let mark = start..range.end.clamp(start, window.end.max(start));
        Shown::new(self.bytes, &window, &mark, self.secrets()).cut()
    }
}

/// A line in the making: its text, and which bytes of it are marked.
struct Shown {
    text: String,
    mark: Range<usize>,
}

impl Shown {
    /// The window of a line with each credential masked, and without characters that a terminal would obey.
    fn new(bytes: &[u8], window: &Range<usize>, mark: &Range<usize>, secrets: &[Match]) -> Self {
        let mut shown = Self { text: String::new(), mark: 0..0 };
        let (mut began, mut ended) = (None, None);
        let mut at = window.start;
        while at < window.end {
            if began.is_none() && at >= mark.start {
                began = Some(shown.text.len());
            }
            if ended.is_none() && at >= mark.end {
                ended = Some(shown.text.len());
            }
            if let Some(hit) = secrets.iter().find(|hit| hit.secret.contains(&at)) {
                let value = bytes.get(hit.secret.clone()).unwrap_or_default();
                if at == hit.secret.start && hit.secret.end <= window.end {
                    shown.text.push_str(&hit.mask(value));
                } else {
                    shown.text.push('…');
                }
                at = hit.secret.end;
                continue;
            }
            let next = next_boundary(bytes, at, window.end);
            let character = bytes.get(at..next).map(String::from_utf8_lossy).unwrap_or_default();
            shown.text.extend(character.chars().map(harmless));
            at = next;
        }
        let began = began.unwrap_or(shown.text.len());
        shown.mark = began..ended.unwrap_or(shown.text.len()).max(began);
        shown
    }

    /// Cut to what fits on a line, around the mark.
    fn cut(self) -> Excerpt {
        let lead = self.text.len() - self.text.trim_start().len();
        let lead = lead.min(self.mark.start);
        let boundaries: Vec<usize> =
            self.text.char_indices().map(|(at, _)| at).chain(std::iter::once(self.text.len())).collect();
        let index = |offset: usize| boundaries.partition_point(|at| *at < offset);
        let (first, from, to) = (index(lead), index(self.mark.start), index(self.mark.end));
        let begin = first.max(from.saturating_sub(EXCERPT_CHARACTERS / 3));
        let end = (begin + EXCERPT_CHARACTERS).min(boundaries.len() - 1);
        let at = |index: usize| boundaries.get(index).copied().unwrap_or(self.text.len());
        let mut text = String::new();
        if begin > first {
            text.push('…');
        }
        let shift = text.len();
        text.push_str(self.text.get(at(begin)..at(end)).unwrap_or_default().trim_end());
        let marked = |index: usize| (at(index.clamp(begin, end)) - at(begin) + shift).min(text.len());
        let marked = ExcerptRange { start: marked(from), end: marked(to) };
        if end < boundaries.len() - 1 {
            text.push('…');
        }
        Excerpt { text, marked }
    }
}

/// What a terminal, a browser or a reader would obey rather than show: control characters, and those that turn the direction of
/// text (CVE-2021-42574), become spaces and question marks.
fn harmless(character: char) -> char {
    match character {
        '\t' => ' ',
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        other if other.is_control() => '\u{fffd}',
        other => other,
    }
}

/// After the character that begins at `at`.
fn next_boundary(bytes: &[u8], at: usize, end: usize) -> usize {
    let mut next = at + 1;
    while next < end && next < at + 4 && bytes.get(next).is_some_and(|byte| is_continuation(*byte)) {
        next += 1;
    }
    next
}

const fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

fn saturated(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
