use std::collections::BTreeMap;

use super::SchemaId;
use super::content::TextContent;
use super::equal::Equal;
use super::format::Format;
use super::library::Place;
use super::pattern::Pattern;
use crate::json::Number;
use crate::sensitive::Declared;

/// A schema, its keywords sorted by what they look at: a string never meets those for objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    /// Where it stands in the document.
    pub(crate) place: Place,
    /// Which schema resource it is part of (`JSON Schema Core §4.3.5`).
    pub(super) resource: u32,
    /// Of a boolean schema, what it says.
    pub(super) always: Option<bool>,
    pub(crate) types: Types,
    pub(crate) equal: Option<Box<Equal>>,
    pub(crate) number: Option<Box<NumberRules>>,
    pub(crate) text: Option<Box<TextRules>>,
    pub(crate) array: Option<Box<ArrayRules>>,
    pub(crate) object: Option<Box<ObjectRules>>,
    pub(super) reference: Option<SchemaId>,
    pub(super) dynamic: Option<Box<Dynamic>>,
    pub(crate) combine: Option<Box<Combine>>,
    pub(crate) discriminator: Option<Box<Discriminator>>,
    /// It is one of the schemas that a discriminator of a base names: its `allOf` must not lead to the others.
    pub(super) is_heir: bool,
    pub(crate) read_only: bool,
    pub(crate) write_only: bool,
    pub(crate) format: Option<Format>,
    /// What kind of data the document says it is (`x-bartizan-data`).
    pub(crate) data: Option<Declared>,
    pub(super) content: Option<TextContent>,
}

impl Schema {
    /// The schema that it refers to, for the same value.
    pub(crate) fn reference(&self) -> Option<SchemaId> {
        self.reference
    }

    /// Whether other schemas speak of the same value, so that what it lacks may stand in them.
    pub(crate) fn builds_on_others(&self) -> bool {
        self.reference.is_some() || self.dynamic.is_some() || self.combine.is_some()
    }

    /// Whether it says nothing of any value.
    pub(crate) fn says_nothing(&self) -> bool {
        self.always != Some(false)
            && !self.builds_on_others()
            && self.object.is_none()
            && self.array.is_none()
            && self.text.is_none()
            && self.number.is_none()
            && self.format.is_none()
    }

    /// Every schema that it leads to.
    pub(crate) fn each_part(&self, tell: &mut dyn FnMut(SchemaId)) {
        self.reference.into_iter().chain(self.dynamic.iter().map(|it| it.target)).for_each(&mut *tell);
        if let Some(it) = &self.combine {
            [&it.all_of, &it.any_of, &it.one_of].into_iter().flatten().copied().for_each(&mut *tell);
            [it.condition, it.then, it.otherwise].into_iter().flatten().for_each(&mut *tell);
        }
        if let Some(it) = &self.array {
            it.prefix.iter().copied().chain(it.items).chain(it.unevaluated).for_each(&mut *tell);
        }
        if let Some(it) = &self.object {
            it.properties().map(|(_, id)| id).for_each(&mut *tell);
            it.patterns.iter().map(|(_, id)| *id).for_each(&mut *tell);
            it.dependent_schemas.iter().map(|(_, id)| *id).for_each(&mut *tell);
            it.additional.into_iter().chain(it.unevaluated).for_each(&mut *tell);
        }
        self.discriminator.iter().flat_map(|it| it.mapping.values().copied()).for_each(&mut *tell);
    }
}

/// `$dynamicRef`
#[derive(Clone, Debug)]
pub(super) struct Dynamic {
    /// Where it leads if nothing in the dynamic scope says otherwise.
    pub(super) target: SchemaId,
    /// The anchor to look for in the dynamic scope; none where the target is no dynamic anchor.
    pub(super) anchor: Option<Box<str>>,
}

/// The types that pass, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Types(pub(super) u8);

impl Types {
    pub(crate) const NULL: u8 = 1;
    pub(crate) const BOOLEAN: u8 = 1 << 1;
    pub(crate) const OBJECT: u8 = 1 << 2;
    pub(crate) const ARRAY: u8 = 1 << 3;
    pub(crate) const STRING: u8 = 1 << 4;
    pub(crate) const INTEGER: u8 = 1 << 5;
    pub(crate) const NUMBER: u8 = 1 << 6;
    const ALL: u8 = 0x7f;
    pub(crate) const ANY: Self = Self(Self::ALL);
    pub(crate) const NONE: Self = Self(0);
    const NAMES: [(&'static str, u8); 7] = [
        ("null", Self::NULL),
        ("boolean", Self::BOOLEAN),
        ("object", Self::OBJECT),
        ("array", Self::ARRAY),
        ("string", Self::STRING),
        ("integer", Self::INTEGER),
        ("number", Self::NUMBER),
    ];

    pub(super) fn named(name: &str) -> Option<u8> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, bit)| *bit)
    }

    pub(crate) const fn allow(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        // A whole number is a number.
        let is_whole = (self.0 & Self::NUMBER != 0 && other.0 & Self::INTEGER != 0)
            || (other.0 & Self::NUMBER != 0 && self.0 & Self::INTEGER != 0);
        Self((self.0 & other.0) | if is_whole { Self::INTEGER } else { 0 })
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it is the only type that passes, `null` aside.
    pub(crate) const fn is_only(self, bit: u8) -> bool {
        self.0 & !Self::NULL == bit
    }

    pub(crate) const fn is_any(self) -> bool {
        self.0 == Self::ALL
    }

    /// `a string`, `a string or null`
    pub(super) fn phrase(self) -> String {
        let names: Vec<&str> = Self::NAMES.iter().filter(|(_, bit)| self.allow(*bit)).map(|(name, _)| *name).collect();
        names.join(" or ")
    }
}

impl Default for Types {
    fn default() -> Self {
        Self(Self::ALL)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct NumberRules {
    pub(crate) minimum: Option<Number>,
    pub(crate) exclusive_minimum: Option<Number>,
    pub(crate) maximum: Option<Number>,
    pub(crate) exclusive_maximum: Option<Number>,
    pub(super) multiple_of: Option<Number>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct TextRules {
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
    pub(crate) pattern: Option<Pattern>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ArrayRules {
    pub(crate) prefix: Vec<SchemaId>,
    pub(crate) items: Option<SchemaId>,
    pub(super) contains: Option<SchemaId>,
    pub(super) min_contains: Option<u64>,
    pub(super) max_contains: Option<u64>,
    pub(crate) min_items: Option<u64>,
    pub(crate) max_items: Option<u64>,
    pub(super) unique: bool,
    pub(super) unevaluated: Option<SchemaId>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectRules {
    /// What is declared or required by name; compiled into the sorted `table`.
    pub(crate) named: BTreeMap<Box<str>, Named>,
    pub(super) required: u32,
    pub(super) patterns: Vec<(Pattern, SchemaId)>,
    pub(crate) additional: Option<SchemaId>,
    pub(super) names: Option<SchemaId>,
    pub(super) dependent_required: Vec<(Box<str>, Vec<Box<str>>)>,
    pub(super) dependent_schemas: Vec<(Box<str>, SchemaId)>,
    pub(super) min_properties: Option<u64>,
    pub(super) max_properties: Option<u64>,
    pub(crate) unevaluated: Option<SchemaId>,
    /// Whether it says anything of which members there may be.
    pub(crate) declares: bool,
}

impl ArrayRules {
    /// The schemas of its elements.
    pub(crate) fn elements(&self) -> impl Iterator<Item = SchemaId> {
        self.prefix.iter().copied().chain(self.items)
    }
}

impl ObjectRules {
    /// The members that it names, each with its schema.
    pub(crate) fn properties(&self) -> impl Iterator<Item = (&str, SchemaId)> {
        self.named.iter().filter_map(|(name, named)| Some((&**name, named.schema?)))
    }

    pub(crate) fn has_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }
}

/// A member that is named.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Named {
    pub(crate) schema: Option<SchemaId>,
    pub(crate) required: bool,
    /// `readOnly`: a request need not have it.
    pub(super) read_only: bool,
    /// `writeOnly`: an answer need not have it.
    pub(super) write_only: bool,
}

/// Schemas for the same value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Combine {
    pub(crate) all_of: Vec<SchemaId>,
    pub(crate) any_of: Vec<SchemaId>,
    pub(crate) one_of: Vec<SchemaId>,
    pub(super) not: Option<SchemaId>,
    pub(super) condition: Option<SchemaId>,
    pub(super) then: Option<SchemaId>,
    pub(super) otherwise: Option<SchemaId>,
}

/// Which of several schemas a value says that it follows (OpenAPI 3.1 §4.8.25).
#[derive(Clone, Debug)]
pub(crate) struct Discriminator {
    pub(super) property: Box<str>,
    pub(crate) mapping: BTreeMap<Box<str>, SchemaId>,
    /// The schemas are those of `oneOf` or `anyOf` beside it; otherwise those that refer to this one by `allOf`.
    pub(super) among_alternatives: bool,
}
