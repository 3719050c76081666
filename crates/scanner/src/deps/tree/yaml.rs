use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::{Entry, LockError, MAX_DEPTH, MAX_NODES, Node, Value, check_brackets};

/// Reads one document without aliases: no lock file has one, and they are how a few lines become gigabytes.
pub(super) fn read(text: &str) -> Result<Node<'_>, LockError> {
    check_brackets(text)?;
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event
            .map_err(|error| LockError::Syntax { line: line(error.marker().line()), what: error.info().to_owned() })?;
        builder.take(event, line(span.start.line()))?;
    }
    builder.root.ok_or_else(|| LockError::Syntax { line: 1, what: "there is nothing in it".to_owned() })
}

fn line(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Builds the tree from events, with a stack of its own.
#[derive(Default)]
struct Builder<'a> {
    open: Vec<Open<'a>>,
    root: Option<Node<'a>>,
    nodes: usize,
}

enum Open<'a> {
    Table { line: u32, entries: Vec<Entry<'a>>, key: Option<(Cow<'a, str>, u32)> },
    List { line: u32, items: Vec<Node<'a>> },
}

impl<'a> Builder<'a> {
    fn take(&mut self, event: Event<'a>, line: u32) -> Result<(), LockError> {
        match event {
            Event::Scalar(text, style, ..) => self.add(Node { line, value: scalar(text, style) }),
            Event::MappingStart(..) => self.open(Open::Table { line, entries: Vec::new(), key: None }, line),
            Event::SequenceStart(..) => self.open(Open::List { line, items: Vec::new() }, line),
            Event::MappingEnd | Event::SequenceEnd => self.close(),
            Event::Alias(_) => Err(LockError::Alias { line }),
            _ => Ok(()),
        }
    }

    fn open(&mut self, open: Open<'a>, line: u32) -> Result<(), LockError> {
        self.open.push(open);
        if self.open.len() > MAX_DEPTH { Err(LockError::TooDeep { line }) } else { Ok(()) }
    }

    fn close(&mut self) -> Result<(), LockError> {
        match self.open.pop() {
            Some(Open::Table { line, entries, .. }) => self.add(Node { line, value: Value::Table(entries) }),
            Some(Open::List { line, items }) => self.add(Node { line, value: Value::List(items) }),
            None => Ok(()),
        }
    }

    fn add(&mut self, node: Node<'a>) -> Result<(), LockError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(LockError::TooMany);
        }
        match self.open.last_mut() {
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Table { entries, key, .. }) => {
                if let Some((key, line)) = key.take() {
                    entries.push(Entry { key, line, node });
                } else {
                    *key = Some((name(node.value, node.line)?, node.line));
                }
            }
            // The first document only: no lock file has another.
            None if self.root.is_none() => self.root = Some(node),
            None => {}
        }
        Ok(())
    }
}

/// A key, which is text whatever it looks like.
fn name(value: Value<'_>, line: u32) -> Result<Cow<'_, str>, LockError> {
    Ok(match value {
        Value::Text(name) => name,
        Value::Flag(flag) => flag.to_string().into(),
        Value::Nothing => "null".into(),
        _ => return Err(LockError::Syntax { line, what: "a key that is no text".to_owned() }),
    })
}

/// Only the words of YAML 1.2 mean anything, and only without quotes.
fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value<'_> {
    match (&*text, style) {
        ("true", ScalarStyle::Plain) => Value::Flag(true),
        ("false", ScalarStyle::Plain) => Value::Flag(false),
        ("" | "~" | "null", ScalarStyle::Plain) => Value::Nothing,
        _ => Value::Text(text),
    }
}
