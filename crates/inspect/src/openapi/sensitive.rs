//! Which fields of an operation carry personal, payment and health data.

use std::collections::BTreeSet;

use super::operation::Operation;
use super::parameter::In;
use crate::json::push_token;
use crate::schema::SchemaId;
use crate::schema::keywords::Types;
use crate::sensitive::{SensitiveField, classify};

/// Schemas that are looked at for one operation, each as often as it is led to.
const MOST_STEPS: usize = 20_000;
/// Members within each other: a tree of comments has no end.
const MOST_DEPTH: usize = 12;

impl Operation {
    /// The fields of its parameters, body and answers that carry such data, each once, in the order of their places.
    pub fn sensitive_fields(&self) -> Vec<SensitiveField> {
        let mut finder = Finder { operation: self, found: BTreeSet::new(), steps: MOST_STEPS };
        for parameter in &self.parameters {
            let place = match parameter.place {
                In::Path => "path",
                In::Query => "query",
                In::Header => "header",
                In::Cookie => "cookie",
            };
            let mut pointer = String::new();
            push_token(&mut pointer, &parameter.name);
            finder.member(place, &parameter.name, parameter.schema, &pointer, 0);
        }
        for schema in self.body.iter().flat_map(|body| &body.media).filter_map(|media| media.schema) {
            finder.schema("body", "", schema, "", 0);
        }
        for (status, schema) in self.answers.schemas() {
            let place = status.map_or_else(
                || "answer".to_owned(),
                |status| match status {
                    1..=5 => format!("answer {status}XX"),
                    status => format!("answer {status}"),
                },
            );
            finder.schema(&place, "", schema, "", 0);
        }
        finder.found.into_iter().collect()
    }
}

struct Finder<'o> {
    operation: &'o Operation,
    found: BTreeSet<SensitiveField>,
    steps: usize,
}

impl Finder<'_> {
    fn member(&mut self, place: &str, name: &str, schema: Option<SchemaId>, pointer: &str, depth: usize) {
        match schema {
            Some(schema) => self.schema(place, name, schema, pointer, depth),
            None => self.tell(place, classify(name, None, None, false), pointer),
        }
    }

    fn tell(&mut self, place: &str, found: Option<(crate::sensitive::Category, &'static str)>, pointer: &str) {
        if let Some((category, kind)) = found {
            self.found.insert(SensitiveField { place: format!("{place} {pointer}"), category, kind });
        }
    }

    /// A schema under a name, and everything within it.
    fn schema(&mut self, place: &str, name: &str, id: SchemaId, pointer: &str, depth: usize) {
        let Some(left) = self.steps.checked_sub(1) else { return };
        self.steps = left;
        let Some(schema) = self.operation.schemas.node(id).filter(|_| depth < MOST_DEPTH) else { return };
        // What the document itself says of a field also holds where it refers to another schema.
        let inherited = if schema.data.is_some() { "" } else { name };
        let is_truth = schema.types.is_only(Types::BOOLEAN);
        self.tell(
            place,
            classify(name, schema.data, schema.format.map(crate::schema::Format::name), is_truth),
            pointer,
        );
        if let Some(object) = &schema.object {
            for (name, inner) in object.properties() {
                let mut pointer = pointer.to_owned();
                push_token(&mut pointer, name);
                self.schema(place, name, inner, &pointer, depth + 1);
            }
        }
        if let Some(array) = &schema.array {
            for inner in array.elements() {
                self.schema(place, name, inner, &format!("{pointer}/*"), depth + 1);
            }
        }
        let combined = schema.combine.iter().flat_map(|it| [&it.all_of, &it.any_of, &it.one_of]).flatten().copied();
        for inner in schema.reference().into_iter().chain(combined) {
            self.schema(place, inherited, inner, pointer, depth + 1);
        }
    }
}
