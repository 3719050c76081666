//! The closed world: what no subschema that applies to a place declares does not belong there.
//!
//! It is as if the outermost schema of every place in the message said `unevaluatedProperties: false`. Names are collected over all
//! subschemas that apply to one object, by whatever way (`allOf`, `$ref`, the alternative that holds): a member is undeclared only if
//! none of them knows it. Whether an alternative holds is judged as JSON Schema has it, before.

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

impl Undeclared {
    /// Whether it is this value, of the tree that was judged.
    pub fn is(&self, value: &Json) -> bool {
        self.address == address(value)
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
}

/// How much a journal held.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize, usize, usize);

impl Journal {
    pub(super) const fn new(is_active: bool) -> Self {
        Self { is_active, declared: Vec::new(), closed: Vec::new(), wrong_way: Vec::new() }
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

    pub(super) const fn mark(&self) -> Mark {
        Mark(self.declared.len(), self.closed.len(), self.wrong_way.len())
    }

    pub(super) fn forget(&mut self, mark: Mark) {
        self.declared.truncate(mark.0);
        self.closed.truncate(mark.1);
        self.wrong_way.truncate(mark.2);
    }
}

fn address(value: &Json) -> usize {
    std::ptr::from_ref(value).addr()
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
