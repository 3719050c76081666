use std::cell::Cell;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{Unreadable, lines, scalar};
use crate::json::{Content, Json, Limits, Member};

/// Reads one YAML document.
///
/// # Errors
/// The first place that is no YAML, or that JSON has no form for. An alias is a copy, and copies are counted: "billion laughs" ends
/// at the limit.
pub(super) fn read(bytes: &[u8], limits: Limits) -> Result<Json, Unreadable> {
    let fault = |at, message: &str| Err(Unreadable { at, message: message.to_owned() });
    if bytes.len() > limits.bytes.min(u32::MAX as usize) {
        return fault(0, "the file is too large");
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return fault(0, "the file is not UTF-8") };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder {
        text,
        lines: lines(text.as_bytes()),
        limits,
        values: 0,
        open: Vec::new(),
        anchors: HashMap::new(),
        root: None,
        last: Cell::new((0, 0, 0)),
    };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => builder.take(event, span)?,
            Err(error) => {
                let marker = error.marker();
                return Err(Unreadable {
                    at: builder.byte(marker.line(), marker.col()),
                    message: error.info().to_owned(),
                });
            }
        }
    }
    builder.root.ok_or_else(|| Unreadable { at: 0, message: "the file is empty".to_owned() })
}

struct Builder<'t> {
    text: &'t str,
    lines: Vec<u32>,
    limits: Limits,
    values: usize,
    open: Vec<Open>,
    /// By the parser's number: a value, and how many values it has in it.
    anchors: HashMap<usize, (Json, usize)>,
    root: Option<Json>,
    /// The last place: its line, its character and its byte.
    last: Cell<(usize, usize, usize)>,
}

/// A sequence or mapping that has not ended yet.
struct Open {
    start: u32,
    anchor: usize,
    /// How many values there were when it began.
    before: usize,
    kind: Kind,
}

enum Kind {
    Sequence(Vec<Json>),
    Mapping(Vec<Member>, Option<(Box<str>, u32)>),
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Unreadable> {
        let start = self.byte(span.start.line(), span.start.col());
        let place = u32::try_from(start).unwrap_or(u32::MAX);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix == "str");
                let content = if is_text { Content::Text((*text).into()) } else { scalar::plain(&text) };
                self.count(1, start)?;
                if self.awaits_name() {
                    return self.name(&text, place, start);
                }
                self.put(Json { start: place, end: place, content }, anchor, 1, start)
            }
            Event::Alias(anchor) => {
                let found = self.anchors.get(&anchor).cloned();
                let (value, values) = found.ok_or_else(|| at(start, "an alias of something that has not ended yet"))?;
                self.count(values, start)?;
                if self.awaits_name() {
                    let name = value.as_str().unwrap_or_default().to_owned();
                    return self.name(&name, place, start);
                }
                self.put(value, 0, values, start)
            }
            Event::SequenceStart(anchor, _) => self.open(Kind::Sequence(Vec::new()), anchor, place, start),
            Event::MappingStart(anchor, _) => self.open(Kind::Mapping(Vec::new(), None), anchor, place, start),
            Event::SequenceEnd | Event::MappingEnd => self.close(start),
            Event::DocumentStart(_) if self.root.is_some() => Err(at(start, "a second document in one file")),
            _ => Ok(()),
        }
    }

    fn count(&mut self, values: usize, start: usize) -> Result<(), Unreadable> {
        self.values = self.values.saturating_add(values);
        if self.values > self.limits.values {
            Err(at(start, "too many values; aliases count as what they stand for"))
        } else {
            Ok(())
        }
    }

    fn open(&mut self, kind: Kind, anchor: usize, place: u32, start: usize) -> Result<(), Unreadable> {
        if self.awaits_name() {
            return Err(at(start, "a name has to be a string"));
        }
        if self.open.len() >= self.limits.depth {
            return Err(at(start, "nested too deeply"));
        }
        self.count(1, start)?;
        self.open.push(Open { start: place, anchor, before: self.values, kind });
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), Unreadable> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let content = match open.kind {
            Kind::Sequence(elements) => Content::Array(elements.into()),
            Kind::Mapping(members, _) => Content::Object(members.into()),
        };
        let values = self.values.saturating_sub(open.before) + 1;
        let end = u32::try_from(end).unwrap_or(u32::MAX);
        self.put(Json { start: open.start, end, content }, open.anchor, values, open.start as usize)
    }

    fn awaits_name(&self) -> bool {
        matches!(self.open.last(), Some(Open { kind: Kind::Mapping(_, None), .. }))
    }

    fn name(&mut self, name: &str, place: u32, start: usize) -> Result<(), Unreadable> {
        if name == "<<" {
            return Err(at(start, "merge keys are not part of YAML 1.2: write the members out, or use `allOf`"));
        }
        if let Some(Open { kind: Kind::Mapping(members, waiting), .. }) = self.open.last_mut() {
            if members.iter().any(|member| &*member.name == name) {
                return Err(at(start, &format!("`{name}` stands twice in one mapping")));
            }
            *waiting = Some((name.into(), place));
        }
        Ok(())
    }

    fn put(&mut self, value: Json, anchor: usize, values: usize, start: usize) -> Result<(), Unreadable> {
        if anchor > 0 {
            // A copy is counted too: anchors of anchors of anchors would multiply before anything refers to them.
            self.count(values, start)?;
            self.anchors.insert(anchor, (value.clone(), values));
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            Some(Kind::Sequence(elements)) => elements.push(value),
            Some(Kind::Mapping(members, waiting)) => {
                let (name, start) = waiting.take().ok_or_else(|| at(start, "a value without a name"))?;
                members.push(Member { name, start, value });
            }
            None => self.root = Some(value),
        }
        Ok(())
    }

    /// The byte of a place that the parser names by its line, from 1, and its character, from 0.
    fn byte(&self, line: usize, column: usize) -> usize {
        let start = self.lines.get(line.saturating_sub(1)).map_or(self.text.len(), |start| *start as usize);
        // Places come in their order: counting goes on from the last one, since a document may be one line of a megabyte.
        let (known_line, known_column, known_byte) = self.last.get();
        let (from, left) = match column.checked_sub(known_column).filter(|_| line == known_line) {
            Some(left) => (known_byte, left),
            None => (start, column),
        };
        let rest = self.text.get(from..).unwrap_or_default();
        let byte = from + rest.char_indices().nth(left).map_or(rest.len(), |(at, _)| at);
        self.last.set((line, column, byte));
        byte
    }
}

fn at(at: usize, message: &str) -> Unreadable {
    Unreadable { at, message: message.to_owned() }
}
