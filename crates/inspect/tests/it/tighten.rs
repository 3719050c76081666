//! A document that is wrong, held against what traffic was: each error is found at its place, and the changes that are proposed mend it.

use std::collections::BTreeMap;

use bartizan_inspect::json::{Limits, read};
use bartizan_inspect::learn::{LearnedAnswer, LearnedRequest, Learning, OfOperation};
use bartizan_inspect::openapi::{
    Action, AnswerContract, BodyContract, Head, Located, Media, Operation, Part, Proposal, Removed, load, tighten,
};
use bartizan_inspect::schema::Fault;
use serde_json::{Value, json};

const DOCUMENT: &str = r"openapi: 3.0.3
info: {title: People, version: '1'}
paths:
  /people/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer}}
    put:
      parameters:
        - {name: notify, in: query, required: true, schema: {type: boolean}}
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Person'}
      responses:
        '200':
          description: changed
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Person'}
components:
  schemas:
    Person:
      type: object
      required: [name, email, phone]
      properties:
        name: {type: string, maxLength: 4}
        age: {type: integer, maximum: 9}
        email: {type: string, format: email}
        phone: {type: integer}
        note: {type: string}
        plan: {type: string, enum: [free]}
        tags:
          type: array
          maxItems: 1
          items: {type: string, maxLength: 8}
";

/// What the backend's clients send, though the document says otherwise.
const SENT: &str =
    r#"{"name":"ann lee","age":41,"email":"ann","plan":"pro","tags":["a","b","c"],"nick":"annie","note":"hi"}"#;
const ANSWERED: &str = r#"{"name":"ann lee","email":"ann","phone":"+1 555","created":"2026-01-31T12:00:00Z"}"#;

fn operation(document: &str) -> std::sync::Arc<Operation> {
    let api = load("openapi.yaml", &mut |_| Ok(document.into())).unwrap();
    assert!(api.faults.is_empty(), "{:?}", api.faults);
    api.operations[0].clone()
}

fn media(operation: &Operation) -> &Media {
    match operation.body_contract(Some("application/json"), true) {
        BodyContract::Judge(media) => Some(media),
        _ => None,
    }
    .unwrap()
}

fn faults_of_request(operation: &Operation, query: &str, body: &str) -> Vec<Located> {
    let path = [("id".into(), "123e4567-e89b-12d3-a456-426614174000".to_owned())];
    let head = operation.judge_head(&Head { path: &path, query, field: &|_| None, cookies: "" });
    let media = media(operation);
    let judged = operation.judge_body(media, "application/json", body.as_bytes());
    let at = |part, fault| Located { part, fault };
    let query = head.undeclared_query.iter().map(|name| {
        let fault = Fault { pointer: format!("/{name}"), rule: "undeclared", message: String::new() };
        at(Part::Query, fault)
    });
    let undeclared = judged.undeclared.iter().map(|it| at(Part::Body, it.fault()));
    let body = judged.faults.into_iter().map(|fault| at(Part::Body, fault));
    head.faults.into_iter().chain(query).chain(undeclared).chain(body).collect()
}

fn faults_of_answer(operation: &Operation, body: &str) -> Vec<Fault> {
    let schema = match operation.answer_contract(200, Some("application/json")) {
        AnswerContract::Filter(schema) => Some(schema),
        _ => None,
    };
    let filtered = operation.filter_answer(schema.unwrap(), body.as_bytes(), Removed::Undeclared).unwrap();
    let found = filtered.found.into_iter().map(|pointer| Fault { pointer, rule: "undeclared", message: String::new() });
    filtered.faults.into_iter().chain(found).collect()
}

/// What is learned of `times` such exchanges.
fn learned(document: &str, times: u64) -> BTreeMap<String, OfOperation> {
    let (operation, learning) = (operation(document), Learning::default());
    let (sent, answered) = (json_of(SENT), json_of(ANSWERED));
    let path = [("id".to_owned(), "123e4567-e89b-12d3-a456-426614174000".to_owned())];
    for now in 0..times {
        let faults = faults_of_request(&operation, "debug=1", SENT);
        let request = LearnedRequest {
            path: &path,
            query: "debug=1",
            content_type: Some("application/json"),
            body: Some(&sent),
            faults: &faults,
        };
        learning.request("people", &operation.to_string(), &request, now);
        let faults = faults_of_answer(&operation, ANSWERED);
        let answer = LearnedAnswer { status: 200, content_type: None, body: Some(&answered), faults: &faults };
        learning.answer("people", &operation.to_string(), &answer, now);
        let other = [Fault { pointer: String::new(), rule: "answer-status-undeclared", message: String::new() }];
        let answer = LearnedAnswer { status: 404, content_type: None, body: None, faults: &other };
        learning.answer("people", &operation.to_string(), &answer, now);
    }
    learning.changed().unwrap().apis.remove("people").unwrap()
}

fn json_of(text: &str) -> bartizan_inspect::json::Json {
    read(text.as_bytes(), Limits::default()).unwrap()
}

fn proposals(document: &str, times: u64) -> Vec<Proposal> {
    tighten("openapi.yaml", &mut |_| Ok(document.into()), &learned(document, times)).unwrap()
}

/// Applies an Overlay's actions, whose targets are names in brackets.
fn applied(document: &str, proposals: &[Proposal]) -> Value {
    let mut document: Value = as_value(&load_tree(document));
    for Action { target, update } in proposals.iter().flat_map(|it| &it.actions) {
        let steps = target.strip_prefix("$[").unwrap().strip_suffix(']').unwrap().split("][");
        let mut names: Vec<String> = steps.map(|step| step.trim_matches('\'').to_owned()).collect();
        if let Some(update) = update {
            merge(document.pointer_mut(&pointer(&names)).unwrap(), update);
        } else {
            let last = names.pop().unwrap();
            document.pointer_mut(&pointer(&names)).unwrap().as_object_mut().unwrap().remove(&last);
        }
    }
    document
}

fn pointer(names: &[String]) -> String {
    let escaped = names.iter().map(|name| name.replace('~', "~0").replace('/', "~1"));
    escaped.fold(String::new(), |pointer, name| pointer + "/" + &name)
}

fn merge(at: &mut Value, update: &Value) {
    match (at, update) {
        (Value::Object(at), Value::Object(update)) => {
            for (name, value) in update {
                merge(at.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(at), Value::Array(more)) => at.extend(more.iter().cloned()),
        (Value::Array(at), one) => at.push(one.clone()),
        (at, update) => *at = update.clone(),
    }
}

/// The document as JSON, by way of the schemas' own reader.
fn load_tree(document: &str) -> bartizan_inspect::schema::Library {
    bartizan_inspect::schema::Library::open("openapi.yaml", &mut |_| Ok(document.into())).unwrap()
}

fn as_value(library: &bartizan_inspect::schema::Library) -> Value {
    serde_json::from_str(&library.root(0).unwrap().to_string()).unwrap()
}

#[test]
fn each_error_of_a_document_is_told_once_with_its_place_and_its_count() {
    let proposals = proposals(DOCUMENT, 3);
    let told: Vec<String> = proposals.iter().map(|it| format!("{} {}", it.place, it.reason)).collect();
    let expected = [
        "openapi.yaml:6:54 `type` broken 3 times at path /id",
        "openapi.yaml:9:11 `required` broken 3 times at query /notify",
        "openapi.yaml:8:7 `undeclared` broken 3 times at query /debug",
        "openapi.yaml:24:7 `undeclared` broken 3 times at body /nick",
        "openapi.yaml:24:7 `required` broken 3 times at body /phone",
        "openapi.yaml:27:15 `maxLength` broken 3 times at body /name",
        "openapi.yaml:28:14 `maximum` broken 3 times at body /age",
        "openapi.yaml:29:16 `format` broken 3 times at body /email",
        "openapi.yaml:32:15 `enum` broken 3 times at body /plan",
        "openapi.yaml:34:11 `maxItems` broken 3 times at body /tags",
        "openapi.yaml:30:16 `type` broken 3 times at answer 200 /phone",
        "openapi.yaml:24:7 `undeclared` broken 3 times at answer 200 /created",
        "openapi.yaml:8:7 `answer-status-undeclared` broken 3 times at answer 404",
    ];
    for expected in expected {
        assert!(told.iter().any(|it| it.starts_with(expected)), "{expected}\n{told:#?}");
    }
    assert!(told.iter().any(|it| it.contains("string of 7 characters")), "{told:#?}");
    assert!(!told.iter().any(|it| it.contains("ann lee") || it.contains("annie")), "{told:#?}");
}

#[test]
fn the_changes_that_are_proposed_mend_what_can_be_mended_without_values() {
    let proposals = proposals(DOCUMENT, 3);
    let mended = applied(DOCUMENT, &proposals).to_string();
    let operation = operation(&mended);
    let left: Vec<String> = faults_of_request(&operation, "debug=1", SENT)
        .iter()
        .map(|it| format!("{} {} {}", it.part.as_str(), it.fault.pointer, it.fault.rule))
        .collect();
    assert_eq!(left, ["body /plan enum"]);
    assert_eq!(faults_of_answer(&operation, ANSWERED), []);
    // And no further than what was seen.
    let attack = r#"{"name":"ann lee","email":"ann","role":"admin","nick":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}"#;
    let refused: Vec<&str> =
        faults_of_request(&operation, "debug=1&x=1", attack).iter().map(|it| it.fault.rule).collect();
    assert_eq!(refused, ["undeclared", "undeclared", "maxLength"]);
}

#[test]
fn a_bound_is_proposed_where_enough_was_seen_and_not_before() {
    let bounds = |times| {
        let proposals = proposals(DOCUMENT, times).into_iter();
        proposals.filter(|it| it.reason.contains("times seen")).collect::<Vec<_>>()
    };
    assert_eq!(bounds(3), []);
    let bounds = bounds(30);
    let of = |line: &str| bounds.iter().find(|it| it.place.starts_with(line)).unwrap();
    let note = of("openapi.yaml:31:");
    assert_eq!(note.actions[0].update, Some(json!({ "maxLength": 2 })));
    assert_eq!(note.actions[0].target, "$['components']['schemas']['Person']['properties']['note']");
}

#[test]
fn a_document_that_was_inferred_declares_what_was_seen_and_nothing_else() {
    let learning = Learning::default();
    let (sent, answered) = (json_of(r#"{"name":"ann","tags":["a"]}"#), json_of(r#"{"id":7}"#));
    for (path, query) in [("/v1/users/41", "page=1"), ("/v1/users/42", "page=2&all=true")] {
        let (operation, path) = learning.operation("legacy", "PUT", path);
        let request = LearnedRequest { path: &path, query, content_type: None, body: Some(&sent), faults: &[] };
        learning.request("legacy", &operation, &request, 0);
        let answer = LearnedAnswer { status: 200, content_type: None, body: Some(&answered), faults: &[] };
        learning.answer("legacy", &operation, &answer, 0);
    }
    let learned = learning.changed().unwrap().apis.remove("legacy").unwrap();
    let document = bartizan_inspect::openapi::infer("legacy", &learned).to_string();
    let operation = operation(&document);
    assert_eq!((operation.path.as_str(), operation.method.as_str()), ("/v1/users/{id3}", "PUT"));
    let rules = |id: &str, query: &str, body: &str| -> Vec<&str> {
        let path = [("id3".into(), id.to_owned())];
        let head = operation.judge_head(&Head { path: &path, query, field: &|_| None, cookies: "" });
        let media = media(&operation);
        let body = operation.judge_body(media, "application/json", body.as_bytes());
        let undeclared = head.undeclared_query.iter().map(|_| "undeclared");
        let body = body.faults.iter().map(|it| it.rule).chain(body.undeclared.iter().map(|it| it.fault().rule));
        head.faults.iter().map(|it| it.fault.rule).chain(undeclared).chain(body).collect()
    };
    assert_eq!(rules("43", "page=3", r#"{"name":"bob","tags":["b"]}"#), Vec::<&str>::new());
    assert_eq!(rules("x", "page=3&debug=1", r#"{"name":"bob","tags":["b"]}"#), ["type", "undeclared"]);
    assert_eq!(
        rules("43", "", r#"{"name":7,"role":"admin"}"#),
        ["required", "type", "additionalProperties", "required"]
    );
}
