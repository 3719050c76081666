//! What a parameter's text has to become: a schema's types decide whether `42` is a number or a string.

use std::collections::BTreeMap;

use crate::json::{Content, Json, Limits, Number, read};
use crate::schema::keywords::{ObjectRules, Schema, Types};
use crate::schema::{SchemaId, Schemas};

/// The form of a value that is written as text.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// One text; the types that it may stand for.
    Single(Types),
    /// Several.
    List(Box<Shape>),
    /// Named ones.
    Object(BTreeMap<String, Shape>, Option<Box<Shape>>),
}

/// How deep shapes go into each other: styles have no form for more.
const DEEPEST: usize = 2;
/// How many schemas are looked at for the types of one: alternatives of alternatives would be exponentially many.
const FARTHEST: usize = 48;

impl Shape {
    pub(super) fn of(schemas: &Schemas, id: SchemaId) -> Self {
        Self::within(schemas, id, 0)
    }

    fn within(schemas: &Schemas, id: SchemaId, depth: usize) -> Self {
        let types = types(schemas, id, &mut { FARTHEST });
        if depth >= DEEPEST || types.is_any() {
            return Self::Single(types);
        }
        let parts = parts(schemas, id);
        if types.is_only(Types::ARRAY) {
            let items = parts.iter().find_map(|part| part.array.as_ref()?.items);
            let items = items.map_or(Self::Single(Types::default()), |items| Self::within(schemas, items, depth + 1));
            return Self::List(Box::new(items));
        }
        if types.is_only(Types::OBJECT) {
            let objects = || parts.iter().filter_map(|part| part.object.as_deref());
            let properties = objects().flat_map(ObjectRules::properties);
            let properties =
                properties.map(|(name, schema)| (name.to_owned(), Self::within(schemas, schema, depth + 1))).collect();
            let other = objects().find_map(|rules| rules.additional);
            return Self::Object(properties, other.map(|other| Box::new(Self::within(schemas, other, depth + 1))));
        }
        Self::Single(types)
    }

    /// The shape of a member.
    pub(super) fn member(&self, name: &str) -> &Self {
        const ANY: &Shape = &Shape::Single(Types::ANY);
        match self {
            Self::Object(properties, other) => properties.get(name).or(other.as_deref()).unwrap_or(ANY),
            _ => ANY,
        }
    }

    /// The shape of an element.
    pub(super) fn element(&self) -> &Self {
        const ANY: &Shape = &Shape::Single(Types::ANY);
        match self {
            Self::List(element) => element,
            _ => ANY,
        }
    }

    /// What a text may stand for, the likeliest first; never empty.
    pub(super) fn candidates(&self, text: &str) -> Vec<Json> {
        let Self::Single(types) = self else {
            // A list or an object within a form is a JSON document (OpenAPI 3.1 §4.8.15.1).
            return vec![read(text.as_bytes(), Limits::default()).unwrap_or_else(|_| Json::text(text))];
        };
        let mut found = Vec::new();
        if types.allow(Types::NUMBER) || types.allow(Types::INTEGER) {
            found.extend(number(text).map(|number| Json::of(Content::Number(number))));
        }
        if types.allow(Types::BOOLEAN) && matches!(text, "true" | "false") {
            found.push(Json::of(Content::Bool(text == "true")));
        }
        if types.allow(Types::NULL) && matches!(text, "" | "null") {
            found.push(Json::of(Content::Null));
        }
        if types.allow(Types::STRING) {
            // A schema that takes everything takes the text as it is.
            let at = if types.is_any() { 0 } else { found.len() };
            found.insert(at, Json::text(text));
        }
        if found.is_empty() {
            found.push(Json::text(text));
        }
        found
    }

    /// The likeliest of what a text may stand for.
    pub(super) fn value(&self, text: &str) -> Json {
        let mut candidates = self.candidates(text);
        candidates.swap_remove(0)
    }
}

/// A number as JSON writes it, and in no other way.
fn number(text: &str) -> Option<Number> {
    let begins = text.starts_with(|it: char| it == '-' || it.is_ascii_digit());
    let ends = text.ends_with(|it: char| it.is_ascii_digit());
    if !begins || !ends {
        return None;
    }
    read(text.as_bytes(), Limits { bytes: 400, depth: 1, values: 1 }).ok()?.as_number()
}

/// The types that pass a schema, as far as it, what it refers to and what it is put together from say.
fn types(schemas: &Schemas, id: SchemaId, left: &mut usize) -> Types {
    let Some(fewer) = left.checked_sub(1) else { return Types::ANY };
    *left = fewer;
    let Some(node) = schemas.node(id) else { return Types::ANY };
    let mut types = node.types;
    if let Some(target) = node.reference() {
        types = types.and(self::types(schemas, target, left));
    }
    if let Some(combine) = &node.combine {
        for part in &combine.all_of {
            types = types.and(self::types(schemas, *part, left));
        }
        for alternatives in [&combine.any_of, &combine.one_of] {
            if !alternatives.is_empty() {
                let any = alternatives.iter().map(|it| self::types(schemas, *it, left));
                types = types.and(any.fold(Types::NONE, Types::or));
            }
        }
    }
    types
}

/// A schema and those that apply beside it, whatever the value.
pub(super) fn parts(schemas: &Schemas, id: SchemaId) -> Vec<&Schema> {
    let mut waiting = vec![id];
    let mut found: Vec<&Schema> = Vec::new();
    while let Some(node) = waiting.pop().and_then(|id| schemas.node(id)) {
        if found.len() >= FARTHEST {
            break;
        }
        waiting.extend(node.reference());
        waiting.extend(node.combine.iter().flat_map(|it| [&it.all_of, &it.any_of, &it.one_of].into_iter().flatten()));
        found.push(node);
    }
    found
}
