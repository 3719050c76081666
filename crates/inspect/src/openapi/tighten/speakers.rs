use std::collections::HashSet;

use crate::schema::keywords::Schema;
use crate::schema::{SchemaId, Schemas};

/// Schemas that are looked at for one place.
const MOST: usize = 200;

/// Every schema that may speak of the value at a place below `root`, where `*` in `names` is any element or any other member.
pub(super) fn speakers<'s>(schemas: &'s Schemas, root: SchemaId, names: &[String]) -> Vec<&'s Schema> {
    names.iter().fold(beside(schemas, vec![root]), |here, name| {
        beside(schemas, here.iter().flat_map(|schema| inner(schema, name)).collect())
    })
}

/// These schemas and those that they lead to for the same value.
pub(super) fn beside(schemas: &Schemas, mut waiting: Vec<SchemaId>) -> Vec<&Schema> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    while let Some(id) = waiting.pop() {
        if found.len() >= MOST || !seen.insert(id) {
            continue;
        }
        let Some(schema) = schemas.node(id) else { continue };
        waiting.extend(schema.reference());
        let combined = schema.combine.iter().flat_map(|it| [&it.all_of, &it.any_of, &it.one_of].into_iter().flatten());
        waiting.extend(combined.copied());
        waiting.extend(schema.discriminator.iter().flat_map(|it| it.mapping.values().copied()));
        found.push(schema);
    }
    // In the order of the document, whatever the way to them.
    found.sort_by_key(|schema| schema.place);
    found
}

/// The schemas that a schema has for a member or an element.
pub(super) fn inner(schema: &Schema, name: &str) -> Vec<SchemaId> {
    let mut found = Vec::new();
    if let Some(object) = &schema.object {
        match object.named.get(name).and_then(|named| named.schema) {
            Some(named) => found.push(named),
            None => found.extend(object.additional),
        }
    }
    if let Some(array) = schema.array.as_ref().filter(|_| name == "*") {
        found.extend(array.prefix.iter().copied().chain(array.items));
    }
    found
}
