//! Who calls: tokens of issuers, a backend's own tokens, API keys; and who does not.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use bartizan_gateway::config::TrustedIssuer;
use bartizan_policy::{Access, CredentialKind, Revocation};
use bartizan_testkit::{Algorithm, Issuer, PlainTokens, Upstream};
use bartizan_token::{ApiKey, ApiKeyRecord, ClaimMap, KeySource, Presence, SharedSecret};
use bartizan_vault::Secret;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{AUDIENCE, Gated, config, eventually, guarded, route, trusting};

fn claims(subject: &str) -> Value {
    json!({ "sub": subject, "aud": AUDIENCE, "jti": format!("token-of-{subject}") })
}

fn hello() -> Upstream {
    Upstream::answering(StatusCode::OK, "hello")
}

#[tokio::test]
async fn a_token_of_a_discovered_issuer_is_accepted_and_a_forged_one_is_not() {
    let issuer = Issuer::start(Algorithm::Es256);
    let stranger = Issuer::start(Algorithm::Es256);
    let upstream = hello();
    let mut rules = config(vec![guarded("/", upstream.address(), Access::SignedIn)]);
    rules.issuers = vec![trusting(&issuer)];
    let gate = Gated::start(rules);
    assert_eq!(gate.status_with("/", &issuer.token(claims("ada"))).await, StatusCode::OK);
    let forged = json!({ "iss": issuer.url(), "sub": "ada", "aud": AUDIENCE });
    let forgeries = [
        ("another issuer's key", stranger.token(forged.clone())),
        ("another issuer", stranger.token(claims("ada"))),
        ("no signature", PlainTokens::unsigned(&forged)),
        ("the public key as a secret", PlainTokens::hs256(&issuer.key().public_key_der(), &forged)),
        ("another audience", issuer.token(json!({ "sub": "ada", "aud": "https://other.test" }))),
        ("expired", issuer.token(json!({ "sub": "ada", "aud": AUDIENCE, "exp": 1 }))),
        ("no end", issuer.token(json!({ "sub": "ada", "aud": AUDIENCE, "exp": null }))),
        ("cut", issuer.token(claims("ada")).split_at(80).0.to_owned()),
    ];
    for (name, token) in forgeries {
        let answer = gate.send(Method::GET, "/", &[("authorization", &format!("Bearer {token}"))], "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer error="invalid_token""#), "{name}");
    }
    assert_eq!(upstream.received().len(), 1);
    let event = gate.events().remove(0);
    assert_eq!((&event["user"]["id"], &event["bartizan"]["issuer"]), (&"ada".into(), &issuer.url().into()));
}

#[tokio::test]
async fn a_rotated_key_is_picked_up_when_its_first_token_comes() {
    let issuer = Issuer::start(Algorithm::Es256);
    let upstream = hello();
    let mut rules = config(vec![guarded("/", upstream.address(), Access::SignedIn)]);
    rules.issuers = vec![trusting(&issuer)];
    let gate = Gated::start(rules);
    assert_eq!(gate.status_with("/", &issuer.token(claims("ada"))).await, StatusCode::OK);
    issuer.rotate(Algorithm::EdDsa);
    assert_eq!(gate.status_with("/", &issuer.token(claims("bob"))).await, StatusCode::OK);
}

#[tokio::test]
async fn unknown_keys_make_the_gate_ask_its_issuer_a_bounded_number_of_times() {
    let issuer = Issuer::start(Algorithm::Es256);
    let upstream = hello();
    let mut rules = config(vec![guarded("/", upstream.address(), Access::SignedIn)]);
    rules.issuers = vec![trusting(&issuer)];
    rules.limits.failed_authentication = crate::harness::rate("1000/second");
    let gate = Gated::start(rules);
    let stranger = Issuer::start(Algorithm::Es256);
    for number in 0..40 {
        stranger.rotate(Algorithm::EdDsa);
        let token =
            stranger.token(json!({ "iss": issuer.url(), "sub": "x", "aud": AUDIENCE, "jti": number.to_string() }));
        assert_eq!(gate.status_with("/", &token).await, StatusCode::UNAUTHORIZED);
    }
    assert!(issuer.jwks_fetches() <= 3, "{} fetches", issuer.jwks_fetches());
    assert_eq!(gate.status_with("/", &issuer.token(claims("ada"))).await, StatusCode::OK);
}

#[tokio::test]
async fn while_an_issuer_was_never_reached_its_tokens_get_503_and_then_the_gate_recovers() {
    let issuer = Issuer::start(Algorithm::Es256);
    issuer.fail(true);
    let upstream = hello();
    let mut rules = config(vec![guarded("/", upstream.address(), Access::SignedIn)]);
    rules.issuers = vec![trusting(&issuer)];
    let gate = Gated::start(rules);
    let token = issuer.token(claims("ada"));
    let answer = gate.send(Method::GET, "/", &[("authorization", &format!("Bearer {token}"))], "").await;
    assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, Some("1")));
    issuer.fail(false);
    let mut status = StatusCode::SERVICE_UNAVAILABLE;
    for _ in 0..100 {
        status = gate.status_with("/", &token).await;
        if status == StatusCode::OK {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(status, StatusCode::OK);
    let records = gate.records();
    let fetches = |action: &str| records.iter().filter(|record| record["event"]["action"] == action).count();
    assert!(fetches("keys-failed") >= 1 && fetches("keys-fetched") == 1, "{records:#?}");
}

#[tokio::test]
async fn an_issuer_that_goes_down_later_takes_nobody_with_it() {
    let issuer = Issuer::start(Algorithm::Es256);
    let upstream = hello();
    let mut rules = config(vec![guarded("/", upstream.address(), Access::SignedIn)]);
    rules.issuers = vec![trusting(&issuer)];
    let gate = Gated::start(rules.clone());
    assert_eq!(gate.status_with("/", &issuer.token(claims("ada"))).await, StatusCode::OK);
    issuer.fail(true);
    assert_eq!(gate.status_with("/", &issuer.token(claims("bob"))).await, StatusCode::OK);
    // A reload begins without verified tokens, but with the keys that are known.
    gate.replace(rules);
    assert_eq!(gate.status_with("/", &issuer.token(claims("ada"))).await, StatusCode::OK);
}

#[tokio::test]
async fn a_backends_own_tokens_are_accepted_with_mapped_claims() {
    let secret = b"a shared secret of the backend's own, long enough".to_vec();
    let upstream = hello();
    let mut issuer = bartizan_token::Issuer::new(
        "shop",
        Vec::new(),
        KeySource::Shared(SharedSecret::new(&Secret::new(secret.clone())).unwrap()),
    );
    issuer.require.issuer = Presence::Optional;
    issuer.require.audience = Presence::Optional;
    issuer.claims = ClaimMap { subject: "/id".to_owned(), roles: "/role".to_owned(), scopes: "/scope".to_owned() };
    let access = crate::harness::rule(|rule| rule.roles = vec!["admin".into()]);
    let mut rules = config(vec![guarded("/", upstream.address(), access)]);
    rules.issuers = vec![TrustedIssuer { issuer, fetch: None, introspection: None }];
    let gate = Gated::start(rules);
    let token = |role: &str| PlainTokens::hs256(&secret, &json!({ "id": 42, "role": role, "exp": 4_000_000_000_u64 }));
    assert_eq!(gate.status_with("/", &token("admin")).await, StatusCode::OK);
    assert_eq!(gate.status_with("/", &token("user")).await, StatusCode::FORBIDDEN);
    let forged = PlainTokens::hs256(
        b"another secret that is just as long as the first",
        &json!({ "id": 42, "role": "admin", "exp": 4_000_000_000_u64 }),
    );
    assert_eq!(gate.status_with("/", &forged).await, StatusCode::UNAUTHORIZED);
    assert!(upstream.only_request().headers.contains_key("authorization"), "the backend reads its own token");
    assert_eq!(gate.events()[0]["user"]["id"], "42");
}

#[tokio::test]
async fn what_was_revoked_is_refused_even_if_it_was_accepted_a_moment_ago() {
    let issuer = Issuer::start(Algorithm::Es256);
    let upstream = hello();
    let mut rules = config(vec![guarded("/", upstream.address(), Access::SignedIn)]);
    rules.issuers = vec![trusting(&issuer)];
    let gate = Gated::start(rules.clone());
    let (ada, bob) = (issuer.token(claims("ada")), issuer.token(claims("bob")));
    for _ in 0..2 {
        assert_eq!(gate.status_with("/", &ada).await, StatusCode::OK);
    }
    let id = "token-of-ada".into();
    rules.revoked = vec![Revocation::Token { issuer: issuer.url().into(), id }];
    gate.replace(rules);
    assert_eq!(gate.status_with("/", &ada).await, StatusCode::UNAUTHORIZED);
    assert_eq!(gate.status_with("/", &ada).await, StatusCode::UNAUTHORIZED);
    assert_eq!(gate.status_with("/", &bob).await, StatusCode::OK);
}

fn api_key() -> (String, ApiKeyRecord) {
    let key = ApiKey::generate(&SystemRandom::new()).unwrap();
    let record = ApiKeyRecord {
        id: key.id.clone(),
        hash: key.hash,
        subject: "importer".into(),
        owner: None,
        roles: vec![Arc::from("importer")],
        scopes: Vec::new(),
        expires_at: None,
    };
    (key.text.expose().clone(), record)
}

#[tokio::test]
async fn an_api_key_opens_the_gate_in_either_field_and_goes_no_further() {
    let (key, record) = api_key();
    let upstream = hello();
    let mut rules = config(vec![guarded("/", upstream.address(), Access::SignedIn)]);
    rules.api_keys = vec![record];
    let gate = Gated::start(rules);
    let bearer = format!("Bearer {key}");
    for field in [("x-api-key", key.as_str()), ("authorization", bearer.as_str())] {
        assert_eq!(gate.send(Method::GET, "/", &[field], "").await.status, StatusCode::OK);
    }
    let both = [("x-api-key", key.as_str()), ("authorization", bearer.as_str())];
    assert_eq!(gate.send(Method::GET, "/", &both, "").await.status, StatusCode::OK, "one key, said twice");
    let wrong = [("x-api-key", key.strip_suffix(|_: char| true).unwrap())];
    assert_eq!(gate.send(Method::GET, "/", &wrong, "").await.status, StatusCode::UNAUTHORIZED);
    let received = format!("{:?}", upstream.received());
    assert!(!received.contains("btz_"), "{received}");
    let records = gate.records();
    assert!(!format!("{records:?}").contains(&key));
    let event = records.iter().find(|record| record["event"]["action"] == "request").unwrap();
    assert_eq!((&event["user"]["id"], &event["bartizan"]["credential"]), (&"importer".into(), &"api-key".into()));
}

#[tokio::test]
async fn two_different_credentials_are_refused() {
    let issuer = Issuer::start(Algorithm::Es256);
    let (key, record) = api_key();
    let upstream = hello();
    let mut rules = config(vec![guarded("/", upstream.address(), Access::SignedIn)]);
    rules.issuers = vec![trusting(&issuer)];
    rules.api_keys = vec![record];
    let gate = Gated::start(rules);
    let bearer = format!("Bearer {}", issuer.token(claims("ada")));
    let other = format!("Bearer {}", issuer.token(claims("bob")));
    for fields in [
        [("authorization", bearer.as_str()), ("x-api-key", key.as_str())],
        [("authorization", bearer.as_str()), ("authorization", other.as_str())],
        [("authorization", bearer.as_str()), ("authorization", bearer.as_str())],
        [("authorization", bearer.as_str()), ("cookie", "__Host-bartizan=x")],
        [("cookie", "__Host-bartizan=x"), ("cookie", "__Host-bartizan=y")],
    ] {
        let answer = gate.send(Method::GET, "/", &fields, "").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{fields:?}");
        assert!(answer.text().contains("ambiguous-credentials"), "{}", answer.text());
    }
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn a_credential_of_a_kind_that_the_route_does_not_take_is_refused() {
    let (key, record) = api_key();
    let upstream = hello();
    let mut guarded = guarded("/", upstream.address(), Access::SignedIn);
    guarded.credentials = vec![CredentialKind::Bearer];
    let mut rules = config(vec![guarded]);
    rules.api_keys = vec![record];
    let gate = Gated::start(rules);
    for field in [("x-api-key", key.as_str()), ("authorization", "Basic YTpi"), ("authorization", "Digest x")] {
        assert_eq!(gate.send(Method::GET, "/", &[field], "").await.status, StatusCode::UNAUTHORIZED, "{field:?}");
    }
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn on_a_public_route_a_stale_token_is_nobodys_and_goes_no_further() {
    let issuer = Issuer::start(Algorithm::Es256);
    let upstream = hello();
    let mut rules = config(vec![guarded("/", upstream.address(), Access::Public)]);
    rules.issuers = vec![trusting(&issuer)];
    let gate = Gated::start(rules);
    let stale = issuer.token(json!({ "sub": "ada", "aud": AUDIENCE, "exp": 1 }));
    assert_eq!(gate.status_with("/", &stale).await, StatusCode::OK);
    assert_eq!(gate.status_with("/", &issuer.token(claims("ada"))).await, StatusCode::OK);
    let received = upstream.received();
    assert!(!received[0].headers.contains_key("authorization"));
    assert!(received[1].headers.contains_key("authorization"));
    let events = gate.events();
    assert_eq!((&events[0]["user"]["id"], &events[1]["user"]["id"]), (&Value::Null, &"ada".into()));
    assert_eq!(events[0]["bartizan"]["observed"][0]["stage"], "authenticate");
}

#[tokio::test]
async fn a_route_that_looks_at_no_credentials_leaves_them_alone() {
    let upstream = hello();
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    let fields = [("authorization", "Basic YTpi"), ("x-api-key", "theirs")];
    assert_eq!(gate.send(Method::GET, "/", &fields, "").await.status, StatusCode::OK);
    let headers = upstream.only_request().headers;
    assert_eq!(
        (&headers["authorization"], &headers["x-api-key"]),
        (&"Basic YTpi".parse().unwrap(), &"theirs".parse().unwrap())
    );
}

#[tokio::test]
async fn a_reload_while_keys_are_being_fetched_does_not_lose_them() {
    let issuer = Issuer::start(Algorithm::Es256);
    let upstream = hello();
    let mut rules = config(vec![guarded("/", upstream.address(), Access::SignedIn)]);
    rules.issuers = vec![trusting(&issuer)];
    let gate = Gated::start(rules.clone());
    gate.replace(rules);
    eventually("the keys come", || issuer.jwks_fetches() > 0).await;
    assert_eq!(gate.status_with("/", &issuer.token(claims("ada"))).await, StatusCode::OK);
}
