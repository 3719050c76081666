//! What traffic looked like: for each operation the rules that it broke, and the shapes of what was sent and answered. Types, lengths,
//! magnitudes, formats and names are kept, values never; memory is bounded, whatever is sent.

mod names;
mod observed;
mod path;
mod seen;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

pub use observed::{Broken, OfOperation};
pub use seen::Seen;
pub(crate) use seen::{Reads, Texts};

use self::path::{FoldedPath, has_many};
use crate::json::{Content, Json, Member};
use crate::openapi::{Located, Pairing, Part, query_pairs};
use crate::schema::Fault;

/// All that was learned, by API and by operation (`GET /people/{id}`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// By the name of the API, or of the route that has no document.
    pub apis: BTreeMap<String, BTreeMap<String, OfOperation>>,
}

/// What is learned while traffic flows.
#[derive(Debug, Default)]
pub struct Learning(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    learned: Learned,
    /// How many places may still be added.
    room: Room,
    has_changed: bool,
}

/// How much may still be remembered. What finds no room is not remembered, and what is known goes on being counted.
#[derive(Debug)]
pub(crate) struct Room {
    /// Places of messages, each of up to 200 bytes.
    places: usize,
    operations: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { places: 50_000, operations: 2_000 }
    }
}

impl Room {
    fn take(left: &mut usize) -> bool {
        let is_room = *left > 0;
        *left = left.saturating_sub(1);
        is_room
    }

    pub(crate) fn place(&mut self) -> bool {
        Self::take(&mut self.places)
    }
}

/// A request, as far as it is looked at.
pub struct LearnedRequest<'a> {
    /// The parameters of its path, by the document's names.
    pub path: &'a [Pairing],
    /// The query as it came.
    pub query: &'a str,
    /// The media type of its body.
    pub content_type: Option<&'a str>,
    /// Its body, if that is JSON.
    pub body: Option<&'a Json>,
    /// The rules that it broke.
    pub faults: &'a [Located],
}

/// An answer, as far as it is looked at.
pub struct LearnedAnswer<'a> {
    /// Its status.
    pub status: u16,
    /// The media type of its body.
    pub content_type: Option<&'a str>,
    /// Its body, if that is JSON.
    pub body: Option<&'a Json>,
    /// The rules that it broke.
    pub faults: &'a [Fault],
}

/// Words that one segment of a path may have before it is taken for a parameter.
const MOST_WORDS: usize = 12;

impl Learning {
    /// Goes on from what was learned before.
    pub fn new(learned: Learned) -> Self {
        let mut room = Room::default();
        let operations = || learned.apis.values().flat_map(BTreeMap::values);
        room.operations = room.operations.saturating_sub(operations().count());
        room.places = room.places.saturating_sub(operations().map(OfOperation::places).sum());
        Self(Mutex::new(State { learned, room, has_changed: false }))
    }

    /// Learns from a request, at `now` seconds after 1970.
    pub fn request(&self, api: &str, operation: &str, request: &LearnedRequest<'_>, now: u64) {
        self.with(api, operation, |of, room| {
            of.requests += 1;
            let (path, query) = (object(request.path), object(&query_pairs(request.query)));
            let parts = [(Part::Path, Some(&path)), (Part::Query, Some(&query)), (Part::Body, request.body)];
            for (part, value) in parts {
                if let Some(value) = value.filter(|it| part == Part::Body || !it.members().is_empty()) {
                    of.part(part.as_str(), room).absorb(value, room);
                }
            }
            for Located { part, fault } in request.faults {
                let value = parts.iter().find(|(known, _)| known == part).and_then(|(_, value)| *value);
                let other = request.content_type.filter(|_| fault.rule == CONTENT_TYPE);
                of.broken(part.as_str(), fault, value.filter(|_| other.is_none()), other, now);
            }
        });
    }

    /// Learns from an answer.
    pub fn answer(&self, api: &str, operation: &str, answer: &LearnedAnswer<'_>, now: u64) {
        self.with(api, operation, |of, room| {
            let part = format!("answer {}", answer.status);
            let seen = of.part(&part, room);
            if let Some(body) = answer.body {
                seen.absorb(body, room);
            }
            for fault in answer.faults {
                let other = answer.content_type.filter(|_| fault.pointer.is_empty() && answer.body.is_none());
                of.broken(&part, fault, answer.body, other, now);
            }
        });
    }

    /// The operation that a request is, of an API that has no document, and the parameters of its path: what looks like an
    /// identifier is one, and so are words of which there are many.
    pub fn operation(&self, api: &str, method: &str, path: &str) -> (String, Vec<Pairing>) {
        let mut path = FoldedPath::of(path);
        self.fold_crowds(api, method, &mut path);
        (format!("{method} {}", path.template()), path.parameters())
    }

    /// Where one segment of otherwise equal paths has many words, it is a parameter: the words are values.
    fn fold_crowds(&self, api: &str, method: &str, path: &mut FoldedPath) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State { learned, room, has_changed } = &mut *state;
        let Some(operations) = learned.apis.get_mut(api) else { return };
        let known = |path: &FoldedPath| format!("{method} {}", path.template());
        if operations.contains_key(&known(path)) {
            return;
        }
        for at in 0..path.len() {
            let alike: Vec<String> = operations
                .keys()
                .filter(|operation| {
                    operation.split_once(' ').is_some_and(|(of, it)| of == method && path.is_like(it, at))
                })
                .cloned()
                .collect();
            let is_folded = alike.iter().any(|it| has_many(it, at));
            if !is_folded && alike.len() < MOST_WORDS {
                continue;
            }
            path.make_parameter(at);
            let mut joined = OfOperation::default();
            for operation in &alike {
                if let Some(of) = operations.remove(operation) {
                    joined.join(of);
                    room.operations += 1;
                }
            }
            room.operations = room.operations.saturating_sub(1);
            operations.insert(known(path), joined);
            *has_changed = true;
        }
    }

    /// What was learned, if that is more than when it was last asked for.
    pub fn changed(&self) -> Option<Learned> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.has_changed).then(|| state.learned.clone())
    }

    /// Everything that was learned so far.
    pub fn learned(&self) -> Learned {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).learned.clone()
    }

    fn with(&self, api: &str, operation: &str, learn: impl FnOnce(&mut OfOperation, &mut Room)) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State { learned, room, has_changed } = &mut *state;
        let operations = match learned.apis.get_mut(api) {
            Some(operations) => operations,
            None => learned.apis.entry(api.to_owned()).or_default(),
        };
        if !operations.contains_key(operation) {
            if !Room::take(&mut room.operations) {
                return;
            }
            operations.insert(operation.to_owned(), OfOperation::default());
        }
        if let Some(of) = operations.get_mut(operation) {
            *has_changed = true;
            learn(of, room);
        }
    }
}

/// Pairs as an object of texts. Of a name that stands twice the first is enough: its shape is what matters.
fn object(pairs: &[Pairing]) -> Json {
    let first = |(at, (name, _)): &(usize, &Pairing)| !pairs.iter().take(*at).any(|(earlier, _)| earlier == name);
    let members = pairs.iter().enumerate().filter(first);
    let member =
        |(_, (name, text)): (usize, &Pairing)| Member { name: name.as_str().into(), start: 0, value: Json::text(text) };
    Json::of(Content::Object(members.map(member).collect()))
}

/// The rule of a body whose media type is not declared.
pub const CONTENT_TYPE: &str = "content-type-undeclared";
