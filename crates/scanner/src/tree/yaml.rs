use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::{Entry, LockError, MAX_DEPTH, MAX_NODES, Node, Value, check_brackets};

/// What aliases may make of a file that people wrote: hundred times what such files have.
const MAX_RESOLVED: usize = 200_000;
/// The key whose value is taken into the table around it (YAML 1.1's merge key, which Compose and GitLab use).
const MERGE: &str = "<<";

/// Reads one document without aliases: no lock file has one, and they are how a few lines become gigabytes.
pub(super) fn read(text: &str) -> Result<Node<'_>, LockError> {
    let documents = Builder { anchors: None, max_nodes: MAX_NODES, ..Builder::default() }.read(text)?;
    // The first document only: no lock file has another.
    documents.into_iter().next().ok_or_else(|| LockError::Syntax { line: 1, what: "there is nothing in it".to_owned() })
}

/// Reads every document, with aliases resolved.
pub(super) fn read_all(text: &str) -> Result<Vec<Node<'_>>, LockError> {
    Builder { anchors: Some(BTreeMap::new()), max_nodes: MAX_RESOLVED, ..Builder::default() }.read(text)
}

fn line(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Builds the tree from events, with a stack of its own.
#[derive(Default)]
struct Builder<'a> {
    open: Vec<Open<'a>>,
    documents: Vec<Node<'a>>,
    nodes: usize,
    max_nodes: usize,
    /// What aliases stand for, by the number that the parser gave the anchor; none where aliases are refused.
    anchors: Option<BTreeMap<usize, Node<'a>>>,
}

struct Open<'a> {
    line: u32,
    /// Zero for none.
    anchor: usize,
    part: Part<'a>,
}

enum Part<'a> {
    Table { entries: Vec<Entry<'a>>, key: Option<(Cow<'a, str>, u32)> },
    List(Vec<Node<'a>>),
}

impl<'a> Builder<'a> {
    fn read(mut self, text: &'a str) -> Result<Vec<Node<'a>>, LockError> {
        check_brackets(text)?;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| LockError::Syntax {
                line: line(error.marker().line()),
                what: error.info().to_owned(),
            })?;
            self.take(event, line(span.start.line()))?;
        }
        Ok(self.documents)
    }

    fn take(&mut self, event: Event<'a>, line: u32) -> Result<(), LockError> {
        match event {
            Event::Scalar(text, style, anchor, _) => self.add(Node { line, value: scalar(text, style) }, anchor),
            Event::MappingStart(anchor, _) => {
                self.open(Open { line, anchor, part: Part::Table { entries: Vec::new(), key: None } })
            }
            Event::SequenceStart(anchor, _) => self.open(Open { line, anchor, part: Part::List(Vec::new()) }),
            Event::MappingEnd | Event::SequenceEnd => self.close(),
            Event::Alias(anchor) => {
                let known = self.anchors.as_ref().and_then(|anchors| anchors.get(&anchor));
                let node = known.cloned().ok_or(LockError::Alias { line })?;
                self.nodes += node.size();
                self.add(node, 0)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, open: Open<'a>) -> Result<(), LockError> {
        let line = open.line;
        self.open.push(open);
        if self.open.len() > MAX_DEPTH { Err(LockError::TooDeep { line }) } else { Ok(()) }
    }

    fn close(&mut self) -> Result<(), LockError> {
        let Some(Open { line, anchor, part }) = self.open.pop() else { return Ok(()) };
        let value = match part {
            Part::Table { entries, .. } if self.anchors.is_some() => Value::Table(merged(entries)),
            Part::Table { entries, .. } => Value::Table(entries),
            Part::List(items) => Value::List(items),
        };
        self.add(Node { line, value }, anchor)
    }

    fn add(&mut self, node: Node<'a>, anchor: usize) -> Result<(), LockError> {
        // What is kept for aliases counts a second time, as what they bring does.
        self.nodes += if self.anchors.is_some() && anchor != 0 { node.size() } else { 1 };
        if self.nodes > self.max_nodes {
            return Err(LockError::TooMany);
        }
        if let Some(anchors) = self.anchors.as_mut().filter(|_| anchor != 0) {
            anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|open| &mut open.part) {
            Some(Part::List(items)) => items.push(node),
            Some(Part::Table { entries, key }) => {
                if let Some((key, line)) = key.take() {
                    entries.push(Entry { key, line, node });
                } else {
                    *key = Some((name(node.value, node.line)?, node.line));
                }
            }
            None => self.documents.push(node),
        }
        Ok(())
    }
}

/// The table with what its merge key names; its own members go first.
fn merged(entries: Vec<Entry<'_>>) -> Vec<Entry<'_>> {
    let (merge, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.key == MERGE);
    if merge.is_empty() {
        return own;
    }
    let mut known: BTreeSet<Cow<'_, str>> = own.iter().map(|entry| entry.key.clone()).collect();
    for entry in merge {
        let sources = match entry.node.value {
            Value::List(items) => items,
            value => vec![Node { line: entry.line, value }],
        };
        for source in sources {
            let Value::Table(members) = source.value else { continue };
            for member in members {
                if known.insert(member.key.clone()) {
                    own.push(member);
                }
            }
        }
    }
    own
}

/// A key, which is text whatever it looks like.
fn name(value: Value<'_>, line: u32) -> Result<Cow<'_, str>, LockError> {
    Ok(match value {
        Value::Text(name) | Value::Number(name) => name,
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
        (_, ScalarStyle::Plain) if text.parse::<f64>().is_ok_and(f64::is_finite) => Value::Number(text),
        _ => Value::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_people_write_have_aliases_merge_keys_and_several_documents() {
        let text = "base: &base {image: a, port: 80}\nweb:\n  <<: *base\n  image: b\n---\nsecond: base\n";
        let documents = read_all(text).unwrap();
        let json: Vec<String> = documents.iter().map(|document| document.to_json().to_string()).collect();
        assert_eq!(json, [r#"{"base":{"image":"a","port":80},"web":{"image":"b","port":80}}"#, r#"{"second":"base"}"#]);
    }

    #[test]
    fn aliases_of_aliases_end_at_a_limit() {
        let level = |level: usize| {
            let before = format!("*a{}", level - 1);
            format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", "))
        };
        let first = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        let text: String = std::iter::once(first).chain((1..9).map(level)).collect();
        assert_eq!(read_all(&text), Err(LockError::TooMany));
    }
}
