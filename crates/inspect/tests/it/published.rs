//! Documents that others publish: they load, messages made after them pass, and messages with one thing broken do not.
//! `BARTIZAN_OPENAPI` names a folder with documents, YAML or JSON.

use std::path::PathBuf;

use bartizan_inspect::openapi::{Api, BodyContract, Operation, load};
use bartizan_inspect::schema::Library;
use serde_json::{Map, Value, json};

/// A document of our own, with every keyword that is broken below.
const OWN: &str = r##"{
  "openapi": "3.1.0", "info": {"title": "own", "version": "1"},
  "paths": {"/a": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}, "responses": {}}}},
  "components": {"schemas": {
    "Base": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "format": "uuid"}, "note": {"type": "string", "minLength": 2, "maxLength": 8}}},
    "Order": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"type": "object", "required": ["items", "kind"], "properties": {
      "kind": {"type": "string", "enum": ["a", "b"]},
      "open": {"type": "boolean"},
      "price": {"type": "number", "exclusiveMinimum": 0, "maximum": 1000, "multipleOf": 0.5},
      "items": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"$ref": "#/components/schemas/Item"}},
      "parent": {"$ref": "#/components/schemas/Order"},
      "labels": {"type": "object", "maxProperties": 2, "additionalProperties": {"type": "string", "maxLength": 3}},
      "at": {"type": "string", "format": "date-time"}}}]},
    "Item": {"type": "object", "required": ["count"], "properties": {"count": {"type": "integer", "minimum": 1, "maximum": 9}, "size": {"type": ["integer", "null"]}, "code": {"const": "x"}}}}}
}"##;

#[derive(Debug, Default)]
struct Tally {
    operations: usize,
    passed: usize,
    refused: usize,
    wrong: Vec<String>,
}

#[test]
#[expect(clippy::print_stderr, reason = "documents that are absent are said, and so are the figures of those that ran")]
fn messages_made_after_a_document_pass_and_those_with_one_thing_broken_are_refused() {
    let own = held("own.json", OWN.as_bytes());
    assert!(own.wrong.is_empty(), "{:#?}", own.wrong);
    assert!(own.passed >= 2 && own.refused > 60, "{own:?}");
    let Some(folder) = std::env::var_os("BARTIZAN_OPENAPI").map(PathBuf::from) else {
        eprintln!("skipped: BARTIZAN_OPENAPI does not name published documents");
        return;
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut in_all = Tally::default();
    let is_document = |file: &&PathBuf| file.extension().is_some_and(|it| it == "json" || it == "yaml");
    for file in files.iter().filter(is_document) {
        let name = file.file_name().unwrap().to_string_lossy();
        let tally = held(&name, &std::fs::read(file).unwrap());
        eprintln!(
            "{name}: {} operations; {} made messages pass, {} broken ones are refused, {} judged otherwise",
            tally.operations,
            tally.passed,
            tally.refused,
            tally.wrong.len()
        );
        assert!(tally.wrong.is_empty(), "{name}: {:#?}", tally.wrong.iter().take(20).collect::<Vec<_>>());
        in_all.operations += tally.operations;
        in_all.passed += tally.passed;
        in_all.refused += tally.refused;
    }
    eprintln!("in all: {} operations, {} pass, {} are refused", in_all.operations, in_all.passed, in_all.refused);
    assert!(in_all.refused > 0, "no document of the folder has a body that could be broken");
}

fn held(name: &str, bytes: &[u8]) -> Tally {
    let mut read = |file: &str| if file == name { Ok(bytes.to_vec()) } else { Err("not there".to_owned()) };
    let library = Library::open(name, &mut read).unwrap();
    let document: Value = serde_json::from_str(&library.root(0).unwrap().to_string()).unwrap();
    let api = load(name, &mut read).unwrap();
    assert!(api.faults.is_empty(), "{name}: {:#?}", api.faults);
    let mut tally = Tally { operations: api.operations.len(), ..Tally::default() };
    let maker = Maker { document: &document };
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["post", "put", "patch"] {
            let content =
                maker.followed(&maker.followed(&item[method])["requestBody"])["content"]["application/json"].clone();
            let Some(operation) = operation(&api, method, path).filter(|_| content["schema"].is_object()) else {
                continue;
            };
            for full in [false, true] {
                let Some(message) = maker.make(&content["schema"], full, 0) else { continue };
                let place = format!("{method} {path}");
                tally.judge(operation, &message, true, &place);
                for (rule, broken) in maker.broken(&content["schema"], &message, 0) {
                    tally.judge(operation, &broken, false, &format!("{place}: {rule}"));
                }
            }
        }
    }
    tally
}

fn operation<'a>(api: &'a Api, method: &str, path: &str) -> Option<&'a Operation> {
    let found = api.operations.iter().find(|it| it.method.eq_ignore_ascii_case(method) && it.path.ends_with(path));
    found.map(|it| &**it)
}

impl Tally {
    fn judge(&mut self, operation: &Operation, message: &Value, passes: bool, place: &str) {
        let BodyContract::Judge(media) = operation.body_contract(Some("application/json"), true) else { return };
        let verdict = operation.judge_body(media, "application/json", message.to_string().as_bytes());
        let is_sound = verdict.faults.is_empty() && verdict.undeclared.is_empty();
        match (passes, is_sound) {
            (true, true) => self.passed += 1,
            (false, false) => self.refused += 1,
            _ => self.wrong.push(format!("{place}: {:?} {:?}", verdict.faults.first(), verdict.undeclared.first())),
        }
    }
}

/// Makes messages after schemas. Where several schemas compete (`oneOf`, `anyOf`, `not`, `if`), what is broken for one may be right for
/// another: such places are left out, and operations that need them are.
struct Maker<'d> {
    document: &'d Value,
}

const DEEPEST: usize = 6;
const COMPETING: [&str; 6] = ["oneOf", "anyOf", "not", "if", "discriminator", "pattern"];

impl<'d> Maker<'d> {
    fn followed<'v>(&self, value: &'v Value) -> &'v Value
    where
        'd: 'v,
    {
        let mut value = value;
        for _ in 0..16 {
            match value["$ref"].as_str().and_then(|it| self.document.pointer(it.strip_prefix('#')?)) {
                Some(found) => value = found,
                None => break,
            }
        }
        value
    }

    /// All schemas that apply, as one; nothing if there is a choice.
    fn joined(&self, schema: &Value, depth: usize) -> Option<Map<String, Value>> {
        let schema = self.followed(schema).as_object()?;
        if depth > 12 || COMPETING.iter().any(|keyword| schema.contains_key(*keyword)) {
            return None;
        }
        let mut joined = Map::new();
        // What is closed beside others refuses their members (`JSON Schema Core §10.3.2.3`): nothing could be made after both.
        let parts = schema.get("allOf").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let is_closed = |part: &Value| self.followed(part).get("additionalProperties") == Some(&Value::Bool(false));
        if (parts.len() > 1 || schema.contains_key("properties")) && parts.iter().any(is_closed) {
            return None;
        }
        if !parts.is_empty() && schema.get("additionalProperties") == Some(&Value::Bool(false)) {
            return None;
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            for (keyword, value) in self.joined(part, depth + 1)? {
                join(&mut joined, keyword, value)?;
            }
        }
        for (keyword, value) in schema.iter().filter(|(keyword, _)| *keyword != "allOf") {
            join(&mut joined, keyword.clone(), value.clone())?;
        }
        Some(joined)
    }

    fn is_read_only(&self, stated: &Value) -> bool {
        let schema = self.followed(stated);
        let parts = schema["allOf"].as_array().into_iter().flatten();
        // Since OpenAPI 3.1 it may stand beside a reference.
        stated["readOnly"] == true
            || schema["readOnly"] == true
            || parts.into_iter().any(|part| self.is_read_only(part))
    }

    fn make(&self, schema: &Value, full: bool, depth: usize) -> Option<Value> {
        let schema = self.joined(schema, 0)?;
        if depth > DEEPEST {
            return None;
        }
        if let Some(value) = schema.get("const") {
            return Some(value.clone());
        }
        if let Some(values) = schema.get("enum") {
            return values.get(0).cloned();
        }
        match kind(&schema)? {
            "object" => self.object(&schema, full, depth),
            "array" => {
                let least = count(&schema, "minItems").unwrap_or(0);
                if schema.get("uniqueItems") == Some(&Value::Bool(true)) && least > 1 {
                    return None;
                }
                let most = count(&schema, "maxItems").unwrap_or(u64::MAX);
                let element = schema.get("items").and_then(|items| self.make(items, full, depth + 1));
                match element {
                    Some(element) => {
                        Some(Value::Array(vec![element; usize::try_from(least.max(u64::from(full)).min(most)).ok()?]))
                    }
                    None => (least == 0).then(|| json!([])),
                }
            }
            "string" => string(&schema),
            "integer" | "number" => number(&schema),
            "boolean" => Some(json!(true)),
            "null" => Some(Value::Null),
            _ => None,
        }
    }

    fn object(&self, schema: &Map<String, Value>, full: bool, depth: usize) -> Option<Value> {
        let empty = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let mut object = Map::new();
        for (name, property) in properties {
            let is_required = required.contains(&name.as_str());
            if self.is_read_only(property) || !(is_required || full && depth < 3) {
                continue;
            }
            match self.make(property, full, depth + 1) {
                Some(value) => drop(object.insert(name.clone(), value)),
                None if is_required => return None,
                None => {}
            }
        }
        let is_complete = required
            .iter()
            .all(|name| object.contains_key(*name) || self.is_read_only(properties.get(*name).unwrap_or(&Value::Null)));
        let fits = object.len() as u64 >= count(schema, "minProperties").unwrap_or(0)
            && object.len() as u64 <= count(schema, "maxProperties").unwrap_or(u64::MAX);
        (is_complete && fits).then_some(Value::Object(object))
    }

    /// The message with one thing broken, in every way, each with the keyword that it breaks.
    fn broken(&self, schema: &Value, message: &Value, depth: usize) -> Vec<(String, Value)> {
        let Some(schema) = self.joined(schema, 0).filter(|_| depth < 5) else { return Vec::new() };
        let mut broken: Vec<(String, Value)> = Vec::new();
        let mut add = |rule: &str, value: Value| broken.push((rule.to_owned(), value));
        if schema.contains_key("enum") || schema.contains_key("const") {
            add("enum", json!("none of the values that are listed"));
            return broken;
        }
        let Some(_) = kind(&schema) else { return broken };
        let other = if message.is_object() { json!([]) } else { json!({}) };
        add("type", other);
        match message {
            Value::String(_) => {
                for (keyword, by) in [("maxLength", 1), ("minLength", -1)] {
                    let length = schema.get(keyword).and_then(Value::as_i64).map(|it| it + by);
                    if let Some(length) = length.and_then(|it| usize::try_from(it).ok()).filter(|it| *it < 1 << 20) {
                        add(keyword, json!("x".repeat(length)));
                    }
                }
                if matches!(
                    schema.get("format").and_then(Value::as_str),
                    Some("date-time" | "date" | "uuid" | "email" | "ipv4" | "ipv6" | "uri")
                ) {
                    add("format", json!("not: of the (format)"));
                }
            }
            Value::Number(_) => {
                for (keyword, by) in
                    [("maximum", 1.0), ("minimum", -1.0), ("exclusiveMinimum", 0.0), ("exclusiveMaximum", 0.0)]
                {
                    if let Some(bound) = schema.get(keyword).and_then(Value::as_f64).filter(|it| it.abs() < 1e15) {
                        add(keyword, json!(bound + by));
                    }
                }
                if kind(&schema) == Some("integer") {
                    add("type", json!(1.5));
                }
            }
            Value::Array(elements) => {
                if let (Some(most), Some(element)) =
                    (count(&schema, "maxItems").filter(|it| *it < 10_000), elements.first())
                {
                    add("maxItems", Value::Array(vec![element.clone(); usize::try_from(most).unwrap() + 1]));
                }
                if count(&schema, "minItems").is_some_and(|least| least > 0) {
                    add("minItems", json!([]));
                }
                if let (Some(element), Some(items)) = (elements.first(), schema.get("items")) {
                    for (rule, value) in self.broken(items, element, depth + 1) {
                        add(
                            &format!("0/{rule}"),
                            Value::Array(std::iter::once(value).chain(elements.iter().skip(1).cloned()).collect()),
                        );
                    }
                }
            }
            Value::Object(members) => self.broken_object(&schema, members, depth, &mut add),
            _ => {}
        }
        broken
    }

    fn broken_object(
        &self,
        schema: &Map<String, Value>,
        members: &Map<String, Value>,
        depth: usize,
        add: &mut impl FnMut(&str, Value),
    ) {
        let with = |name: &str, value: Value| {
            let mut changed = members.clone();
            changed.insert(name.to_owned(), value);
            Value::Object(changed)
        };
        let is_open = schema.get("additionalProperties").is_some_and(|it| *it != false)
            || ["unevaluatedProperties", "patternProperties"].iter().any(|keyword| schema.contains_key(*keyword));
        if !is_open {
            add("undeclared", with("is_admin_of_everything", json!(true)));
            // The name that JavaScript's parsers make a prototype of.
            add("undeclared", with("__proto__", json!({})));
        }
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            let mut without = members.clone();
            if without.remove(name).is_some() {
                add(&format!("required {name}"), Value::Object(without));
            }
        }
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if let Some(member) = members.get(name) {
                for (rule, value) in self.broken(property, member, depth + 1) {
                    add(&format!("{name}/{rule}"), with(name, value));
                }
            } else if self.is_read_only(property) {
                add(&format!("{name}/readOnly"), with(name, self.make(property, false, 0).unwrap_or(json!(1))));
            }
        }
    }
}

/// Adds a keyword; nothing if both say something that cannot be joined here.
fn join(joined: &mut Map<String, Value>, keyword: String, value: Value) -> Option<()> {
    match (joined.get_mut(&keyword), value) {
        (None, value) => drop(joined.insert(keyword, value)),
        (Some(Value::Object(one)), Value::Object(other)) if keyword == "properties" => {
            for (name, schema) in other {
                match one.remove(&name) {
                    Some(earlier) => one.insert(name, json!({ "allOf": [earlier, schema] })),
                    None => one.insert(name, schema),
                };
            }
        }
        (Some(Value::Array(one)), Value::Array(other)) if keyword == "required" => one.extend(other),
        (Some(one), other) if *one == other => {}
        _ if ["title", "description", "example", "examples", "default", "externalDocs", "deprecated"]
            .contains(&keyword.as_str())
            || keyword.starts_with("x-") => {}
        _ => return None,
    }
    Some(())
}

fn count(schema: &Map<String, Value>, keyword: &str) -> Option<u64> {
    schema.get(keyword).and_then(Value::as_u64)
}

/// The type that is made; the first that is not `null` where there are several.
fn kind(schema: &Map<String, Value>) -> Option<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => Some(kind),
        Some(Value::Array(kinds)) => {
            match kinds.iter().filter_map(Value::as_str).filter(|it| *it != "null").collect::<Vec<_>>().as_slice() {
                [kind] => Some(kind),
                _ => None,
            }
        }
        _ => None,
    }
}

fn string(schema: &Map<String, Value>) -> Option<Value> {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-01-31T12:00:00Z".to_owned(),
        Some("date") => "2026-01-31".to_owned(),
        Some("time") => "12:00:00Z".to_owned(),
        Some("uuid") => "123e4567-e89b-12d3-a456-426614174000".to_owned(),
        Some("email") => "a@example.com".to_owned(),
        Some("uri" | "uri-reference" | "iri") => "https://example.com/a".to_owned(),
        Some("ipv4") => "192.0.2.1".to_owned(),
        Some("ipv6") => "2001:db8::1".to_owned(),
        Some("hostname") => "example.com".to_owned(),
        Some("byte") => "AAAA".to_owned(),
        Some("duration") => "PT1H".to_owned(),
        Some("password" | "binary" | "string") | None => {
            "a".repeat(usize::try_from(count(schema, "minLength").unwrap_or(1).max(1)).ok()?)
        }
        Some(_) => return None,
    };
    let length = text.len() as u64;
    let fits =
        length >= count(schema, "minLength").unwrap_or(0) && length <= count(schema, "maxLength").unwrap_or(u64::MAX);
    fits.then(|| json!(text))
}

fn number(schema: &Map<String, Value>) -> Option<Value> {
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    let is_exclusive = |keyword: &str| schema.get(keyword) == Some(&Value::Bool(true));
    let least = bound("minimum").map(|it| if is_exclusive("exclusiveMinimum") { it + 1.0 } else { it });
    let least = least.or(bound("exclusiveMinimum").map(|it| it + 1.0)).unwrap_or(1.0);
    let most = bound("maximum").unwrap_or(f64::MAX).min(bound("exclusiveMaximum").map_or(f64::MAX, |it| it - 1.0));
    let step = bound("multipleOf").unwrap_or(1.0);
    let value = (least.min(most) / step).ceil() * step;
    #[expect(clippy::cast_possible_truncation, reason = "small enough")]
    let value = if kind(schema) == Some("integer") || value.fract() == 0.0 && value.abs() < 1e15 {
        json!(value as i64)
    } else {
        json!(value)
    };
    (value.as_f64()? <= most).then_some(value)
}
