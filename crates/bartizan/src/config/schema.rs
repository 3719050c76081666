use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};

use super::literal;

/// Where editors find the schema.
const ID: &str = "https://bartizan-security.github.io/bartizan/bartizan.schema.json";

/// The JSON Schema (draft 2020-12) of `bartizan.toml`, generated from the literal form. It is what editors complete from and
/// what the file is held against: the two cannot differ.
pub fn json_schema() -> Value {
    let generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
    let mut schema = generator.into_root_schema_for::<literal::File>();
    RecursiveTransform(without_null).transform(&mut schema);
    RecursiveTransform(one_line_descriptions).transform(&mut schema);
    let mut schema = schema.to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("$id".to_owned(), ID.into());
    }
    schema
}

/// TOML has no null: what may be absent is simply not required.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            object.insert("type".to_owned(), one);
        }
    }
    let is_null = |branch: &Value| branch.get("type").is_some_and(|name| name == "null");
    if let Some(Value::Array(branches)) = object.get_mut("anyOf") {
        branches.retain(|branch| !is_null(branch));
        if let [Value::Object(only)] = branches.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            adopt(object, only);
        }
    }
}

/// Takes over the keywords of the one remaining branch; what stands beside the branch is nearer to the key and wins.
fn adopt(object: &mut Map<String, Value>, branch: Map<String, Value>) {
    for (keyword, value) in branch {
        object.entry(keyword).or_insert(value);
    }
}

/// Doc comments are wrapped for readers of the code; a description is one paragraph per paragraph.
fn one_line_descriptions(schema: &mut Schema) {
    let Some(Value::String(description)) = schema.get_mut("description") else { return };
    *description =
        description.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
}

/// A schema with its `$ref` followed: what stands beside the reference is kept.
pub(crate) fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let mut schema = schema;
    // A chain of references is as long as the types are deep; the bound is there for a schema that refers to itself.
    for _ in 0..16 {
        let Some(target) = schema.get("$ref").and_then(Value::as_str) else { break };
        let Some(found) = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) else { break };
        schema = found;
    }
    schema
}
