//! GraphQL endpoints: what the schema does not have, what takes too much, and what is not for the caller never reaches the service.

use std::num::NonZeroUsize;
use std::sync::Arc;

use bartizan_gateway::config::{ContractMode, Disclosures, Graphql, Route, SchemaSource, Subscriptions, Unregistered};
use bartizan_inspect::graphql::{Documents, Limits, from_sdl};
use bartizan_policy::Access;
use bartizan_testkit::{Answer, Answered, Upstream};
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Gated, config, route, rule};

const SCHEMA: &str = "
type Query { me: User all(first: Int): [User!]! }
type Mutation { rename(id: ID!, name: String!): User }
type Subscription { ticks: Int }
type User { id: ID! name: String email: String friends: [User!]! }
";
const JSON: (&str, &str) = ("content-type", "application/json");

fn rules(change: impl FnOnce(&mut Graphql)) -> Graphql {
    let mut rules = Graphql {
        schema: SchemaSource::Given(Arc::new(from_sdl(SCHEMA).unwrap())),
        limits: Limits { depth: 4, cost: 200, ..Limits::default() },
        batch: NonZeroUsize::MIN,
        introspection: None,
        fields: Vec::new(),
        documents: Arc::default(),
        unregistered: Unregistered::Serve,
        subscriptions: Subscriptions::Refuse,
        errors: Disclosures::Strip,
        mode: ContractMode::Block,
    };
    change(&mut rules);
    rules
}

fn served(upstream: &Upstream, change: impl FnOnce(&mut Graphql)) -> Route {
    let methods = vec![Method::GET, Method::POST];
    Route { methods, graphql: Some(Arc::new(rules(change))), ..route("/graphql", upstream.address()) }
}

fn answering(body: &'static str) -> Upstream {
    Upstream::start(move |_| {
        let response = Response::builder().header("content-type", "application/json").header("etag", "\"1\"");
        Answer::Respond(response.body(Bytes::from(body)).unwrap())
    })
}

fn service() -> Upstream {
    answering(r#"{"data":{"me":{"id":"1"}}}"#)
}

async fn ask(gate: &Gated, query: &str) -> Answered {
    gate.send(Method::POST, "/graphql", &[JSON], &json!({ "query": query }).to_string()).await
}

/// The codes of the errors that an answer holds.
fn codes(answer: &Answered) -> Vec<String> {
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|it| it["extensions"]["code"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn what_the_schema_does_not_have_is_refused_in_the_form_that_clients_read() {
    let upstream = service();
    let gate = Gated::start(config(vec![served(&upstream, |_| {})]));
    let answer = ask(&gate, "{ me { id\n nam } }").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::BAD_REQUEST, Some("application/json")));
    let error = &answer.json()["errors"][0];
    assert_eq!(error["locations"], json!([{ "line": 2, "column": 2 }]));
    assert_eq!(error["extensions"]["code"], "graphql-unknown-field");
    assert_eq!(error["extensions"]["type"], "urn:bartizan:refusal:invalid-operation");
    let accepting = [JSON, ("accept", "application/graphql-response+json, application/json;q=0.9")];
    let answer = gate.send(Method::POST, "/graphql", &accepting, r#"{"query":"{"}"#).await;
    assert_eq!(answer.header("content-type"), Some("application/graphql-response+json"));
    assert_eq!(upstream.received().len(), 0);
    assert_eq!(ask(&gate, "{ me { id } }").await.text(), r#"{"data":{"me":{"id":"1"}}}"#);
    let events = gate.events();
    assert_eq!(events[0]["event"]["code"], "graphql-unknown-field");
    assert_eq!(events[0]["rule"]["id"], "inspect.graphql");
    assert_eq!(events[2]["bartizan"]["graphql"], json!({ "kind": "query", "fields": ["me"], "cost": 1 }));
}

#[tokio::test]
async fn what_takes_too_much_is_refused_alone_and_in_a_batch() {
    let upstream = service();
    let batching = |rules: &mut Graphql| rules.batch = NonZeroUsize::new(3).unwrap();
    let gate = Gated::start(config(vec![served(&upstream, batching)]));
    assert_eq!(codes(&ask(&gate, "{ me { friends { friends { friends { id } } } } }").await)[0], "graphql-depth");
    assert_eq!(codes(&ask(&gate, "{ all(first: 300) { id } }").await), ["graphql-cost"]);
    let several = |count: usize| Value::from(vec![json!({ "query": "{ all(first: 80) { id } }" }); count]).to_string();
    let send = async |body: String| gate.send(Method::POST, "/graphql", &[JSON], &body).await;
    assert_eq!(send(several(2)).await.status, StatusCode::OK);
    assert_eq!(codes(&send(several(3)).await), ["graphql-cost"]);
    assert_eq!(codes(&send(several(4)).await), ["graphql-batch"]);
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn another_site_cannot_change_anything_by_a_link_or_a_form() {
    let upstream = service();
    let gate = Gated::start(config(vec![served(&upstream, |_| {})]));
    let get = async |target: &str| gate.send(Method::GET, target, &[], "").await;
    let refused = get("/graphql?query=mutation%7Brename(id:1,name:%22a%22)%7Bid%7D%7D").await;
    assert_eq!((refused.status, refused.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("POST")));
    assert_eq!(get("/graphql?query=%7Bme%7Bid%7D%7D").await.status, StatusCode::OK);
    for kind in [
        "application/x-www-form-urlencoded",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
    ] {
        let answer = gate.send(Method::POST, "/graphql", &[("content-type", kind)], r#"{"query":"{me{id}}"}"#).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    // A server that takes its parameters from the query first would run this one.
    let both = "/graphql?query=mutation%7Brename(id:1,name:%22a%22)%7Bid%7D%7D";
    assert_eq!(codes(&gate.send(Method::POST, both, &[JSON], r#"{"query":"{me{id}}"}"#).await), ["graphql-request"]);
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn the_schema_and_guarded_fields_are_for_those_whom_their_rules_name() {
    let upstream = service();
    let change = |rules: &mut Graphql| {
        rules.introspection = Some(rule(|rule| rule.roles = vec!["developer".into()]));
        rules.fields = vec![
            ("User.email".into(), rule(|rule| rule.roles = vec!["support".into()])),
            ("Mutation".into(), Access::SignedIn),
        ];
    };
    let gate = Gated::start(config(vec![served(&upstream, change)]));
    assert_eq!(codes(&ask(&gate, "{ __schema { queryType { name } } }").await), ["graphql-introspection"]);
    let refused = ask(&gate, "{ all { x: email } }").await;
    assert_eq!(
        (refused.status, &refused.json()["errors"][0]["extensions"]["type"]),
        (StatusCode::UNAUTHORIZED, &json!("urn:bartizan:refusal:sign-in-required"))
    );
    assert_eq!(ask(&gate, "mutation { rename(id: 1, name: \"a\") { id } }").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&gate, "{ all { name } }").await.status, StatusCode::OK);
    assert_eq!(codes(&ask(&gate, "subscription { ticks }").await), ["graphql-subscription"]);
}

#[tokio::test]
async fn registered_documents_are_served_by_their_names_and_nothing_else() {
    let upstream = service();
    let documents =
        Documents::read(br#"{"profile":"query P($first: Int) { all(first: $first) { id } }"}"#, |_| String::new())
            .unwrap();
    let change =
        |rules: &mut Graphql| (rules.documents, rules.unregistered) = (Arc::new(documents), Unregistered::Refuse);
    let gate = Gated::start(config(vec![served(&upstream, change)]));
    let send = async |body: Value| gate.send(Method::POST, "/graphql", &[JSON], &body.to_string()).await;
    assert_eq!(send(json!({ "documentId": "profile", "variables": { "first": 2 } })).await.status, StatusCode::OK);
    let read = gate.send(Method::GET, "/graphql?documentId=profile&variables=%7B%22first%22:2%7D", &[], "").await;
    assert_eq!(read.status, StatusCode::OK);
    assert_eq!(codes(&send(json!({ "documentId": "profile", "variables": { "first": 500 } })).await), ["graphql-cost"]);
    assert_eq!(codes(&send(json!({ "documentId": "other" })).await), ["graphql-not-persisted"]);
    assert_eq!(codes(&send(json!({ "query": "{ me { id } }" })).await), ["graphql-not-persisted"]);
    assert_eq!(codes(&send(json!({ "documentId": "profile", "query": "{ me { id } }" })).await), ["graphql-request"]);
    // What was judged is what the service runs: the document itself, whatever it would have found under the name.
    let received = upstream.received();
    let body: Value = serde_json::from_slice(&received[0].body).unwrap();
    assert_eq!(
        body,
        json!({ "query": "query P($first: Int) { all(first: $first) { id } }", "variables": { "first": 2 } })
    );
    assert!(received[1].target.contains("query=query%20P"), "{}", received[1].target);
}

#[tokio::test]
async fn errors_leave_without_what_they_tell_of_the_service() {
    let upstream = answering(
        r#"{"data":null, "errors":[{"message":"No. Did you mean \"email\"?","extensions":{"code":"X","stacktrace":["at /srv"]}}]}"#,
    );
    let gate = Gated::start(config(vec![served(&upstream, |_| {})]));
    let answer = ask(&gate, "{ me { id } }").await;
    assert_eq!(answer.text(), r#"{"data":null, "errors":[{"message":"No.","extensions":{"code":"X"}}]}"#);
    assert_eq!(answer.header("etag"), None);
    assert_eq!(gate.events()[0]["bartizan"]["observed"][0]["code"], "graphql-errors-tell");
}

#[tokio::test]
async fn observing_refuses_nothing_and_tells_everything() {
    let upstream = service();
    let gate = Gated::start(config(vec![served(&upstream, |rules| rules.mode = ContractMode::Observe)]));
    let body = r#"{ "query" : "{ me { nam } }" }"#;
    assert_eq!(gate.send(Method::POST, "/graphql", &[JSON], body).await.status, StatusCode::OK);
    assert_eq!(upstream.received()[0].body, body);
    assert_eq!(gate.events()[0]["bartizan"]["observed"][0]["code"], "graphql-unknown-field");
}

#[tokio::test]
async fn nothing_passes_until_a_service_has_told_its_schema() {
    let told = r#"{"data":{"__schema":{"queryType":{"name":"Query"},"directives":[],"types":[
        {"kind":"OBJECT","name":"Query","interfaces":[],"fields":[{"name":"version","args":[],"type":{"kind":"SCALAR","name":"String"}}]}]}}}"#;
    let upstream = answering(told);
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("http://{unused}/graphql");
    for (url, expected) in
        [(format!("http://{}/graphql", upstream.address()), StatusCode::OK), (nobody, StatusCode::SERVICE_UNAVAILABLE)]
    {
        let source = SchemaSource::Introspected { url: url.parse().unwrap(), authorities: None };
        let gate = Gated::start(config(vec![served(&upstream, |rules| rules.schema = source)]));
        let mut answer = ask(&gate, "{ version }").await;
        for _ in 0..200 {
            if answer.status == expected {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
            answer = ask(&gate, "{ version }").await;
        }
        assert_eq!(answer.status, expected, "{}", answer.text());
        if expected == StatusCode::OK {
            assert_eq!(codes(&ask(&gate, "{ me { id } }").await), ["graphql-unknown-field"]);
        }
    }
}
