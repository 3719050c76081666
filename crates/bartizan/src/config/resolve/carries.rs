//! Which operations and fields carry personal, payment and health data, as documents tell it.

use std::collections::BTreeMap;

use bartizan_inspect::graphql::Schema;
use bartizan_inspect::openapi::Operation;
use bartizan_inspect::protobuf::Descriptors;
use bartizan_inspect::sensitive::{Category, by_name};

/// For each category, what carries it: the operation, the place in it, and what it is taken for.
pub(crate) type Carries = BTreeMap<&'static str, Vec<String>>;

fn add(carries: &mut Carries, category: Category, text: String) {
    let texts = carries.entry(category.as_str()).or_default();
    if !texts.contains(&text) {
        texts.push(text);
    }
}

/// Of the operations of an OpenAPI document.
pub(super) fn of_operations<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> Carries {
    let mut carries = Carries::new();
    for operation in operations {
        for field in operation.sensitive_fields() {
            add(&mut carries, field.category, format!("{}: {} ({})", operation.name, field.place, field.kind));
        }
    }
    carries
}

/// Of the types of a GraphQL schema.
pub(super) fn of_schema(schema: &Schema) -> Carries {
    let mut carries = Carries::new();
    for (ty, field) in schema.fields() {
        if let Some((category, kind)) = by_name(field) {
            add(&mut carries, category, format!("{ty}.{field} ({kind})"));
        }
    }
    carries
}

/// Of the methods of gRPC services.
pub(super) fn of_methods(descriptors: &Descriptors) -> Carries {
    let mut carries = Carries::new();
    for method in descriptors.methods() {
        for (what, message) in [("takes", method.input), ("answers", method.output)] {
            for field in descriptors.fields_within(message) {
                if let Some((category, kind)) = by_name(field.field) {
                    let text =
                        format!("{}/{} {what} {}.{} ({kind})", method.service, method.name, field.message, field.field);
                    add(&mut carries, category, text);
                }
            }
        }
    }
    carries
}
