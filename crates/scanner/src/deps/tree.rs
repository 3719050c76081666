//! JSON, YAML and TOML as one kind of tree in which everything knows its line, so that a reader of a lock file is about its
//! format and not about its syntax.

mod json;
mod toml;
mod xml;
mod yaml;

use std::borrow::Cow;

pub(super) use xml::Element;

use super::lock::LockError;

/// Lock files nest seven levels deep at most.
const MAX_DEPTH: usize = 64;
/// A lock file of 10,000 packages has about 200,000 nodes.
const MAX_NODES: usize = 8_000_000;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node<'a> {
    pub(super) line: u32,
    value: Value<'a>,
}

#[derive(Clone, Debug, PartialEq)]
enum Value<'a> {
    /// A string; also a number, in its spelling.
    Text(Cow<'a, str>),
    Flag(bool),
    Nothing,
    Table(Vec<Entry<'a>>),
    List(Vec<Node<'a>>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry<'a> {
    pub(super) key: Cow<'a, str>,
    /// The key's line.
    pub(super) line: u32,
    pub(super) node: Node<'a>,
}

impl<'a> Node<'a> {
    /// Reads JSON; comments and trailing commas are let pass, as `bun.lock` has them.
    pub(super) fn json(text: &'a str) -> Result<Self, LockError> {
        json::read(text)
    }

    pub(super) fn yaml(text: &'a str) -> Result<Self, LockError> {
        yaml::read(text)
    }

    pub(super) fn toml(text: &'a str) -> Result<Self, LockError> {
        toml::read(text)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The text of a member.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::text)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) const fn is_true(&self) -> bool {
        matches!(self.value, Value::Flag(true))
    }

    /// Whether a member is there and true.
    pub(super) fn says(&self, key: &str) -> bool {
        self.get(key).is_some_and(Self::is_true)
    }

    /// The members of a table; none of anything else.
    pub(super) fn entries(&self) -> &[Entry<'a>] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The members of a table that is a member.
    pub(super) fn entries_of(&self, key: &str) -> &[Entry<'a>] {
        self.get(key).map_or(&[], Self::entries)
    }

    /// The items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn items_of(&self, key: &str) -> &[Self] {
        self.get(key).map_or(&[], Self::items)
    }

    pub(super) const fn is_table(&self) -> bool {
        matches!(self.value, Value::Table(_))
    }
}

/// Where lines begin, to tell the line of an offset.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self(memchr::memchr_iter(b'\n', text.as_bytes()).collect())
    }

    /// The line of a byte, from 1.
    pub(super) fn at(&self, offset: usize) -> u32 {
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
