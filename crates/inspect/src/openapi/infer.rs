use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::tighten::Outline;
use crate::learn::{OfOperation, Seen};
use crate::schema::Dialect;

/// A document (OpenAPI 3.1) for an API that has none, after what was learned of it by operation (`GET /users/{id}`). It declares what was
/// seen and says nothing of who may call: an operation without `security` is an error until somebody says so.
pub fn infer(title: &str, learned: &BTreeMap<String, OfOperation>) -> Value {
    let outline = Outline { dialect: Dialect::Draft202012 };
    let mut paths: Map<String, Value> = Map::new();
    for (operation, of) in learned {
        let Some((method, path)) = operation.split_once(' ') else { continue };
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(method.to_ascii_lowercase(), outline.operation(path, of));
        }
    }
    json!({ "openapi": "3.1.0", "info": { "title": title, "version": "1" }, "paths": paths })
}

impl Outline {
    fn operation(self, path: &str, of: &OfOperation) -> Value {
        let mut operation = Map::new();
        operation.insert("description".to_owned(), json!(format!("Seen {} times.", of.requests)));
        let parameters: Vec<Value> = self.parameters(path, of).collect();
        if !parameters.is_empty() {
            operation.insert("parameters".to_owned(), json!(parameters));
        }
        if let Some(body) = of.parts.get("body") {
            let body = json!({ "required": body.count == of.requests, "content": self.content(body) });
            operation.insert("requestBody".to_owned(), body);
        }
        let answers = of.parts.iter().filter_map(|(part, seen)| Some((part.strip_prefix("answer ")?, seen)));
        let answer = |(status, seen): (&str, &Seen)| {
            let mut answer = json!({ "description": "observed" });
            if let Some(answer) = answer.as_object_mut().filter(|_| seen.count > 0) {
                answer.insert("content".to_owned(), self.content(seen));
            }
            (status.to_owned(), answer)
        };
        operation.insert("responses".to_owned(), Value::Object(answers.map(answer).collect()));
        Value::Object(operation)
    }

    fn parameters<'o>(self, path: &'o str, of: &'o OfOperation) -> impl Iterator<Item = Value> + 'o {
        let in_path = path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
        let in_path = in_path.map(move |name| {
            let seen = of.parts.get("path").and_then(|seen| seen.at(std::iter::once(name)));
            let schema = seen.map_or_else(|| json!({ "type": "string" }), |seen| self.parameter(seen));
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        });
        let query = of.parts.get("query").and_then(Seen::object).into_iter().flat_map(|object| &object.members);
        let in_query = query.filter(|(name, _)| *name != "*").map(move |(name, seen)| {
            let required = seen.count == of.requests;
            json!({ "name": name, "in": "query", "required": required, "schema": self.parameter(seen) })
        });
        in_path.chain(in_query)
    }

    fn content(self, seen: &Seen) -> Value {
        json!({ "application/json": { "schema": self.schema(seen) } })
    }
}
