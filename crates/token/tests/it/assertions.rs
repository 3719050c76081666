//! The assertion to the upstream, judged by the room's own verifier: what an upstream in Rust would do.

use std::time::Duration;

use bartizan_policy::{CredentialKind, Principal, Timestamp};
use bartizan_token::{AssertionClaims, AssertionSigner, Decision, Issuer, KeySet, KeySource, TokenError, Verifier};
use bartizan_vault::SigningKey;
use serde_json::{Value, json};

use crate::support::*;

const GATE: &str = "https://gate.example";
const UPSTREAM: &str = "http://127.0.0.1:3000";

fn signer(previous: &[&SigningKey]) -> AssertionSigner {
    let previous = previous.iter().map(|key| key.public()).collect();
    AssertionSigner::new(SigningKey::generate().unwrap(), previous, GATE.to_owned(), Duration::from_mins(1))
}

fn assertion(signer: &AssertionSigner, principal: Option<&Principal>) -> String {
    let claims = AssertionClaims { audience: UPSTREAM, principal, route: "orders", decision: Decision::Allowed };
    signer.sign(&claims, NOW).unwrap()
}

fn upstream(signer: &AssertionSigner, audience: &str) -> Verifier {
    let keys = KeySet::parse(signer.jwks().as_bytes()).unwrap();
    let mut issuer = Issuer::new(GATE, vec![audience.to_owned()], KeySource::Fixed(keys));
    issuer.token_types = vec!["bartizan-assertion+jwt".to_owned()];
    Verifier::new(vec![issuer]).unwrap()
}

fn claims_of(token: &str) -> Value {
    use base64::Engine as _;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn an_upstream_learns_who_calls_and_what_was_decided() {
    let caller = json!({"acr": "urn:mfa", "amr": ["pwd", "otp"], "auth_time": NOW.as_unix() - 60});
    let principal = ES256.verify(&ES256.token(&caller)).unwrap();
    let signer = signer(&[]);
    let token = assertion(&signer, Some(&principal));
    assert_eq!(
        claims_of(&token),
        json!({
            "iss": GATE, "aud": UPSTREAM, "iat": NOW.as_unix(), "nbf": NOW.as_unix(), "exp": NOW.as_unix() + 60,
            "route": "orders", "decision": "allowed", "credential": "bearer", "sub": "alice", "idp": ISSUER,
            "strength": "full", "client_id": "app", "roles": ["staff"], "scope": "orders:read orders:write",
            "acr": "urn:mfa", "amr": ["pwd", "otp"], "auth_time": NOW.as_unix() - 60,
        })
    );
    let received = upstream(&signer, UPSTREAM).verify(&token, NOW).unwrap();
    assert_eq!(received.subject, principal.subject);
    assert_eq!(received.roles, principal.roles);
    assert_eq!(received.scopes, principal.scopes);
    assert_eq!(received.attributes["credential"], CredentialKind::Bearer.as_str());
}

#[test]
fn nobody_is_asserted_for_an_anonymous_request() {
    let claims = claims_of(&assertion(&signer(&[]), None));
    assert_eq!(claims["credential"], "none");
    for absent in ["sub", "idp", "roles", "scope", "strength"] {
        assert!(claims.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn an_assertion_is_good_for_one_upstream_and_a_minute() {
    let principal = ES256.verify(&ES256.token(&json!({}))).unwrap();
    let signer = signer(&[]);
    let token = assertion(&signer, Some(&principal));
    assert_eq!(upstream(&signer, "http://127.0.0.1:4000").verify(&token, NOW), Err(TokenError::WrongAudience));
    let late = NOW.after(Duration::from_secs(90));
    assert_eq!(upstream(&signer, UPSTREAM).verify(&token, late), Err(TokenError::Expired));
    assert!(upstream(&signer, UPSTREAM).verify(&token, Timestamp::from_unix(late.as_unix() - 1)).is_ok());
}

#[test]
fn an_assertion_is_no_access_token() {
    let principal = ES256.verify(&ES256.token(&json!({}))).unwrap();
    let signer = signer(&[]);
    let keys = KeySet::parse(signer.jwks().as_bytes()).unwrap();
    let gate = Issuer::new(GATE, vec![UPSTREAM.to_owned()], KeySource::Fixed(keys));
    assert_eq!(verify(gate, &assertion(&signer, Some(&principal))).unwrap_err(), TokenError::TypeRefused);
}

#[test]
fn a_key_that_was_rotated_out_stays_published_after_the_current_one() {
    let old = SigningKey::generate().unwrap();
    let signer = signer(&[&old]);
    let published: Value = serde_json::from_str(signer.jwks()).unwrap();
    let ids: Vec<_> = published["keys"].as_array().unwrap().iter().map(|key| &key["kid"]).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(published["keys"][1]["x"], encode(old.public().x));
    assert!(KeySet::parse(signer.jwks().as_bytes()).unwrap().skipped().is_empty());
}
