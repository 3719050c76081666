//! Says what a schema wants, in words and by example, for the remedy of a fault.

use serde_json::Value;

use super::schema::resolved;
use super::tree::Content;

/// The alternatives of a schema, or the schema itself.
pub(crate) fn branches<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolved(root, schema);
    match schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array) {
        Some(branches) => branches.iter().flat_map(|branch| self::branches(root, branch)).collect(),
        None => vec![schema],
    }
}

/// The words that a schema allows, if it allows words.
pub(crate) fn words(root: &Value, schema: &Value) -> Vec<String> {
    let of_branch = |branch: &Value| match (branch.get("const"), branch.get("enum")) {
        (Some(Value::String(word)), _) => vec![word.clone()],
        (_, Some(Value::Array(words))) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    branches(root, schema).into_iter().flat_map(of_branch).collect()
}

/// Whether a schema without alternatives wants a value of this sort.
pub(crate) fn wants(schema: &Value, content: &Content) -> bool {
    let wanted = schema.get("type").and_then(Value::as_str);
    match content {
        Content::Text(_) => wanted == Some("string") || schema.get("const").is_some_and(Value::is_string),
        Content::Integer(_) => matches!(wanted, Some("integer" | "number")),
        Content::Float(_) => wanted == Some("number"),
        Content::Truth(_) => wanted == Some("boolean"),
        // TOML has a form of its own for times; here it stands for the same text.
        Content::Time(_) => matches!(form(schema), Some("time" | "expiry")),
        Content::List(_) => wanted == Some("array"),
        Content::Table(_) => wanted == Some("object"),
    }
}

/// The name of the written form that a schema wants.
pub(crate) fn form(schema: &Value) -> Option<&str> {
    schema.get(super::units::FORM).and_then(Value::as_str)
}

/// `"block"`, `"observe"` or `"off"`; a duration such as `"500ms"`; …
pub(crate) fn expectation(root: &Value, schema: &Value) -> String {
    let mut phrases: Vec<String> = words(root, schema).iter().map(|word| format!("`\"{word}\"`")).collect();
    let others = branches(root, schema).into_iter().filter(|branch| words(root, branch).is_empty());
    for phrase in others.map(|branch| phrase(root, branch)) {
        if !phrases.contains(&phrase) {
            phrases.push(phrase);
        }
    }
    either(&phrases)
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn either(phrases: &[String]) -> String {
    match phrases {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn phrase(root: &Value, schema: &Value) -> String {
    let keyword = |name| schema.get(name).and_then(Value::as_str);
    match (form(schema), keyword("type")) {
        (Some(form), _) => {
            let example = schema.pointer("/examples/0").and_then(Value::as_str).unwrap_or_default();
            format!("{} such as `\"{example}\"`", noun(form))
        }
        (None, Some("string")) => "a string".to_owned(),
        (None, Some("integer" | "number")) => "a whole number".to_owned(),
        (None, Some("boolean")) => "`true` or `false`".to_owned(),
        (None, Some("array")) => match schema.get("items") {
            Some(items) => format!("a list of {}", items_phrase(root, items)),
            None => "a list".to_owned(),
        },
        _ => table_phrase(schema),
    }
}

fn items_phrase(root: &Value, items: &Value) -> String {
    let words = words(root, items);
    let branches = branches(root, items);
    if !words.is_empty() {
        return expectation(root, items);
    }
    match branches.first().and_then(|branch| Some((form(branch)?, branch.pointer("/examples/0")?.as_str()?))) {
        Some((form, example)) => {
            let (_, plain) = noun(form).split_once(' ').unwrap_or_default();
            let plural = if plain.ends_with('s') { format!("{plain}es") } else { format!("{plain}s") };
            format!("{plural} such as `[\"{example}\"]`")
        }
        None if branches.first().is_some_and(|branch| branch.get("type").is_some_and(|it| it == "object")) => {
            let phrase = expectation(root, items);
            phrase.replacen("a table", "tables", 1)
        }
        None => "strings".to_owned(),
    }
}

/// A form's name, as a person would say it.
fn noun(form: &str) -> &'static str {
    match form {
        "duration" => "a duration",
        "size" => "a size",
        "rate" => "a rate",
        "time" => "a point in time",
        "expiry" => "`\"never\"` or a point in time",
        "hours" => "a daily window",
        "address" => "an address and port",
        "network" => "a network",
        "url" => "a URL",
        "endpoint" => "an endpoint",
        "upstream" => "a URL or the name of an upstream",
        "statuses" => "a range of statuses",
        "origin" => "an origin",
        "path" => "a path",
        "look-up" => "a look-up",
        "pointer" => "a JSON Pointer",
        "method" => "a method",
        "header" => "a header's name",
        "name" => "a name",
        _ => "a hash",
    }
}

fn table_phrase(schema: &Value) -> String {
    let names = |keyword: &str| -> Vec<String> {
        match schema.get(keyword) {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::Object(members)) => members.keys().cloned().collect(),
            _ => Vec::new(),
        }
    };
    let (required, all) = (names("required"), names("properties"));
    let shown = if required.is_empty() { &all } else { &required };
    match shown.as_slice() {
        [] => "a table".to_owned(),
        shown if shown.len() > 3 => "a table".to_owned(),
        shown => {
            let members: Vec<String> = shown.iter().map(|name| format!("{name} = …")).collect();
            format!("a table `{{ {} }}`", members.join(", "))
        }
    }
}
