//! JSON, YAML and TOML as one kind of tree in which everything knows its line, so that a reader of a lock file is about its
//! format and not about its syntax.

mod json;
mod toml;
mod xml;
mod yaml;

use std::borrow::Cow;

pub(crate) use xml::Element;

use crate::deps::lock::LockError;

/// Lock files nest seven levels deep at most.
const MAX_DEPTH: usize = 64;
/// A lock file of 10,000 packages has about 200,000 nodes.
const MAX_NODES: usize = 8_000_000;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node<'a> {
    pub(crate) line: u32,
    value: Value<'a>,
}

#[derive(Clone, Debug, PartialEq)]
enum Value<'a> {
    Text(Cow<'a, str>),
    /// In its spelling.
    Number(Cow<'a, str>),
    Flag(bool),
    Nothing,
    Table(Vec<Entry<'a>>),
    List(Vec<Node<'a>>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry<'a> {
    pub(crate) key: Cow<'a, str>,
    /// The key's line.
    pub(crate) line: u32,
    pub(crate) node: Node<'a>,
}

impl<'a> Node<'a> {
    /// Reads JSON; comments and trailing commas are let pass, as `bun.lock` has them.
    pub(crate) fn json(text: &'a str) -> Result<Self, LockError> {
        json::read(text)
    }

    pub(crate) fn yaml(text: &'a str) -> Result<Self, LockError> {
        yaml::read(text)
    }

    /// Reads every document of a stream, with aliases and merge keys resolved: as files that people write have them. What that makes
    /// of a few lines is bounded.
    pub(crate) fn yaml_documents(text: &'a str) -> Result<Vec<Self>, LockError> {
        yaml::read_all(text)
    }

    pub(crate) fn toml(text: &'a str) -> Result<Self, LockError> {
        toml::read(text)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The text of a member.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::text)
    }

    /// A string; also a number, in its spelling.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) const fn is_true(&self) -> bool {
        matches!(self.value, Value::Flag(true))
    }

    /// Whether a member is there and true.
    pub(crate) fn says(&self, key: &str) -> bool {
        self.get(key).is_some_and(Self::is_true)
    }

    /// The members of a table; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry<'a>] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The members of a table that is a member.
    pub(crate) fn entries_of(&self, key: &str) -> &[Entry<'a>] {
        self.get(key).map_or(&[], Self::entries)
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn items_of(&self, key: &str) -> &[Self] {
        self.get(key).map_or(&[], Self::items)
    }

    /// A string, number, truth value or null as text.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Some(text),
            Value::Flag(true) => Some("true"),
            Value::Flag(false) => Some("false"),
            Value::Nothing => Some("null"),
            Value::Table(_) | Value::List(_) => None,
        }
    }

    /// The same as JSON, without the lines.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Text(text) => text.as_ref().into(),
            // What is a number here and none in JSON (`0x1f`, `.inf`) stays text.
            Value::Number(text) => serde_json::from_str::<serde_json::Number>(text)
                .map_or_else(|_| text.as_ref().into(), serde_json::Value::Number),
            Value::Flag(flag) => (*flag).into(),
            Value::Nothing => serde_json::Value::Null,
            Value::Table(entries) => {
                entries.iter().map(|entry| (entry.key.to_string(), entry.node.to_json())).collect()
            }
            Value::List(items) => items.iter().map(Self::to_json).collect(),
        }
    }

    /// The line that a JSON Pointer (RFC 6901) leads to, or the last that it reaches.
    pub(crate) fn line_at(&self, pointer: &str) -> u32 {
        let (mut node, mut line) = (self, self.line);
        for part in pointer.strip_prefix('/').into_iter().flat_map(|rest| rest.split('/')) {
            let key = part.replace("~1", "/").replace("~0", "~");
            if let Some(entry) = node.entries().iter().find(|entry| entry.key == key) {
                (node, line) = (&entry.node, entry.line);
            } else if let Some(item) = key.parse().ok().and_then(|index: usize| node.items().get(index)) {
                (node, line) = (item, item.line);
            } else {
                break;
            }
        }
        line
    }

    /// How many nodes it is made of.
    fn size(&self) -> usize {
        let inner: usize = match &self.value {
            Value::Table(entries) => entries.iter().map(|entry| entry.node.size()).sum(),
            Value::List(items) => items.iter().map(Self::size).sum(),
            _ => 0,
        };
        inner + 1
    }

    pub(crate) const fn is_table(&self) -> bool {
        matches!(self.value, Value::Table(_))
    }
}

/// Where lines begin, to tell the line of an offset.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        Self(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    /// The line of a byte, from 1.
    pub(crate) fn at(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|end| *end < offset)).unwrap_or(u32::MAX - 1) + 1
    }
}

/// Refuses what is nested deeper than any lock file before a parser that calls itself sees it: its stack is not ours to spend.
fn check_brackets(text: &str) -> Result<(), LockError> {
    let (mut depth, mut in_string, mut escaped, mut line) = (0_usize, false, false, 1_u32);
    for byte in text.bytes() {
        match byte {
            b'\n' => line = line.saturating_add(1),
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(LockError::TooDeep { line });
        }
    }
    Ok(())
}
