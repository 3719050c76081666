//! Tokens that only their issuer can judge (`RFC 7662`): asked, remembered for a moment, and refused while it cannot be asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bartizan_gateway::config::{Config, Introspection, TrustedIssuer};
use bartizan_policy::{Access, Revocation};
use bartizan_testkit::{Algorithm, Answer, KeyPair, Received, Upstream};
use bartizan_token::KeySource;
use bartizan_vault::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::{AUDIENCE, Gated, config, guarded};

const ISSUER: &str = "https://opaque.test";

/// An issuer that knows some tokens, and how it answers.
struct Server {
    upstream: Upstream,
    known: Arc<Mutex<HashMap<String, Value>>>,
    behaviour: Behaviour,
}

/// What the issuer answers with, which a test changes.
type Behaviour = Arc<Mutex<fn(Value) -> Answer>>;

#[expect(clippy::needless_pass_by_value, reason = "it is one of the behaviours")]
fn json_answer(document: Value) -> Answer {
    let response = Response::builder().header("content-type", "application/json");
    Answer::Respond(response.body(Bytes::from(document.to_string())).unwrap())
}

impl Server {
    fn start() -> Self {
        let known: Arc<Mutex<HashMap<String, Value>>> = Arc::default();
        let behaviour: Behaviour = Arc::new(Mutex::new(json_answer));
        let upstream = Upstream::start({
            let (known, behaviour) = (known.clone(), behaviour.clone());
            move |request| {
                let body = String::from_utf8(request.body.to_vec()).unwrap();
                let token = body.split('&').find_map(|part| part.strip_prefix("token=")).unwrap().to_owned();
                let found = known.lock().unwrap().get(&token).cloned().unwrap_or_else(|| json!({ "active": false }));
                (behaviour.lock().unwrap())(found)
            }
        });
        Self { upstream, known, behaviour }
    }

    fn knows(&self, token: &str, change: &Value) {
        let mut claims =
            json!({ "active": true, "sub": "ada", "aud": AUDIENCE, "exp": 4_000_000_000_u64, "scope": "a b" });
        let members = claims.as_object_mut().unwrap();
        members.extend(change.as_object().unwrap().clone());
        members.retain(|_, value| !value.is_null());
        self.known.lock().unwrap().insert(token.to_owned(), claims);
    }

    fn behaves(&self, behaviour: fn(Value) -> Answer) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    fn asked(&self) -> Vec<Received> {
        self.upstream.received()
    }

    fn trusted(&self, prefix: Option<&str>) -> TrustedIssuer {
        TrustedIssuer {
            issuer: bartizan_token::Issuer::new(ISSUER, vec![AUDIENCE.to_owned()], KeySource::Introspected),
            fetch: None,
            introspection: Some(Introspection {
                endpoint: format!("{}/introspect", self.upstream.url()).parse().unwrap(),
                client_id: "the gate".into(),
                client_secret: Arc::new(Secret::new(b"s3cret:with%".to_vec())),
                cache: Duration::from_mins(1),
                prefix: prefix.map(Into::into),
                authorities: None,
            }),
        }
    }
}

fn rules(server: &Server, backend: &Upstream) -> Config {
    let mut rules = config(vec![guarded("/", backend.address(), Access::SignedIn)]);
    rules.issuers = vec![server.trusted(None)];
    rules.limits.failed_authentication = crate::harness::rate("1000/second");
    rules
}

fn hello() -> Upstream {
    Upstream::answering(StatusCode::OK, "hello")
}

#[tokio::test]
async fn an_active_token_passes_is_asked_about_once_and_stops_when_it_is_revoked_here() {
    let (server, backend) = (Server::start(), hello());
    server.knows("opaque-1", &json!({ "jti": "id-1" }));
    let mut rules = rules(&server, &backend);
    let gate = Gated::start(rules.clone());
    for _ in 0..3 {
        assert_eq!(gate.status_with("/", "opaque-1").await, StatusCode::OK);
    }
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    let authorization = format!("Basic {}", STANDARD.encode("the+gate:s3cret%3Awith%25"));
    assert_eq!(asked[0].headers["authorization"], authorization.as_str());
    assert_eq!(asked[0].body, "token_type_hint=access_token&token=opaque-1");
    rules.revoked = vec![Revocation::Token { issuer: ISSUER.into(), id: "id-1".into() }];
    gate.replace(rules);
    assert_eq!(gate.status_with("/", "opaque-1").await, StatusCode::UNAUTHORIZED);
    let events = gate.events();
    assert_eq!((&events[0]["user"]["id"], &events[0]["bartizan"]["issuer"]), (&"ada".into(), &ISSUER.into()));
}

#[tokio::test]
async fn what_the_issuer_does_not_know_or_says_of_others_is_refused_and_not_asked_about_again() {
    let (server, backend) = (Server::start(), hello());
    let wrong = [
        ("aud", json!({ "aud": "https://other.test" })),
        ("no-aud", json!({ "aud": null })),
        ("iss", json!({ "iss": "https://other.test" })),
        ("exp", json!({ "exp": 1 })),
        ("no-exp", json!({ "exp": null })),
        ("nbf", json!({ "nbf": 4_000_000_000_u64 })),
        ("cnf", json!({ "cnf": { "jkt": "x" } })),
    ];
    for (name, change) in &wrong {
        server.knows(name, change);
    }
    let gate = Gated::start(rules(&server, &backend));
    for token in wrong.iter().map(|(name, _)| *name).chain(["unknown", "a.b"]) {
        for _ in 0..2 {
            assert_eq!(gate.status_with("/", token).await, StatusCode::UNAUTHORIZED, "{token}");
        }
    }
    assert_eq!(server.asked().len(), wrong.len() + 2, "each was asked about once");
    assert!(backend.received().is_empty());
}

#[tokio::test]
async fn while_the_issuer_cannot_be_asked_nobody_passes_and_it_is_left_alone_for_a_moment() {
    let (server, backend) = (Server::start(), hello());
    server.knows("opaque-1", &json!({}));
    let gate = Gated::start(rules(&server, &backend));
    let broken: [fn(Value) -> Answer; 5] = [
        |_| Answer::Close,
        |_| Answer::Respond(Response::builder().status(401).body(Bytes::new()).unwrap()),
        |_| Answer::Respond(Response::builder().status(302).header("location", "/").body(Bytes::new()).unwrap()),
        |_| json_answer(json!({ "active": "true", "sub": "ada", "aud": AUDIENCE, "exp": 4_000_000_000_u64 })),
        |_| Answer::Respond(Response::new(Bytes::from_static(b"{\"active\":false,\"active\":true}"))),
    ];
    for behaviour in broken {
        server.behaves(behaviour);
        assert_eq!(gate.status_with("/", "opaque-1").await, StatusCode::SERVICE_UNAVAILABLE);
    }
    server.behaves(|_| Answer::Close);
    for number in 0..20 {
        assert_eq!(gate.status_with("/", &format!("opaque-{number}")).await, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert!(server.asked().len() <= 12, "{} questions to an issuer that is down", server.asked().len());
    server.behaves(json_answer);
    let mut status = StatusCode::SERVICE_UNAVAILABLE;
    for _ in 0..100 {
        status = gate.status_with("/", "opaque-1").await;
        if status == StatusCode::OK {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status, StatusCode::OK);
    let page = gate.recorder().metrics().render();
    assert!(page.contains(r#"bartizan_introspection_requests_total{outcome="shed"}"#), "{page}");
    let records = format!("{:?}", gate.records());
    assert!(records.contains("introspection-failed") && records.contains("introspection-recovered"));
    assert!(!records.contains("opaque-1") && !records.contains("s3cret"));
}

#[tokio::test]
async fn requests_with_one_token_ask_once_together() {
    let (server, backend) = (Server::start(), hello());
    server.knows("opaque-1", &json!({}));
    server.behaves(|found| Answer::After(Duration::from_millis(200), Box::new(json_answer(found))));
    let gate = Gated::start(rules(&server, &backend));
    let statuses = tokio::join!(
        gate.status_with("/", "opaque-1"),
        gate.status_with("/", "opaque-1"),
        gate.status_with("/", "opaque-1"),
    );
    assert_eq!(statuses, (StatusCode::OK, StatusCode::OK, StatusCode::OK));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_token_that_counts_only_for_a_moment_is_asked_about_again() {
    let (server, backend) = (Server::start(), hello());
    server.knows("opaque-1", &json!({}));
    let mut rules = rules(&server, &backend);
    rules.issuers[0].introspection.as_mut().unwrap().cache = Duration::ZERO;
    let gate = Gated::start(rules);
    assert_eq!(gate.status_with("/", "opaque-1").await, StatusCode::OK);
    server.known.lock().unwrap().clear();
    assert_eq!(gate.status_with("/", "opaque-1").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_goes_to_the_issuer_whose_prefix_it_has_and_a_jwt_to_the_one_that_it_names() {
    let (server, prefixed, backend) = (Server::start(), Server::start(), hello());
    let mut rules = rules(&server, &backend);
    let mut other = prefixed.trusted(Some("other_"));
    other.issuer.name = "https://prefixed.test".into();
    rules.issuers.push(other);
    prefixed.knows("other_1", &json!({ "sub": "bob" }));
    let key = KeyPair::generate(Algorithm::Es256, "theirs");
    let jwt = key.token(&json!({ "iss": ISSUER, "sub": "made up", "aud": AUDIENCE, "exp": 4_000_000_000_u64 }));
    server.knows(&jwt, &json!({ "sub": "carol" }));
    let gate = Gated::start(rules);
    assert_eq!(gate.status_with("/", "other_1").await, StatusCode::OK);
    assert_eq!(gate.status_with("/", &jwt).await, StatusCode::OK);
    let stranger = key.token(&json!({ "iss": "https://stranger.test", "sub": "x" }));
    assert_eq!(gate.status_with("/", &stranger).await, StatusCode::UNAUTHORIZED);
    assert_eq!((server.asked().len(), prefixed.asked().len()), (1, 1));
    let subjects: Vec<_> = gate.events().iter().map(|event| event["user"]["id"].clone()).collect();
    assert_eq!(subjects, [json!("bob"), json!("carol"), Value::Null]);
}

/// Breaks off once, as a server does that closes a connection at the moment when it is used again.
fn breaks_off_once(document: Value) -> Answer {
    static HAS: AtomicBool = AtomicBool::new(false);
    if HAS.swap(true, Ordering::SeqCst) { json_answer(document) } else { Answer::Close }
}

#[tokio::test]
async fn questions_share_a_connection_and_one_that_is_closed_meanwhile_loses_none() {
    let (server, backend) = (Server::start(), hello());
    let gate = Gated::start(rules(&server, &backend));
    let ask = async |first: usize, last: usize| {
        for number in first..last {
            server.knows(&format!("opaque-{number}"), &json!({}));
            assert_eq!(gate.status_with("/", &format!("opaque-{number}")).await, StatusCode::OK, "{number}");
        }
    };
    ask(0, 10).await;
    assert_eq!((server.asked().len(), server.upstream.connections()), (10, 1));
    server.behaves(breaks_off_once);
    ask(10, 20).await;
    assert_eq!((server.asked().len(), server.upstream.connections()), (21, 2), "asked once more, over a new one");
    server.behaves(|document| match json_answer(document) {
        Answer::Respond(mut answer) => {
            answer.headers_mut().insert("connection", "close".parse().unwrap());
            Answer::Respond(answer)
        }
        other => other,
    });
    ask(20, 25).await;
    assert_eq!((server.asked().len(), server.upstream.connections()), (26, 6), "a server that closes gets new ones");
}
