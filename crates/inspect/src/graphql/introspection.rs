//! The schema as a service itself tells it (GraphQL October 2021 §4).

use super::document::Type;
use super::draft::{Draft, DraftDirective, DraftField, DraftInput, DraftType};
use super::schema::{Kind, Schema, SchemaFault};
use crate::json::{self, Json};

/// What a service is asked for its schema: everything that an operation is held against, and no descriptions.
pub const QUERY: &str = "query Schema { __schema { queryType { name } mutationType { name } subscriptionType { name } \
    types { kind name \
      fields(includeDeprecated: true) { name args(includeDeprecated: true) { ...Input } type { ...Ref } } \
      inputFields(includeDeprecated: true) { ...Input } \
      interfaces { name } enumValues(includeDeprecated: true) { name } possibleTypes { name } } \
    directives { name locations args { ...Input } } } } \
  fragment Input on __InputValue { name defaultValue type { ...Ref } } \
  fragment Ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name \
    ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

/// Bytes and values of an answer: the largest known schemas take about 20 MB.
const LIMITS: json::Limits = json::Limits { bytes: 64 << 20, depth: 64, values: 8_000_000 };
/// Lists and non-nulls around a named type.
const MOST_WRAPPED: usize = 16;

/// Reads a schema from the answer to an introspection query, with or without the `data` around it.
///
/// # Errors
/// What the answer lacks, or a type that is not there.
pub fn from_introspection(bytes: &[u8]) -> Result<Schema, SchemaFault> {
    let answer = json::read(bytes, LIMITS).map_err(|_| SchemaFault::Introspection("it is not JSON"))?;
    let schema = answer.pointer("/data/__schema").or_else(|| answer.get("__schema"));
    let schema = schema.ok_or(SchemaFault::Introspection("it has no `__schema`"))?;
    let root = |name: &str| schema.get(name).and_then(|it| it.get("name")).and_then(Json::as_str).map(str::to_owned);
    let mut draft = Draft {
        has_schema: true,
        query: root("queryType"),
        mutation: root("mutationType"),
        subscription: root("subscriptionType"),
        ..Draft::default()
    };
    for it in list(schema, "types") {
        draft.types.push(ty(it)?);
    }
    for it in list(schema, "directives") {
        let locations = list(it, "locations").iter().filter_map(Json::as_str).map(str::to_owned).collect();
        let is_repeatable = it.get("isRepeatable").and_then(Json::as_bool).unwrap_or_default();
        draft.directives.push(DraftDirective {
            name: name(it)?,
            arguments: inputs(it, "args")?,
            locations,
            is_repeatable,
        });
    }
    draft.finish()
}

fn list<'j>(of: &'j Json, name: &str) -> &'j [Json] {
    of.get(name).map(Json::elements).unwrap_or_default()
}

fn name(of: &Json) -> Result<String, SchemaFault> {
    let name = of.get("name").and_then(Json::as_str);
    name.map(str::to_owned).ok_or(SchemaFault::Introspection("something has no `name`"))
}

fn ty(it: &Json) -> Result<DraftType, SchemaFault> {
    let kind = match it.get("kind").and_then(Json::as_str) {
        Some("SCALAR") => Kind::Scalar,
        Some("OBJECT") => Kind::Object,
        Some("INTERFACE") => Kind::Interface,
        Some("UNION") => Kind::Union,
        Some("ENUM") => Kind::Enum,
        Some("INPUT_OBJECT") => Kind::Input,
        _ => return Err(SchemaFault::Introspection("a type has no `kind`")),
    };
    let mut ty = DraftType::new(name(it)?, kind);
    for field in list(it, "fields") {
        let reference = field.get("type").and_then(|ty| reference(ty, MOST_WRAPPED));
        ty.fields.push(DraftField {
            name: name(field)?,
            arguments: inputs(field, "args")?,
            ty: reference.ok_or(SchemaFault::Introspection("a field has no `type`"))?,
            weight: None,
            list_size: None,
        });
    }
    ty.inputs = inputs(it, "inputFields")?;
    ty.values = list(it, "enumValues").iter().map(name).collect::<Result<_, _>>()?;
    let members = if kind == Kind::Union { "possibleTypes" } else { "interfaces" };
    ty.members = list(it, members).iter().map(name).collect::<Result<_, _>>()?;
    ty.is_one_of = it.get("isOneOf").and_then(Json::as_bool).unwrap_or_default();
    Ok(ty)
}

fn inputs(of: &Json, key: &str) -> Result<Vec<DraftInput>, SchemaFault> {
    let input = |it: &Json| {
        let ty = it.get("type").and_then(|ty| reference(ty, MOST_WRAPPED));
        let has_default = it.get("defaultValue").and_then(Json::as_str).is_some();
        Ok(DraftInput {
            name: name(it)?,
            ty: ty.ok_or(SchemaFault::Introspection("an argument has no `type`"))?,
            has_default,
        })
    };
    list(of, key).iter().map(input).collect()
}

fn reference(ty: &Json, left: usize) -> Option<Type<String>> {
    let inner = || Some(Box::new(reference(ty.get("ofType")?, left.checked_sub(1)?)?));
    match ty.get("kind")?.as_str()? {
        "LIST" => Some(Type::List(inner()?)),
        "NON_NULL" => Some(Type::NonNull(inner()?)),
        _ => Some(Type::Named(ty.get("name")?.as_str()?.to_owned())),
    }
}
