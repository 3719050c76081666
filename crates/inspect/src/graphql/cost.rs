//! What an operation costs: the objects that its answer may hold. A list multiplies what is below it by its size.

use super::document::{Content, Field};
use super::schema::{FieldDefinition, InputDefinition};
use super::walk::Walk;
use crate::json;

/// Arguments that usually bound a list, where the schema does not say which do (`@listSize`).
const SLICING: [&str; 9] = ["first", "last", "limit", "take", "count", "size", "pageSize", "perPage", "per_page"];
/// Where the list of a connection usually is (Relay, and what others made of it).
const SIZED: [&str; 6] = ["edges", "nodes", "items", "results", "data", "records"];
/// Of a type of the schema, what leads to many others.
const SCHEMA_LISTS: [&str; 4] = ["fields", "interfaces", "possibleTypes", "inputFields"];

/// Where in an operation something is.
#[derive(Clone, Copy)]
pub(super) struct Place<'c> {
    /// How many fields deep, from 1.
    pub(super) depth: u32,
    /// Within introspection: how many lists of the schema deep.
    pub(super) schema_lists: Option<u32>,
    /// The size that the connection around it was asked for, and of which of its fields.
    connection: Option<(u64, &'c [Box<str>])>,
}

/// How many elements a field has.
pub(super) struct Size {
    pub(super) elements: u64,
    /// What was asked of a connection: the size of a list within.
    pub(super) connection: Option<u64>,
}

impl<'c> Place<'c> {
    pub(super) const fn root() -> Self {
        Self { depth: 1, schema_lists: None, connection: None }
    }

    /// The place within a field.
    pub(super) fn inside(&self, field: &Field<'_>, definition: &FieldDefinition, is_query: bool) -> Self {
        let schema_lists = match self.schema_lists {
            Some(lists) => Some(lists + u32::from(SCHEMA_LISTS.contains(&&*definition.name))),
            None => (is_query && matches!(field.name, "__schema" | "__type")).then_some(0),
        };
        Self { depth: self.depth + 1, schema_lists, connection: None }
    }

    pub(super) fn with_size(self, definition: &'c FieldDefinition, size: Option<u64>) -> Self {
        let sized = definition.list_size.as_ref().map(|it| it.sized_fields.as_slice()).unwrap_or_default();
        Self { connection: size.map(|size| (size, sized)), ..self }
    }

    fn size_of(&self, field: &str) -> Option<u64> {
        let (size, sized) = self.connection?;
        let is_sized = if sized.is_empty() { SIZED.contains(&field) } else { sized.iter().any(|it| **it == *field) };
        is_sized.then_some(size)
    }
}

/// How many elements a field can have, by what it is asked for, or what is assumed.
pub(super) fn size(field: &Field<'_>, definition: &FieldDefinition, place: &Place<'_>, walk: &Walk<'_, '_>) -> Size {
    // The schema is as large as it is: how often it is multiplied is bounded by itself.
    if place.schema_lists.is_some() {
        return Size { elements: 1, connection: None };
    }
    let asked = asked(field, definition, walk);
    if !definition.ty.is_list() {
        return Size { elements: 1, connection: asked };
    }
    let assumed = u64::from(walk.limits.list_size);
    let said = definition.list_size.as_ref().and_then(|it| it.assumed);
    let first = asked.or_else(|| place.size_of(field.name)).or(said).unwrap_or(assumed);
    let further = (1..definition.ty.lists()).fold(1_u64, |size, _| size.saturating_mul(assumed));
    Size { elements: first.saturating_mul(further), connection: None }
}

/// The largest size that an argument asks for.
fn asked(field: &Field<'_>, definition: &FieldDefinition, walk: &Walk<'_, '_>) -> Option<u64> {
    let named = definition.list_size.as_ref().map(|it| it.slicing.as_slice()).unwrap_or_default();
    let slices = |input: &&InputDefinition| {
        let name = &*input.name;
        if named.is_empty() { SLICING.contains(&name) } else { named.iter().any(|it| **it == *name) }
    };
    let arguments = definition.arguments.iter().filter(slices).filter(|input| !input.ty.is_list());
    let given = arguments.filter_map(|input| field.arguments.iter().find(|it| it.name == &*input.name));
    given.filter_map(|argument| number(&argument.value.content, walk)).max()
}

/// A number in the document or in a variable. One below zero is what some backends take for all there is.
fn number(content: &Content<'_>, walk: &Walk<'_, '_>) -> Option<u64> {
    let of_text = |text: &str| if text.starts_with('-') { Some(u64::MAX) } else { text.parse().ok() };
    match content {
        Content::Int(text) => of_text(text),
        Content::Variable(name) => match walk.given.and_then(|given| given.get(name)).map(|value| &value.content) {
            Some(json::Content::Number(number)) => {
                Some(number.as_whole().and_then(|it| u64::try_from(it).ok()).unwrap_or(u64::MAX))
            }
            Some(_) => None,
            None => match walk.variables.get(name).and_then(|(definition, _)| definition.default.as_ref()) {
                Some(default) => match &default.content {
                    Content::Int(text) => of_text(text),
                    _ => None,
                },
                None => None,
            },
        },
        _ => None,
    }
}
