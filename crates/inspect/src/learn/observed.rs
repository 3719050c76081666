use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Room;
use super::names::{ANY, folded};
use super::seen::{Seen, shape};
use crate::json::{Content, Json, push_token};
use crate::schema::Fault;

/// What was learned of one operation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OfOperation {
    /// Requests that were looked at.
    pub requests: u64,
    /// Rules of the document that were broken.
    pub broken: Vec<Broken>,
    /// What was seen: of the `query`, of the `body`, of each `answer 200`.
    pub parts: BTreeMap<String, Seen>,
}

/// A rule of the document that traffic broke.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// `query`, `body`, `answer 200`, …
    pub part: String,
    /// Where in it: a JSON Pointer, in which `*` is any element of a list.
    pub pointer: String,
    /// The keyword of the document.
    pub rule: String,
    /// How often.
    pub count: u64,
    /// When first and when last, in seconds after 1970.
    pub first: u64,
    /// See [`Self::first`].
    pub last: u64,
    /// What such values looked like, the first few of them.
    pub shapes: Vec<String>,
}

/// Rules that are told of for one operation.
const MOST_BROKEN: usize = 200;
/// Shapes that are told of for one rule.
const MOST_SHAPES: usize = 4;
/// Parts of one operation: statuses are the upstream's to choose.
const MOST_PARTS: usize = 32;

impl OfOperation {
    /// Adds what was learned of another operation, which is the same one after all.
    pub(super) fn join(&mut self, other: Self) {
        self.requests += other.requests;
        for (part, seen) in other.parts {
            self.parts.entry(part).or_default().join(&seen);
        }
        let room = MOST_BROKEN.saturating_sub(self.broken.len());
        self.broken.extend(other.broken.into_iter().take(room));
    }

    pub(super) fn places(&self) -> usize {
        self.parts.values().map(Seen::places).sum()
    }

    /// What was seen of a part.
    pub(super) fn part(&mut self, name: &str, room: &mut Room) -> &mut Seen {
        // What has no room is seen in one place that says nothing of where.
        let name =
            if self.parts.contains_key(name) || self.parts.len() < MOST_PARTS && room.place() { name } else { "other" };
        self.parts.entry(name.to_owned()).or_default()
    }

    /// Counts a rule that was broken, with the shape of the value that broke it.
    pub(super) fn broken(&mut self, part: &str, fault: &Fault, body: Option<&Json>, other: Option<&str>, now: u64) {
        let (pointer, value) = folded_pointer(&fault.pointer, body);
        let known = self.broken.iter().position(|it| it.rule == fault.rule && it.pointer == pointer && it.part == part);
        let at = match known {
            Some(at) => at,
            None if self.broken.len() >= MOST_BROKEN => return,
            None => {
                let (part, rule) = (part.to_owned(), fault.rule.to_owned());
                self.broken.push(Broken { part, pointer, rule, count: 0, first: now, last: now, shapes: Vec::new() });
                self.broken.len() - 1
            }
        };
        let Some(broken) = self.broken.get_mut(at) else { return };
        broken.count += 1;
        broken.last = broken.last.max(now);
        if broken.shapes.len() < MOST_SHAPES {
            let shape = value.map(shape).or_else(|| other.map(media_type));
            if let Some(shape) = shape.filter(|it| !broken.shapes.contains(it)) {
                broken.shapes.push(shape);
            }
        }
    }
}

/// A pointer without indices and without names that may be values, and what it points to.
fn folded_pointer<'j>(pointer: &str, root: Option<&'j Json>) -> (String, Option<&'j Json>) {
    let mut at = root;
    let mut folded_pointer = String::new();
    for token in pointer.split('/').skip(1) {
        let name = token.replace("~1", "/").replace("~0", "~");
        let is_element = matches!(at.map(|it| &it.content), Some(Content::Array(_)));
        push_token(&mut folded_pointer, if is_element { ANY } else { folded(&name) });
        at = at.and_then(|it| it.pointer(&format!("/{token}")));
    }
    (folded_pointer, at)
}

/// Type and subtype, of the characters that they have.
fn media_type(text: &str) -> String {
    let essence = text.split(';').next().unwrap_or_default().trim().chars().take(64);
    essence.filter(|it| it.is_ascii_alphanumeric() || "/+.-".contains(*it)).collect()
}
