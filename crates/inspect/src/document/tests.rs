use std::fmt::Write as _;

use super::*;
use crate::json::Content;

fn fault(text: &str) -> String {
    parse(text.as_bytes()).err().map(|fault| fault.message).unwrap_or_default()
}

#[test]
fn yaml_and_json_are_one_tree_that_knows_its_places() {
    let yaml = "openapi: 3.1.0\npaths:\n  /ä: { get: {responses: {200: {description: 'ok'}}} }\n";
    let root = parse(yaml.as_bytes()).unwrap();
    assert_eq!(root.get("openapi").and_then(Json::as_str), Some("3.1.0"));
    let description = root.pointer("/paths/~1ä/get/responses/200/description").unwrap();
    assert!(yaml.as_bytes()[description.start as usize..].starts_with(b"'ok'"));
    let json = parse(br#"{"openapi": "3.1.0"}"#).unwrap();
    assert_eq!(json.get("openapi").and_then(Json::as_str), Some("3.1.0"));
}

#[test]
fn plain_scalars_mean_what_yaml_1_2_says() {
    let root = parse(b"[yes, 1, 1.50, 0x1F, 0o17, ~, True, 2026-01-01, '1', .inf, -3, +4, 1e3, 18446744073709551616]")
        .unwrap();
    let numbers: Vec<Option<f64>> =
        root.elements().iter().map(|it| it.as_number().map(crate::json::Number::as_f64)).collect();
    assert_eq!(
        numbers,
        [
            None,
            Some(1.0),
            Some(1.5),
            Some(31.0),
            Some(15.0),
            None,
            None,
            None,
            None,
            None,
            Some(-3.0),
            Some(4.0),
            Some(1000.0),
            Some(18_446_744_073_709_551_616.0)
        ]
    );
    assert!(
        matches!(root.elements()[5].content, Content::Null)
            && matches!(root.elements()[6].content, Content::Bool(true))
    );
}

#[test]
fn a_document_that_multiplies_itself_is_refused() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for level in 1..12 {
        let before = level - 1;
        let aliases = vec![format!("*a{before}"); 10].join(",");
        writeln!(bomb, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    assert_eq!(fault(&bomb), "too many values; aliases count as what they stand for");
    assert_eq!(fault(&format!("a: {}", "[".repeat(200))), "nested too deeply");
}

#[test]
fn what_can_be_read_in_two_ways_is_a_fault() {
    assert_eq!(fault("a: 1\na: 2\n"), "`a` stands twice in one mapping");
    assert_eq!(
        fault("a: &x {b: 1}\nc: {<<: *x}\n"),
        "merge keys are not part of YAML 1.2: write the members out, or use `allOf`"
    );
    assert_eq!(fault("a: 1\n---\nb: 2\n"), "a second document in one file");
    assert_eq!(fault(""), "the file is empty");
}
