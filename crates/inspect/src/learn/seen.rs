use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Room;
use super::names::{ANY, folded};
use crate::json::{Content, Json, Number};
use crate::schema::Format;
use crate::schema::keywords::Types;
use crate::sensitive::checks::marks;

/// What the values of one place looked like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// How many there were.
    pub count: u64,
    /// Their types, one bit each.
    types: u8,
    /// Of strings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Texts>,
    /// Of numbers: how many digits the largest had before the point, and the largest below zero. A bound would be somebody's salary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digits: Option<Digits>,
    /// Of arrays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    array: Option<Box<Arrays>>,
    /// Of objects, by names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<Objects>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Texts {
    /// Characters of the shortest.
    pub(crate) shortest: u64,
    /// Characters of the longest.
    pub(crate) longest: u64,
    /// What all of them were, one bit each.
    reads: u16,
    /// What all of them were by their check digits, one bit each.
    #[serde(default)]
    pub(crate) marks: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Digits {
    pub(crate) above: u32,
    pub(crate) below: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Arrays {
    pub(crate) longest: u64,
    pub(crate) element: Seen,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Objects {
    pub(crate) count: u64,
    pub(crate) members: BTreeMap<String, Seen>,
}

/// What a text can be read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    Format(Format),
    Integer,
    Boolean,
}

impl Reads {
    const ALL: [Self; 9] = [
        Self::Format(Format::Uuid),
        Self::Format(Format::DateTime),
        Self::Format(Format::Date),
        Self::Format(Format::Email),
        Self::Format(Format::Ipv4),
        Self::Format(Format::Ipv6),
        Self::Format(Format::Uri),
        Self::Integer,
        Self::Boolean,
    ];

    fn holds(self, text: &str) -> bool {
        /// Nothing longer is of any of these.
        const LONGEST: usize = 2_000;
        match self {
            _ if text.len() > LONGEST => false,
            Self::Format(format) => format.holds(&Json::text(text)),
            Self::Integer => text.parse::<i64>().is_ok_and(|number| number.to_string() == text),
            Self::Boolean => matches!(text, "true" | "false"),
        }
    }
}

/// Members of one object that are told apart; those of a map are one.
const MOST_MEMBERS: usize = 64;
/// How deep values are looked into.
const DEEPEST: usize = 16;
/// Elements of one array that are looked at: the first say what the others are.
const MOST_ELEMENTS: usize = 100;

impl Seen {
    /// Adds a value.
    pub(crate) fn absorb(&mut self, value: &Json, room: &mut Room) {
        self.absorb_at(value, room, 0);
    }

    fn absorb_at(&mut self, value: &Json, room: &mut Room, depth: usize) {
        self.count += 1;
        self.types |= type_of(value);
        match &value.content {
            Content::Text(text) => self.absorb_text(text),
            Content::Number(number) => self.digits.get_or_insert_default().absorb(*number),
            Content::Array(elements) => {
                let empty = || Box::new(Arrays { longest: 0, element: Self::default() });
                let array = self.array.get_or_insert_with(empty);
                array.longest = array.longest.max(elements.len() as u64);
                for element in elements.iter().take(MOST_ELEMENTS).filter(|_| depth < DEEPEST) {
                    array.element.absorb_at(element, room, depth + 1);
                }
            }
            Content::Object(members) => {
                let object = self.object.get_or_insert_default();
                object.count += 1;
                for member in members.iter().filter(|_| depth < DEEPEST) {
                    if let Some(seen) = object.member(&member.name, room) {
                        seen.absorb_at(&member.value, room, depth + 1);
                    }
                }
            }
            Content::Null | Content::Bool(_) => {}
        }
    }

    fn absorb_text(&mut self, text: &str) {
        let length = text.chars().count() as u64;
        let reads = Reads::ALL.iter().enumerate();
        let reads = reads.filter(|(_, it)| it.holds(text)).fold(0_u16, |bits, (at, _)| bits | 1 << at);
        let marks = marks(text);
        let texts = self.text.get_or_insert(Texts { shortest: length, longest: length, reads, marks });
        texts.shortest = texts.shortest.min(length);
        texts.longest = texts.longest.max(length);
        texts.reads &= reads;
        texts.marks &= marks;
    }

    /// How many places it has in it.
    pub(crate) fn places(&self) -> usize {
        let of_array = self.array.as_ref().map_or(0, |array| array.element.places());
        let of_members = self.object.iter().flat_map(|object| object.members.values());
        1 + of_array + of_members.map(Self::places).sum::<usize>()
    }

    /// What was seen at a place in it, by the names of a pointer whose indices and strange names are `*`.
    pub(crate) fn at<'p>(&self, mut names: impl Iterator<Item = &'p str>) -> Option<&Self> {
        names.try_fold(self, |seen, name| {
            let member = seen.object.as_ref().and_then(|object| object.members.get(name));
            member.or_else(|| seen.array.as_ref().filter(|_| name == ANY).map(|array| &array.element))
        })
    }

    pub(crate) fn has(&self, bit: u8) -> bool {
        self.types & bit != 0
    }

    pub(crate) const fn text(&self) -> Option<&Texts> {
        self.text.as_ref()
    }

    pub(crate) const fn digits(&self) -> Option<Digits> {
        self.digits
    }

    pub(crate) fn array(&self) -> Option<&Arrays> {
        self.array.as_deref()
    }

    pub(crate) const fn object(&self) -> Option<&Objects> {
        self.object.as_ref()
    }

    /// Adds what was seen at another place of the same schema.
    pub(crate) fn join(&mut self, other: &Self) {
        self.count += other.count;
        self.types |= other.types;
        if let Some(texts) = &other.text {
            let own = self.text.get_or_insert_with(|| texts.clone());
            own.shortest = own.shortest.min(texts.shortest);
            own.longest = own.longest.max(texts.longest);
            own.reads &= texts.reads;
            own.marks &= texts.marks;
        }
        if let Some(digits) = other.digits {
            let own = self.digits.get_or_insert_default();
            (own.above, own.below) = (own.above.max(digits.above), own.below.max(digits.below));
        }
        if let Some(array) = &other.array {
            match &mut self.array {
                Some(own) => {
                    own.longest = own.longest.max(array.longest);
                    own.element.join(&array.element);
                }
                None => self.array = Some(array.clone()),
            }
        }
        if let Some(object) = &other.object {
            let own = self.object.get_or_insert_default();
            own.count += object.count;
            for (name, member) in &object.members {
                own.members.entry(name.clone()).or_default().join(member);
            }
        }
    }
}

impl Texts {
    /// What all of them can be read as, the first of the list.
    pub(crate) fn reads(&self) -> Option<Reads> {
        Reads::ALL.into_iter().enumerate().find(|(at, _)| self.reads & 1 << at != 0).map(|(_, it)| it)
    }
}

impl Digits {
    fn absorb(&mut self, number: Number) {
        let size = number.as_f64().abs();
        // 10^k begins k + 1 digits; beyond 2^53 the number of digits is still right.
        let digits = (1..400).find(|digits| size < 10_f64.powi(*digits)).unwrap_or(400).unsigned_abs();
        let side = if number.as_f64() < 0.0 { &mut self.below } else { &mut self.above };
        *side = (*side).max(digits);
    }
}

impl Objects {
    fn member(&mut self, name: &str, room: &mut Room) -> Option<&mut Seen> {
        let mut name = folded(name);
        if !self.members.contains_key(name) && self.members.len() >= MOST_MEMBERS {
            name = ANY;
        }
        if !self.members.contains_key(name) {
            if !room.place() {
                return None;
            }
            self.members.insert(name.to_owned(), Seen::default());
        }
        self.members.get_mut(name)
    }
}

fn type_of(value: &Json) -> u8 {
    match &value.content {
        Content::Null => Types::NULL,
        Content::Bool(_) => Types::BOOLEAN,
        Content::Number(number) if number.is_whole() => Types::INTEGER,
        Content::Number(_) => Types::NUMBER,
        Content::Text(_) => Types::STRING,
        Content::Array(_) => Types::ARRAY,
        Content::Object(_) => Types::OBJECT,
    }
}

/// What a value looks like, in words.
pub(super) fn shape(value: &Json) -> String {
    match &value.content {
        Content::Null => "null".to_owned(),
        Content::Bool(_) => "boolean".to_owned(),
        Content::Number(number) => {
            let mut digits = Digits::default();
            digits.absorb(*number);
            let kind = if number.is_whole() { "integer" } else { "number" };
            let sign = if digits.below > 0 { " below zero" } else { "" };
            format!("{kind}{sign} of {} digits", digits.above.max(digits.below))
        }
        Content::Text(text) => {
            let length = text.chars().count();
            match Reads::ALL.into_iter().find(|it| it.holds(text)) {
                Some(Reads::Format(format)) => format!("string of {length} characters, {}", format.name()),
                Some(Reads::Integer) => format!("string of {length} digits"),
                Some(Reads::Boolean) => "string that is a boolean".to_owned(),
                None => format!("string of {length} characters"),
            }
        }
        Content::Array(elements) => format!("array of {}", elements.len()),
        Content::Object(members) => format!("object of {} members", members.len()),
    }
}
