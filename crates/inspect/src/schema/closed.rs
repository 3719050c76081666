//! The closed world: what no subschema that applies to a place declares does not belong there.
//!
//! It is as if the outermost schema of every place in the message said `unevaluatedProperties: false`. Names are collected over all
//! subschemas that apply to one object, by whatever way (`allOf`, `$ref`, the alternative that holds): a member is undeclared only if
//! none of them knows it. Whether an alternative holds is judged as JSON Schema has it, before.

use super::content::{DeclaredText, TextContent};
use super::fault::Path;
use crate::json::{Content, Json};

/// A member that does not belong into its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undeclared {
    /// The place, as a JSON Pointer. Its last name may be the sender's own.
    pub pointer: String,
    /// Why it does not belong there.
    pub kind: UndeclaredKind,
    address: usize,
}

/// Why a member does not belong into its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndeclaredKind {
    /// No schema declares it.
    Undeclared,
    /// `readOnly` in a request, `writeOnly` in an answer.
    WrongWay,
}

/// Members that are to be taken out of a message.
pub struct Removal(Vec<usize>);

impl Removal {
    /// These.
    pub fn of(undeclared: &[Undeclared]) -> Self {
        let mut addresses: Vec<usize> = undeclared.iter().map(|it| it.address).collect();
        addresses.sort_unstable();
        Self(addresses)
    }

    /// Whether this value, of the tree that was judged, is one of them.
    pub fn takes(&self, value: &Json) -> bool {
        self.0.binary_search(&address(value)).is_ok()
    }
}

/// Most undeclared members that are looked for: beyond that the whole is not worth sorting out.
pub(crate) const MOST_UNDECLARED: usize = 10_000;

/// What subschemas say of members, as they are met. Values are named by where they are in memory: the tree does not move meanwhile.
pub(super) struct Journal {
    pub(super) is_active: bool,
    declared: Vec<usize>,
    closed: Vec<usize>,
    wrong_way: Vec<usize>,
    texts: Vec<(usize, TextContent)>,
}

/// How much a journal held.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize, usize, usize, usize);

impl Journal {
    pub(super) const fn new(is_active: bool) -> Self {
        Self { is_active, declared: Vec::new(), closed: Vec::new(), wrong_way: Vec::new(), texts: Vec::new() }
    }

    /// A subschema declares this member.
    pub(super) fn declare(&mut self, value: &Json) {
        if self.is_active {
            self.declared.push(address(value));
        }
    }

    /// A subschema says what members this object has. One of which none says so is any value that there is.
    pub(super) fn close(&mut self, object: &Json) {
        if self.is_active {
            self.closed.push(address(object));
        }
    }

    pub(super) fn wrong_way(&mut self, value: &Json) {
        if self.is_active {
            self.wrong_way.push(address(value));
        }
    }

    /// A subschema says what this value holds.
    pub(super) fn holds(&mut self, value: &Json, content: TextContent) {
        if self.is_active && matches!(value.content, Content::Text(_)) {
            self.texts.push((address(value), content));
        }
    }

    pub(super) const fn mark(&self) -> Mark {
        Mark(self.declared.len(), self.closed.len(), self.wrong_way.len(), self.texts.len())
    }

    pub(super) fn forget(&mut self, mark: Mark) {
        self.declared.truncate(mark.0);
        self.closed.truncate(mark.1);
        self.wrong_way.truncate(mark.2);
        self.texts.truncate(mark.3);
    }
}

fn address(value: &Json) -> usize {
    std::ptr::from_ref(value).addr()
}

/// The strings of which some schema says what they hold, in the order of the message.
pub(super) fn declared_texts(value: &Json, journal: &mut Journal) -> Vec<DeclaredText> {
    let mut texts = std::mem::take(&mut journal.texts);
    if texts.is_empty() {
        return Vec::new();
    }
    texts.sort_unstable_by_key(|(address, _)| *address);
    let mut found = Vec::new();
    look_for_texts(value, &Path::Root, &texts, &mut found);
    found
}

fn look_for_texts(value: &Json, at: &Path<'_>, texts: &[(usize, TextContent)], found: &mut Vec<DeclaredText>) {
    match &value.content {
        Content::Object(members) => {
            members.iter().for_each(|it| look_for_texts(&it.value, &Path::Name(at, &it.name), texts, found));
        }
        Content::Array(elements) => {
            let places = elements.iter().enumerate();
            places.for_each(|(index, element)| look_for_texts(element, &Path::Index(at, index), texts, found));
        }
        Content::Text(_) => {
            let first = texts.partition_point(|(known, _)| *known < address(value));
            let content = texts.get(first).filter(|(known, _)| *known == address(value)).map(|(_, content)| *content);
            found.extend(content.map(|content| DeclaredText { pointer: at.pointer(), content }));
        }
        _ => {}
    }
}

/// The members that the journal does not account for.
pub(super) fn undeclared(value: &Json, mut journal: Journal) -> Vec<Undeclared> {
    for list in [&mut journal.declared, &mut journal.closed, &mut journal.wrong_way] {
        list.sort_unstable();
    }
    let mut found = Vec::new();
    look(value, &Path::Root, &journal, &mut found);
    found
}

fn look(value: &Json, at: &Path<'_>, journal: &Journal, found: &mut Vec<Undeclared>) {
    let has = |list: &[usize], value: &Json| list.binary_search(&address(value)).is_ok();
    match &value.content {
        Content::Object(members) => {
            let is_closed = has(&journal.closed, value);
            for member in members {
                let at = Path::Name(at, &member.name);
                let kind = if has(&journal.wrong_way, &member.value) {
                    UndeclaredKind::WrongWay
                } else if is_closed && !has(&journal.declared, &member.value) {
                    UndeclaredKind::Undeclared
                } else {
                    look(&member.value, &at, journal, found);
                    continue;
                };
                if found.len() < MOST_UNDECLARED {
                    found.push(Undeclared { pointer: at.pointer(), kind, address: address(&member.value) });
                }
            }
        }
        Content::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                look(element, &Path::Index(at, index), journal, found);
            }
        }
        _ => {}
    }
}
