use std::fmt::Write as _;

use serde_json::Value;

use super::expect::{branches, expectation, words};
use super::schema::{json_schema, resolved};

/// The reference of `bartizan.toml` as Markdown, written from the JSON Schema so that it cannot say anything else.
pub fn reference() -> String {
    let root = json_schema();
    let mut page = String::from(
        "# Configuration: `bartizan.toml`\n\n\
         <!-- Generated from the configuration's types. To write it anew: UPDATE_REFERENCE=1 cargo test -p bartizan reference -->\n\n",
    );
    page.push_str(text(&root, "description"));
    page.push_str(
        "\n\nDurations are written `\"10s\"`, sizes `\"1MiB\"`, rates `\"60/minute\"`. `bartizan check` reports every fault of a \
         file at once; `bartizan check --schema` prints the JSON Schema for editors.\n",
    );
    let sections = members(&root, &root);
    for (name, schema) in &sections {
        let (header, table) = match schema.get("items") {
            Some(items) => (format!("[[{name}]]"), items),
            None => (format!("[{name}]"), *schema),
        };
        section(&mut page, &root, &header, 2, schema, table);
    }
    page
}

/// A heading, the description, a table of keys, and the tables inside.
fn section(page: &mut String, root: &Value, title: &str, depth: usize, schema: &Value, table: &Value) {
    let table = resolved(root, table);
    let described = [schema, table].into_iter().map(|it| text(it, "description")).find(|it| !it.is_empty());
    let _infallible = write!(page, "\n{} `{title}`\n\n{}\n\n", "#".repeat(depth), described.unwrap_or_default());
    page.push_str("| key | value | default | meaning |\n|---|---|---|---|\n");
    let required: Vec<&str> = list(table, "required");
    let members = members(root, table);
    for (key, schema) in &members {
        let value = expectation(root, schema);
        let default = match schema.get("default") {
            Some(default) => format!("`{}`", toml_text(default)),
            None if required.contains(key) => "**required**".to_owned(),
            None => String::new(),
        };
        let cells = [format!("`{key}`"), value, default, meaning(root, schema)];
        let _infallible =
            writeln!(page, "| {} |", cells.map(|cell| cell.replace('|', "\\|").replace('\n', " ")).join(" | "));
    }
    for (key, schema) in &members {
        for inner in tables(root, schema) {
            section(page, root, &format!("{}.{key}", title.trim_matches(['[', ']'])), depth + 1, schema, inner);
        }
    }
}

/// What a key means, and what each of its words does.
fn meaning(root: &Value, schema: &Value) -> String {
    let described =
        [schema, resolved(root, schema)].into_iter().map(|it| text(it, "description")).find(|it| !it.is_empty());
    let mut meaning = described.unwrap_or_default().to_owned();
    let items = schema.get("items").unwrap_or(schema);
    for branch in branches(root, items) {
        let (Some(word), about) = (branch.get("const").and_then(Value::as_str), text(branch, "description")) else {
            continue;
        };
        if !about.is_empty() {
            let _infallible = write!(meaning, " `\"{word}\"`: {about}");
        }
    }
    meaning
}

/// The tables that a key may hold, each once, that have more keys than a word can say.
fn tables<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let holders = branches(root, schema);
    let direct = holders.iter().copied().filter(|branch| branch.get("properties").is_some());
    direct.filter(|branch| members(root, branch).len() > 1 && words(root, branch).is_empty()).collect()
}

fn members<'a>(root: &'a Value, table: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let properties = resolved(root, table).get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(key, schema)| (key.as_str(), schema)).collect()
}

fn text<'a>(schema: &'a Value, keyword: &str) -> &'a str {
    schema.get(keyword).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(schema: &'a Value, keyword: &str) -> Vec<&'a str> {
    schema.get(keyword).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A default as it would be written in the file.
fn toml_text(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(toml_text).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{key} = {}", toml_text(value))).collect();
            if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) }
        }
        other => other.to_string(),
    }
}
