//! What a document lets through because it is silent.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::media::MediaKind;
use super::operation::Operation;
use crate::schema::keywords::{Schema, Types};
use crate::schema::{Format, Place, SchemaId, Schemas};

/// Something that a document leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// `file:line:column`
    pub place: String,
    /// What it is.
    pub kind: HoleKind,
}

/// What a document leaves open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HoleKind {
    /// An object that does not say whether it may have other members.
    OpenBySilence,
    /// An object of which nothing is declared.
    EmptyObject,
    /// A schema that takes everything.
    Anything,
    /// A string without a bound.
    String,
    /// An array without a bound.
    Array,
    /// A whole number without bounds.
    Integer,
    /// A file without a bound.
    File,
    /// A pattern that needs backtracking.
    Pattern,
    /// A parameter of the path that is declared nowhere.
    PathParameter,
    /// A body that nobody here reads.
    OpaqueBody,
    /// A method, or a path with a query in it, that the gate never serves.
    NeverServed,
}

impl HoleKind {
    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OpenBySilence => "open-by-silence",
            Self::EmptyObject => "empty-object",
            Self::Anything => "anything",
            Self::String => "string-unbounded",
            Self::Array => "array-unbounded",
            Self::Integer => "integer-unbounded",
            Self::File => "file-unbounded",
            Self::Pattern => "pattern-backtracks",
            Self::PathParameter => "path-parameter-undeclared",
            Self::OpaqueBody => "body-opaque",
            Self::NeverServed => "never-served",
        }
    }

    /// What it means, and what to do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::OpenBySilence => {
                "says nothing of other members; the gate refuses them: write `additionalProperties: false`, or `true` if they are meant"
            }
            Self::EmptyObject => {
                "declares no members, so that only `{}` passes: declare them, or write `additionalProperties: true`"
            }
            Self::Anything => "takes any value: give it a `type`",
            Self::String => "is a string of any length: add `maxLength`, `enum` or a `format`",
            Self::Array => "is an array of any length: add `maxItems`",
            Self::Integer => "is any whole number: add `minimum` and `maximum`, or `format: int32`",
            Self::File => "is a file of any size: add `maxLength`, in bytes",
            Self::Pattern => {
                "has a pattern that needs backtracking, which ends after a fixed number of steps: write it without look-around"
            }
            Self::PathParameter => "has a path parameter that is not declared: anything passes there",
            Self::OpaqueBody => "takes a body that the gate does not read: only its size is bounded",
            Self::NeverServed => "is a method, or a path with a query in it, that the gate does not serve",
        }
    }
}

/// Most holes that are told of.
const MOST: usize = 2_000;

/// The holes of all requests, each once, in the order of the document.
pub(super) fn of(
    operations: &[Arc<Operation>],
    found: Vec<(Place, HoleKind)>,
    schemas: &Schemas,
    locate: &dyn Fn(Place) -> String,
) -> Vec<Hole> {
    let mut holes: BTreeSet<(Place, HoleKind)> = found.into_iter().collect();
    let mut seen = HashSet::new();
    let mut waiting: Vec<SchemaId> = Vec::new();
    for operation in operations {
        waiting.extend(operation.parameters.iter().filter_map(|parameter| parameter.schema));
        for media in operation.body.iter().flat_map(|body| &body.media) {
            waiting.extend(media.schema.filter(|_| media.kind != MediaKind::Opaque));
        }
    }
    while let Some(id) = waiting.pop() {
        if holes.len() >= MOST || !seen.insert(id) {
            continue;
        }
        let Some(schema) = schemas.node(id) else { continue };
        holes.extend(of_schema(schema).map(|kind| (schema.place, kind)));
        schema.each_part(&mut |part| waiting.push(part));
    }
    let mut holes: Vec<Hole> = holes.into_iter().map(|(place, kind)| Hole { place: locate(place), kind }).collect();
    let opaque = operations
        .iter()
        .filter(|it| it.body.iter().flat_map(|body| &body.media).any(|it| it.kind == MediaKind::Opaque));
    holes.extend(opaque.map(|operation| Hole { place: operation.place.clone(), kind: HoleKind::OpaqueBody }));
    holes
}

pub(super) fn of_schema(schema: &Schema) -> impl Iterator<Item = HoleKind> {
    let types = schema.types;
    let is_listed = schema.equal.is_some();
    let has = |bit| !types.is_any() && types.allow(bit) && !is_listed && !schema.builds_on_others();
    let object = schema.object.as_deref();
    let is_open = object
        .is_some_and(|it| it.declares && it.additional.is_none() && it.unevaluated.is_none() && !it.has_patterns());
    let is_long = schema.text.as_ref().is_none_or(|it| it.max_length.is_none())
        && schema.format.is_none_or(|it| !it.bounds_length());
    let bounds = |least: bool| {
        schema.number.as_ref().is_some_and(|it| {
            if least {
                it.minimum.or(it.exclusive_minimum).is_some()
            } else {
                it.maximum.or(it.exclusive_maximum).is_some()
            }
        })
    };
    let is_bounded = schema.format.is_some_and(Format::bounds_integers) || (bounds(true) && bounds(false));
    let is_file = schema.format == Some(Format::Binary);
    let is_anything = types.is_any() && !is_listed && object.is_none() && schema.says_nothing();
    [
        (is_open && !schema.builds_on_others(), HoleKind::OpenBySilence),
        (has(Types::OBJECT) && object.is_none_or(|it| !it.declares), HoleKind::EmptyObject),
        (is_anything, HoleKind::Anything),
        (has(Types::STRING) && is_long && !is_file, HoleKind::String),
        (has(Types::STRING) && is_long && is_file, HoleKind::File),
        (has(Types::ARRAY) && schema.array.as_ref().is_none_or(|it| it.max_items.is_none()), HoleKind::Array),
        (has(Types::INTEGER) && !is_bounded, HoleKind::Integer),
        (schema.text.as_ref().and_then(|it| it.pattern.as_ref()).is_some_and(|it| !it.is_linear()), HoleKind::Pattern),
    ]
    .into_iter()
    .filter_map(|(is_hole, kind)| is_hole.then_some(kind))
}
