//! A document that is wrong in ten ways, before a backend that works: `mode = "observe"` refuses nothing and tells each of them, and
//! `check --tighten` says what to change, until `"block"` refuses only what it should.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bartizan_testkit::{Answer, Upstream};
use bytes::Bytes;
use http::Response;
use serde_json::Value;

use crate::node::Node;

/// Wrong: the notice is optional and there is `verbose` (query); names are longer, ages higher, phones are text, plans are more, e-mail
/// addresses are not checked, tags are more, and there is a nickname (request); answers say when, and a new one is 201.
const DOCUMENT: &str = r##"{
"openapi": "3.0.3", "info": {"title": "People", "version": "1"},
"paths": {"/people/{id}": {"put": {
  "operationId": "change", "x-bartizan-access": "public",
  "parameters": [
    {"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}},
    {"name": "notify", "in": "query", "required": true, "schema": {"type": "boolean"}}],
  "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Person"}}}},
  "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Person"}}}}}}}},
"components": {"schemas": {"Person": {"type": "object", "required": ["name"], "properties": {
  "name": {"type": "string", "maxLength": 4},
  "age": {"type": "integer", "maximum": 9},
  "email": {"type": "string", "format": "email"},
  "phone": {"type": "integer"},
  "plan": {"type": "string", "enum": ["free"]},
  "tags": {"type": "array", "maxItems": 1, "items": {"type": "string", "maxLength": 8}}}}}}}
"##;
const SENT: &str =
    r#"{"name":"ann lee","age":41,"email":"ann","phone":"+1 555","plan":"gold","tags":["a","b","c"],"nick":"annie"}"#;
const ANSWERED: &str = r#"{"name":"ann lee","phone":"+1 555","created":"2026-01-31T12:00:00Z"}"#;

fn configuration(upstream: &Upstream, mode: &str) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost\"\ntls = \"off\"\n[console]\nlisten = \"127.0.0.1:0\"\n\
         [[apis]]\nname = \"people\"\nopenapi = \"people.json\"\nupstream = \"{}\"\nmode = \"{mode}\"\n",
        upstream.url()
    )
}

fn backend() -> Upstream {
    Upstream::start(|received| {
        let status = if received.target.starts_with("/people/8") { 201 } else { 200 };
        let response = Response::builder().status(status).header("content-type", "application/json");
        Answer::Respond(response.body(Bytes::from(ANSWERED)).unwrap())
    })
}

/// Status and body of the answer to a PUT.
fn put(address: SocketAddr, target: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let length = body.len();
    let head = format!(
        "PUT {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}"
    );
    stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// What `check --tighten` says in this folder.
fn tightened(folder: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["--format", "json", "check", "--tighten", "bartizan.toml"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found: Value = serde_json::from_slice(&output.stdout).unwrap();
    found.pointer_mut("/apis/0").unwrap().take()
}

/// What the console says of sensitive data, and what `check` does.
fn inventories(node: &Node) -> [Value; 2] {
    let console = node.address_after("health, readiness and metrics on");
    let mut stream = TcpStream::connect(console).unwrap();
    stream.write_all(b"GET /inventory HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let served: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_bartizan"))
        .args(["--format", "json", "check", "bartizan.toml"])
        .current_dir(node.path("bartizan.toml").parent().unwrap())
        .output()
        .unwrap();
    let mut checked: Value = serde_json::from_slice(&output.stdout).unwrap();
    [served, checked.pointer_mut("/inventory").unwrap().take()]
}

fn start(upstream: &Upstream, mode: &str, document: &str) -> Node {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("people.json"), document).unwrap();
    std::fs::write(directory.path().join("bartizan.toml"), configuration(upstream, mode)).unwrap();
    Node::start_in(directory)
}

/// Waits until so many requests are on disk.
fn learned(node: &Node, requests: u64) -> Value {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let found = tightened(node.path("bartizan.toml").parent().unwrap());
        if found.get("requests").and_then(Value::as_u64) == Some(requests) {
            return found;
        }
        assert!(Instant::now() < end, "{found:#}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn what_is_wrong_in_a_document_is_told_and_mended_and_then_only_what_should_be_is_refused() {
    let upstream = backend();
    let node = start(&upstream, "observe", DOCUMENT);
    let gate = node.address_after("serving");
    for id in 0..3 {
        assert_eq!(put(gate, &format!("/people/x{id}?verbose=1"), SENT), (200, ANSWERED.to_owned()));
    }
    learned(&node, 3);
    // What was learned is there after a restart, even one that nobody announced.
    let node = node.kill_and_restart();
    let gate = node.address_after("serving");
    assert_eq!(put(gate, "/people/8?verbose=1", SENT).0, 201);
    let found = learned(&node, 4);
    let told: Vec<String> = found["proposals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {}", it["place"].as_str().unwrap(), it["reason"].as_str().unwrap()))
        .collect();
    for (line, what) in [
        (6, "`type` broken 3 times at path /id of PUT /people/{id}: string of 2 characters"),
        (7, "`required` broken 4 times at query /notify"),
        (3, "`undeclared` broken 4 times at query /verbose"),
        (11, "`maxLength` broken 4 times at body /name of PUT /people/{id}: string of 7 characters"),
        (12, "`maximum` broken 4 times at body /age of PUT /people/{id}: integer of 2 digits"),
        (13, "`format` broken 4 times at body /email"),
        (14, "`type` broken 4 times at body /phone"),
        (15, "`enum` broken 4 times at body /plan"),
        (16, "`maxItems` broken 4 times at body /tags of PUT /people/{id}: array of 3"),
        (10, "`undeclared` broken 4 times at body /nick"),
        (10, "`undeclared` broken 3 times at answer 200 /created"),
        (3, "`answer-status-undeclared` broken once at answer 201"),
    ] {
        let is_it = |it: &&String| it.starts_with(&format!("people.json:{line}:")) && it.contains(what);
        assert!(told.iter().any(|it| is_it(&it)), "{line} {what}\n{told:#?}");
    }
    for inventory in inventories(&node) {
        let says = |pointer: &str, what: &str| inventory.pointer(pointer).unwrap().to_string().contains(what);
        assert!(says("/declared/people/personal", "body /email (email)"), "{inventory:#}");
        assert!(says("/seen/people/personal", "PUT /people/{id}: answer 200 /phone (phone)"), "{inventory:#}");
    }

    let kept = std::fs::read_to_string(node.path("state/learned.json")).unwrap();
    assert!(!kept.contains("ann lee") && !kept.contains("gold") && !kept.contains("555"), "{kept}");

    // The person's part: the plan that is missing. Then the Overlay.
    let mut document: Value = serde_json::from_str(&DOCUMENT.replace(r#"["free"]"#, r#"["free", "gold"]"#)).unwrap();
    for action in found["overlay"]["actions"].as_array().unwrap() {
        apply(&mut document, action);
    }
    drop(node);
    let node = start(&upstream, "block", &document.to_string());
    let gate = node.address_after("serving");
    let (status, body) = put(gate, "/people/x1?verbose=1", SENT);
    assert_eq!((status, body.as_str()), (200, ANSWERED));
    let before = upstream.received().len();
    for (target, body, rule) in [
        ("/people/x1?verbose=1&admin=1", SENT.to_owned(), "undeclared"),
        ("/people/x1", SENT.replace("\"nick\"", "\"role\""), "undeclared"),
        ("/people/x1", SENT.replace("gold", "free-forever"), "enum"),
        ("/people/x1", SENT.replace("41", "4100"), "maximum"),
        ("/people/x1", SENT.replace("ann lee", &"a".repeat(100)), "maxLength"),
    ] {
        let (status, answer) = put(gate, target, &body);
        assert!(status == 400 && answer.contains(&format!("\"rule\":\"{rule}\"")), "{rule}: {status} {answer}");
    }
    assert_eq!(upstream.received().len(), before);
}

/// A backend of which nobody wrote a document.
fn legacy() -> Upstream {
    Upstream::start(|received| {
        let is_list = received.target.starts_with("/orders?") || received.target == "/orders";
        let body = if is_list { r#"[{"id":7,"total":12.5}]"# } else { r#"{"id":7,"total":12.5,"paid":true}"# };
        let response = Response::builder().header("content-type", "application/json");
        Answer::Respond(response.body(Bytes::from(body)).unwrap())
    })
}

#[test]
fn a_document_is_inferred_for_an_api_that_has_none_and_holds_for_its_traffic_and_no_further() {
    let upstream = legacy();
    let route = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://localhost\"\ntls = \"off\"\n[console]\nlisten = \"127.0.0.1:0\"\n\
         [[routes]]\nname = \"legacy\"\npath = \"/{{*rest}}\"\nmethods = [\"PUT\"]\nupstream = \"{}\"\naccess = \"public\"\nlearn = true\n",
        upstream.url()
    );
    let node = Node::start(&route);
    let gate = node.address_after("serving");
    let sent = r#"{"total":12.5,"lines":[{"sku":"ab-1","count":2}],"note":null}"#;
    for id in 1..=3 {
        assert_eq!(put(gate, &format!("/orders/{id}?notify=true"), sent).0, 200);
    }
    assert_eq!(put(gate, "/orders", "{}").0, 200);
    let infer = || {
        let output = Command::new(env!("CARGO_BIN_EXE_bartizan"))
            .args(["check", "--infer", "legacy", "bartizan.toml"])
            .current_dir(node.path("bartizan.toml").parent().unwrap())
            .output()
            .unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default()
    };
    let end = Instant::now() + Duration::from_secs(30);
    let mut document = infer();
    while document["paths"]["/orders"].is_null() {
        assert!(Instant::now() < end, "{document:#}");
        std::thread::sleep(Duration::from_millis(200));
        document = infer();
    }
    let operation = &document["paths"]["/orders/{id2}"]["put"];
    assert_eq!(operation["parameters"][0]["schema"]["type"], "integer", "{document:#}");
    assert_eq!(operation["parameters"][1]["schema"]["type"], "boolean");
    assert!(!document.to_string().contains("ab-1"));

    let mut document = document;
    for item in document["paths"].as_object_mut().unwrap().values_mut() {
        item["put"]["x-bartizan-access"] = "public".into();
    }
    drop(node);
    let node = start(&upstream, "block", &document.to_string());
    let gate = node.address_after("serving");
    assert_eq!(put(gate, "/orders/4?notify=true", sent).0, 200);
    assert_eq!(put(gate, "/orders", "{}").0, 200);
    for (target, body) in [
        ("/orders/x?notify=true", sent.to_owned()),
        ("/orders/4?notify=true&x=1", sent.to_owned()),
        ("/orders/4?notify=true", sent.replace("12.5", "\"much\"")),
        ("/orders/4?notify=true", sent.replace("\"count\"", "\"price\"")),
    ] {
        assert_eq!(put(gate, target, &body).0, 400, "{target} {body}");
    }
    assert_eq!(put(gate, "/admin", "{}").0, 404);
}

/// One action of an Overlay, whose target is made of names and indices in brackets.
fn apply(document: &mut Value, action: &Value) {
    let target = action.get("target").and_then(Value::as_str).unwrap();
    let steps = target.strip_prefix("$[").unwrap().strip_suffix(']').unwrap().split("][");
    let steps: Vec<String> = steps
        .map(|it| it.trim_matches('\'').replace('~', "~0").replace('/', "~1"))
        .map(|it| format!("/{it}"))
        .collect();
    if action.get("remove").is_some() {
        let (last, outer) = steps.split_last().unwrap();
        let outer = document.pointer_mut(&outer.concat()).unwrap().as_object_mut().unwrap();
        outer.remove(&last.trim_start_matches('/').replace("~1", "/"));
        return;
    }
    merge(document.pointer_mut(&steps.concat()).unwrap(), action.get("update").unwrap());
}

fn merge(at: &mut Value, update: &Value) {
    match (at, update) {
        (Value::Object(at), Value::Object(update)) => {
            update.iter().for_each(|(name, value)| merge(at.entry(name.clone()).or_insert(Value::Null), value));
        }
        (Value::Array(at), Value::Array(more)) => at.extend(more.iter().cloned()),
        (Value::Array(at), one) => at.push(one.clone()),
        (at, update) => *at = update.clone(),
    }
}
