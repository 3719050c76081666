use std::path::{Path, PathBuf};

use crate::config::{json_schema, reference};

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name)
}

/// Holds a generated page against the one that is kept; with `UPDATE_REFERENCE` set, writes it instead.
fn is_current(name: &str, generated: &str) {
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::create_dir_all(page("")).unwrap();
        std::fs::write(page(name), generated).unwrap();
    }
    let kept = std::fs::read_to_string(page(name)).unwrap_or_default();
    assert!(kept == generated, "docs/reference/{name} is stale: UPDATE_REFERENCE=1 cargo test -p bartizan reference");
}

#[test]
fn the_reference_for_people_is_current() {
    is_current("configuration.md", &reference());
}

#[test]
fn the_reference_for_editors_is_current() {
    is_current("bartizan.schema.json", &format!("{:#}\n", json_schema()));
}

#[test]
fn every_key_is_explained() {
    let schema = json_schema();
    let definitions = schema["$defs"].as_object().unwrap();
    for (name, definition) in definitions {
        for (key, member) in definition["properties"].as_object().into_iter().flatten() {
            assert!(member.get("description").is_some(), "`{key}` of {name} has no description");
        }
    }
}
