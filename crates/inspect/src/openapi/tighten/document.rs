use serde_json::Value;

use super::{Action, Outline, Proposal};
use crate::json::{Content, Json};
use crate::schema::{Library, Place};

/// A document, in which places are found again.
pub(super) struct Document<'l> {
    pub(super) library: &'l Library,
    pub(super) outline: Outline,
}

/// A step from the root of a document.
enum Step<'l> {
    Name(&'l str),
    Index(usize),
}

impl<'l> Document<'l> {
    /// A proposal for a place. What stands in another file than the first has no path that an Overlay could name: the place has to do.
    pub(super) fn propose(&self, place: Place, reason: String, changes: Vec<(Vec<&str>, Option<Value>)>) -> Proposal {
        let target = self.path(place).filter(|_| place.document == 0);
        let actions = target.map_or_else(Vec::new, |target| {
            let action = |(names, update): (Vec<&str>, Option<Value>)| {
                let inner: String = names.iter().map(|name| selector(name)).collect();
                Action { target: format!("{target}{inner}"), update }
            };
            changes.into_iter().map(action).collect()
        });
        Proposal { place: self.library.locate(place), reason, actions }
    }

    /// The value at a place.
    pub(super) fn at(&self, place: Place) -> Option<&'l Json> {
        let mut steps = Vec::new();
        find(self.library.root(place.document)?, place.start, &mut steps)
    }

    /// The value around the one at a place.
    pub(super) fn around(&self, place: Place) -> Option<&'l Json> {
        let root = self.library.root(place.document)?;
        let mut steps = Vec::new();
        find(root, place.start, &mut steps)?;
        steps.pop()?;
        steps.iter().try_fold(root, |at, step| match step {
            Step::Name(name) => at.get(name),
            Step::Index(index) => at.elements().get(*index),
        })
    }

    fn path(&self, place: Place) -> Option<String> {
        let mut steps = Vec::new();
        find(self.library.root(place.document)?, place.start, &mut steps)?;
        let step = |step: &Step<'_>| match step {
            Step::Name(name) => selector(name),
            Step::Index(index) => format!("[{index}]"),
        };
        Some(std::iter::once("$".to_owned()).chain(steps.iter().map(step)).collect())
    }
}

/// `RFC 9535 §2.3.1`
fn selector(name: &str) -> String {
    format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The outermost object that begins at a byte, and the way to it.
fn find<'l>(at: &'l Json, start: u32, steps: &mut Vec<Step<'l>>) -> Option<&'l Json> {
    if at.start == start && !matches!(at.content, Content::Text(_)) {
        return Some(at);
    }
    let holds = |value: &Json| value.start <= start && start <= value.end;
    for member in at.members().iter().filter(|member| holds(&member.value)) {
        steps.push(Step::Name(&member.name));
        if let Some(found) = find(&member.value, start, steps) {
            return Some(found);
        }
        steps.pop();
    }
    for (index, element) in at.elements().iter().enumerate().filter(|(_, element)| holds(element)) {
        steps.push(Step::Index(index));
        if let Some(found) = find(element, start, steps) {
            return Some(found);
        }
        steps.pop();
    }
    None
}
