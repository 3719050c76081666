//! Routes that come from an OpenAPI document: what it does not declare does not pass, in either direction.

use std::sync::Arc;

use bartizan_gateway::config::{Contract, ContractMode, Route, Undeclared};
use bartizan_inspect::openapi::{Operation, load};
use bartizan_testkit::{Answer, Answered, Upstream};
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Gated, config, route};
use crate::wire::exchange;

/// Somebody else's API: the document says nothing of `additionalProperties`, and the server assigns and answers whatever it has.
const DOCUMENT: &str = "
openapi: 3.0.3
info: {title: People, version: '1'}
paths:
  /people/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    put:
      operationId: change
      parameters:
        - {name: notify, in: query, schema: {type: boolean}}
        - {name: session, in: cookie, schema: {type: string}}
        - {name: X-Tenant, in: header, schema: {type: string, maxLength: 4}}
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: '#/components/schemas/Person'}}
          application/x-www-form-urlencoded: {schema: {$ref: '#/components/schemas/Person'}}
          application/octet-stream: {}
      responses:
        '200': {content: {application/json: {schema: {$ref: '#/components/schemas/Person'}}}}
components:
  schemas:
    Person:
      type: object
      required: [id, name]
      properties:
        id: {type: integer, readOnly: true}
        name: {type: string, maxLength: 10}
        password: {type: string, writeOnly: true}
        friends: {type: array, maxItems: 5000, items: {type: object, properties: {name: {type: string}}}}
";
const LEAKY: &str =
    r#"{"id":7, "name":"ann", "password":"x", "password_hash":"y", "friends":[{"name":"bob","card":"z"}]}"#;

fn operation() -> Arc<Operation> {
    let api = load("openapi.yaml", &mut |_| Ok(DOCUMENT.into())).unwrap();
    assert!(api.faults.is_empty(), "{:?}", api.faults);
    api.operations[0].clone()
}

/// A route that is the operation of the document.
fn declared(upstream: &Upstream, change: impl FnOnce(&mut Contract)) -> Route {
    let (mode, undeclared, answers) = (ContractMode::Block, Undeclared::Refuse, Undeclared::Strip);
    let mut contract = Contract { api: "people".into(), operation: operation(), mode, undeclared, answers };
    change(&mut contract);
    Route { methods: vec![Method::PUT], contract: Some(contract), ..route("/people/{id}", upstream.address()) }
}

fn people() -> Upstream {
    answering("application/json", LEAKY)
}

fn answering(content_type: &'static str, body: &'static str) -> Upstream {
    Upstream::start(move |_| {
        let response = Response::builder().header("content-type", content_type).header("etag", "\"1\"");
        Answer::Respond(response.body(Bytes::from(body)).unwrap())
    })
}

const JSON: (&str, &str) = ("content-type", "application/json");

async fn put(gate: &Gated, path: &str, body: &str) -> Answered {
    gate.send(Method::PUT, path, &[JSON], body).await
}

/// `rule in pointer` of each error.
fn errors(answer: &Answered) -> Vec<String> {
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    let told = |it: &Value| {
        format!("{} {}{}", it["rule"].as_str().unwrap(), it["in"].as_str().unwrap(), it["pointer"].as_str().unwrap())
    };
    errors.iter().map(told).collect()
}

#[tokio::test]
async fn mass_assignment_is_refused_and_leaked_members_do_not_leave() {
    let upstream = people();
    let gate = Gated::start(config(vec![declared(&upstream, |_| {})]));
    let answer = put(&gate, "/people/7", r#"{"name":"ann","role":"admin","friends":[{"is_admin":true}]}"#).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json()["type"], "urn:bartizan:refusal:invalid-request");
    assert_eq!(errors(&answer), ["undeclared body/role", "undeclared body/friends/0/is_admin"]);
    assert_eq!(errors(&put(&gate, "/people/7", r#"{"name":"ann","id":8}"#).await), ["readOnly body/id"]);
    assert_eq!(upstream.received().len(), 0);

    let answer = put(&gate, "/people/7", r#"{"name":"ann"}"#).await;
    assert_eq!(answer.text(), r#"{"id":7,"name":"ann","friends":[{"name":"bob"}]}"#);
    assert_eq!((answer.header("etag"), answer.header("content-length")), (None, Some("48")));
}

#[tokio::test]
async fn every_fault_is_told_with_its_place_and_no_value() {
    let upstream = people();
    let gate = Gated::start(config(vec![declared(&upstream, |_| {})]));
    let fields = [JSON, ("x-tenant", "hunter2"), ("cookie", "session=a; session=b")];
    let answer =
        gate.send(Method::PUT, "/people/x?notify=maybe&debug=1", &fields, r#"{"name":"hunter2hunter2"}"#).await;
    let told = [
        "type query/notify",
        "repeated cookie/session",
        "maxLength header/X-Tenant",
        "type path/id",
        "undeclared query/debug",
        "maxLength body/name",
    ];
    assert_eq!(errors(&answer), told);
    assert!(!answer.text().contains("hunter2"), "{}", answer.text());
    assert_eq!(errors(&put(&gate, "/people/7", r#"{"name":"a","name":"b"}"#).await), ["json-duplicate-name body"]);
    assert_eq!(errors(&put(&gate, "/people/7", "").await), ["required body"]);
    let events = gate.events();
    let reason = events[0]["bartizan"]["reason"].to_string() + &events[0].to_string();
    assert!(reason.contains("maxLength at header /X-Tenant") && !reason.contains("hunter2"), "{reason}");
}

#[tokio::test]
async fn a_body_of_a_type_that_is_not_declared_is_refused_before_it_is_read() {
    let upstream = people();
    let gate = Gated::start(config(vec![declared(&upstream, |_| {})]));
    for content_type in ["application/xml", "text/plain", "application/json; charset=utf-7"] {
        let answer = gate.send(Method::PUT, "/people/7", &[("content-type", content_type)], "{}").await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
    let encoded = [JSON, ("content-encoding", "gzip")];
    assert_eq!(gate.send(Method::PUT, "/people/7", &encoded, "{}").await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    // Nothing in bytes is declared: they are not read either, and pass.
    let bytes = [("content-type", "application/octet-stream")];
    assert_eq!(gate.send(Method::PUT, "/people/7", &bytes, "\u{1}").await.status, StatusCode::OK);
    assert_eq!(gate.send(Method::POST, "/people/7", &[JSON], "{}").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn what_is_judged_is_what_the_upstream_gets() {
    let upstream = people();
    let gate = Gated::start(config(vec![declared(&upstream, |_| {})]));
    let body = "{ \"name\" : \"ann\" }";
    let cookies = "_ga=1; session=s; theme=dark";
    gate.send(Method::PUT, "/people/7?notify=true", &[JSON, ("cookie", cookies)], body).await;
    let received = upstream.only_request();
    assert_eq!((received.target.as_str(), &received.body[..]), ("/people/7?notify=true", body.as_bytes()));
    assert_eq!(received.headers["cookie"], "session=s");
    let pieces = "PUT /people/7 HTTP/1.1\r\nhost: api.test\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n9\r\n{\"name\": \r\n8\r\n\"piece\"}\r\n0\r\n\r\n";
    assert_eq!(exchange(gate.address(), pieces).await.status, 200);
    assert_eq!(&upstream.received()[1].body[..], br#"{"name": "piece"}"#);
}

#[tokio::test]
async fn stripping_takes_out_what_is_undeclared_and_nothing_else() {
    let upstream = people();
    let gate = Gated::start(config(vec![declared(&upstream, |contract| contract.undeclared = Undeclared::Strip)]));
    let answer =
        put(&gate, "/people/7?debug=1&notify=true&%64ebug=2", r#"{"role":"admin", "name":"ann", "id":8}"#).await;
    assert_eq!(answer.status, StatusCode::OK);
    let received = upstream.only_request();
    assert_eq!(received.target, "/people/7?notify=true");
    assert_eq!(&received.body[..], br#"{"name":"ann"}"#);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    gate.send(Method::PUT, "/people/7", &form, "role=admin&name=a+b").await;
    assert_eq!(&upstream.received()[1].body[..], b"name=a+b");
    // What breaks a rule is refused all the same.
    assert_eq!(errors(&put(&gate, "/people/7", r#"{"name":"much too long a name"}"#).await), ["maxLength body/name"]);
}

#[tokio::test]
async fn observe_mode_changes_nothing_and_tells_everything() {
    let upstream = people();
    let gate = Gated::start(config(vec![declared(&upstream, |contract| contract.mode = ContractMode::Observe)]));
    let body = r#"{"name":"much too long a name","role":"admin"}"#;
    let answer = put(&gate, "/people/7?debug=1", body).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, LEAKY));
    let received = upstream.only_request();
    assert_eq!((received.target.as_str(), &received.body[..]), ("/people/7?debug=1", body.as_bytes()));
    let event = gate.only_event().to_string();
    for told in [
        "body /name",
        "query /debug",
        "body /role",
        "body /password_hash",
        "body /friends/0/card",
        "inspect.request-schema",
        "inspect.answer-schema",
    ] {
        assert!(event.contains(told), "{told}: {event}");
    }
    assert!(!event.contains("much too long"));
}

#[tokio::test]
async fn an_answer_of_which_nobody_knows_what_it_holds_does_not_leave() {
    let status = async |upstream: &Upstream, answers: Undeclared| {
        let gate = Gated::start(config(vec![declared(upstream, |contract| contract.answers = answers)]));
        put(&gate, "/people/7", r#"{"name":"ann"}"#).await.status
    };
    let twice = answering("application/json", r#"{"id":1,"id":2,"name":"a"}"#);
    assert_eq!(status(&twice, Undeclared::Strip).await, StatusCode::BAD_GATEWAY);
    let other = answering("text/html", "<p>");
    assert_eq!(status(&other, Undeclared::Strip).await, StatusCode::OK);
    assert_eq!(status(&other, Undeclared::Refuse).await, StatusCode::BAD_GATEWAY);
    assert_eq!(status(&people(), Undeclared::Refuse).await, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn what_is_write_only_never_leaves() {
    let upstream = people();
    let gate = Gated::start(config(vec![declared(&upstream, |contract| contract.answers = Undeclared::Report)]));
    let answer = put(&gate, "/people/7", r#"{"name":"ann"}"#).await;
    assert_eq!(answer.json()["password_hash"], "y");
    assert_eq!(answer.json().get("password"), None);
}

#[tokio::test]
async fn large_bodies_are_judged_and_forwarded_like_small_ones() {
    let upstream = people();
    let gate = Gated::start(config(vec![declared(&upstream, |_| {})]));
    let friends: Vec<Value> = (0..5000).map(|number| json!({ "name": format!("friend number {number}") })).collect();
    let body = json!({ "name": "ann", "friends": friends }).to_string();
    assert!(body.len() > 128 * 1024);
    assert_eq!(put(&gate, "/people/7", &body).await.status, StatusCode::OK);
    assert_eq!(upstream.only_request().body.len(), body.len());
    let worse = body.replacen("friend number 4999\"", "f\",\"role\":1", 1);
    assert_eq!(errors(&put(&gate, "/people/7", &worse).await), ["undeclared body/friends/4999/role"]);
    let limited = Gated::start(config(vec![Route { body_bytes: 1000, ..declared(&upstream, |_| {}) }]));
    assert_eq!(put(&limited, "/people/7", &body).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}
