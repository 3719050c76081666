//! Tokens that are bound to a key (`RFC 9449`) or to a certificate (`RFC 8705`), and what a thief can do with one.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use bartizan_gateway::config::Config;
use bartizan_policy::{Access, CredentialKind};
use bartizan_testkit::{Algorithm, Answered, Issuer, KeyPair, PlainTokens, Upstream};
use bartizan_token::Presence;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{AUDIENCE, Gated, config, guarded, trusting};

const TARGET: &str = "http://api.test/orders";

/// A client with a key of its own, and the issuer that binds its tokens to it.
struct Client {
    key: KeyPair,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn sha256(text: &str) -> String {
    encode(digest(&SHA256, text.as_bytes()))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The members that make up a key, and no others.
fn public(jwk: &Value) -> Value {
    let names = ["crv", "kty", "x", "y", "n", "e"];
    names
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), jwk.get(name)?.clone())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

impl Client {
    fn new(algorithm: Algorithm) -> Self {
        Self { key: KeyPair::generate(algorithm, "client") }
    }

    fn thumbprint(&self) -> String {
        let mut members: Vec<(String, Value)> =
            public(&self.key.jwk()).as_object().unwrap().clone().into_iter().collect();
        members.sort_by(|one, other| one.0.cmp(&other.0));
        sha256(&Value::Object(members.into_iter().collect()).to_string())
    }

    fn token(&self, issuer: &Issuer) -> String {
        issuer.token(json!({ "sub": "ada", "aud": AUDIENCE, "cnf": { "jkt": self.thumbprint() } }))
    }

    fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": self.key.algorithm(), "jwk": public(&self.key.jwk()) })
    }

    fn claims(token: &str) -> Value {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let id = NUMBER.fetch_add(1, Ordering::Relaxed);
        json!({ "jti": format!("proof-{id}"), "htm": "GET", "htu": TARGET, "iat": now(), "ath": sha256(token) })
    }

    fn proof(&self, token: &str) -> String {
        self.key.sign(&self.header(), &Self::claims(token))
    }

    /// A proof with some claims changed; `null` takes one away.
    fn proof_with(&self, token: &str, change: &Value) -> String {
        self.key.sign(&self.header(), &merged(Self::claims(token), change))
    }

    fn proof_under(&self, token: &str, change: &Value) -> String {
        self.key.sign(&merged(self.header(), change), &Self::claims(token))
    }
}

fn merged(mut object: Value, change: &Value) -> Value {
    let members = object.as_object_mut().unwrap();
    for (name, value) in change.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
    }
    members.retain(|_, value| !value.is_null());
    object
}

fn rules(issuer: &Issuer, upstream: &Upstream) -> Config {
    let mut rules = config(vec![guarded("/orders", upstream.address(), Access::SignedIn)]);
    rules.issuers = vec![trusting(issuer)];
    rules.limits.failed_authentication = crate::harness::rate("1000/second");
    rules
}

async fn shown(gate: &Gated, token: &str, proofs: &[&str]) -> Answered {
    let authorization = format!("DPoP {token}");
    let mut fields = vec![("authorization", authorization.as_str())];
    fields.extend(proofs.iter().map(|proof| ("dpop", *proof)));
    gate.send(Method::GET, "/orders", &fields, "").await
}

fn hello() -> Upstream {
    Upstream::answering(StatusCode::OK, "hello")
}

#[tokio::test]
async fn a_bound_token_with_its_proof_passes_under_every_kind_of_key() {
    let (issuer, upstream) = (Issuer::start(Algorithm::Es256), hello());
    let gate = Gated::start(rules(&issuer, &upstream));
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
        let client = Client::new(algorithm);
        let token = client.token(&issuer);
        for _ in 0..2 {
            assert_eq!(shown(&gate, &token, &[&client.proof(&token)]).await.status, StatusCode::OK, "{algorithm:?}");
        }
        // Another spelling of the same target, with a query that does not count.
        let other = client.proof_with(&token, &json!({ "htu": "HTTP://API.test:80/%6Frders?x=1" }));
        assert_eq!(shown(&gate, &token, &[&other]).await.status, StatusCode::OK);
    }
    assert_eq!(gate.events()[0]["bartizan"]["credential"], "dpop");
}

#[tokio::test]
async fn a_stolen_token_is_of_no_use_without_the_key() {
    let (issuer, upstream) = (Issuer::start(Algorithm::Es256), hello());
    let gate = Gated::start(rules(&issuer, &upstream));
    let (client, thief) = (Client::new(Algorithm::Es256), Client::new(Algorithm::Es256));
    let token = client.token(&issuer);
    assert_eq!(gate.status_with("/orders", &token).await, StatusCode::UNAUTHORIZED, "as a bearer token");
    let bearer = format!("Bearer {token}");
    let proof = client.proof(&token);
    let fields = [("authorization", bearer.as_str()), ("dpop", proof.as_str())];
    let answer = gate.send(Method::GET, "/orders", &fields, "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "as a bearer token with a proof");
    assert!(answer.header("www-authenticate").unwrap().starts_with(r#"DPoP error="invalid_token", algs="ES256 "#));
    let forgeries = [
        ("no proof", Vec::new(), "proof-missing"),
        ("two proofs", vec![client.proof(&token), client.proof(&token)], "proof-repeated"),
        ("the thief's own key", vec![thief.proof(&token)], "proof-wrong-key"),
        (
            "the client's key, the thief's signature",
            vec![thief.key.sign(&client.header(), &Client::claims(&token))],
            "proof-bad-signature",
        ),
        ("no signature", vec![PlainTokens::unsigned(&Client::claims(&token))], "proof-type-refused"),
    ];
    for (name, proofs, _) in &forgeries {
        let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
        let answer = shown(&gate, &token, &proofs).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{name}");
        assert!(answer.header("www-authenticate").unwrap().contains("invalid_dpop_proof"), "{name}");
    }
    assert!(upstream.received().is_empty());
    let reasons = format!("{:?}", gate.events());
    for (_, _, code) in forgeries {
        assert!(reasons.contains(code), "{code} not in {reasons}");
    }
}

#[tokio::test]
async fn a_proof_for_another_request_is_refused() {
    let (issuer, upstream) = (Issuer::start(Algorithm::Es256), hello());
    let gate = Gated::start(rules(&issuer, &upstream));
    let client = Client::new(Algorithm::Es256);
    let (token, other) = (client.token(&issuer), issuer.token(json!({ "sub": "bob", "aud": AUDIENCE })));
    let wrong = [
        json!({ "htm": "POST" }),
        json!({ "htm": "get" }),
        json!({ "htm": null }),
        json!({ "htu": "http://api.test/other" }),
        json!({ "htu": "https://api.test/orders" }),
        json!({ "htu": "http://evil.test/orders" }),
        json!({ "htu": "http://api.test:81/orders" }),
        json!({ "htu": "http://api.test@evil.test/orders" }),
        json!({ "htu": "http://u@api.test/orders" }),
        json!({ "htu": "/orders" }),
        json!({ "htu": null }),
        json!({ "htu": "http://api.test/orders/../orders/x" }),
        json!({ "ath": sha256(&other) }),
        json!({ "ath": null }),
        json!({ "ath": "" }),
        json!({ "iat": now() - 120 }),
        json!({ "iat": now() + 120 }),
        json!({ "iat": null }),
        json!({ "iat": "now" }),
        json!({ "exp": now() - 1 }),
        json!({ "nbf": now() + 600 }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
        json!({ "jti": 7 }),
        json!({ "jti": "x".repeat(300) }),
    ];
    for change in wrong {
        let answer = shown(&gate, &token, &[&client.proof_with(&token, &change)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{change}");
    }
    assert!(upstream.received().is_empty());
    assert_eq!(shown(&gate, &token, &[&client.proof(&token)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_proof_whose_header_is_not_one_of_a_proof_is_refused() {
    let (issuer, upstream) = (Issuer::start(Algorithm::Es256), hello());
    let gate = Gated::start(rules(&issuer, &upstream));
    let client = Client::new(Algorithm::Es256);
    let token = client.token(&issuer);
    let mut private = public(&client.key.jwk());
    private["d"] = json!("AAAA");
    let wrong = [
        json!({ "typ": "JWT" }),
        json!({ "typ": null }),
        json!({ "typ": "DPOP+JWT" }),
        json!({ "alg": "none" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "ES384" }),
        json!({ "alg": null }),
        json!({ "jwk": private }),
        json!({ "jwk": null }),
        json!({ "jwk": { "kty": "oct", "k": "AAAA" } }),
        json!({ "jwk": "x" }),
        json!({ "crit": ["x"] }),
        json!({ "jku": "https://evil.test" }),
        json!({ "x5c": [] }),
        json!({ "b64": false }),
    ];
    for change in wrong {
        let answer = shown(&gate, &token, &[&client.proof_under(&token, &change)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{change}");
    }
    let long = client.proof_with(&token, &json!({ "x": "x".repeat(9000) }));
    assert_eq!(shown(&gate, &token, &[&long]).await.status, StatusCode::UNAUTHORIZED);
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn a_proof_counts_once_also_after_a_reload() {
    let (issuer, upstream) = (Issuer::start(Algorithm::Es256), hello());
    let rules = rules(&issuer, &upstream);
    let gate = Gated::start(rules.clone());
    let client = Client::new(Algorithm::Es256);
    let token = client.token(&issuer);
    let proof = client.proof(&token);
    assert_eq!(shown(&gate, &token, &[&proof]).await.status, StatusCode::OK);
    assert_eq!(shown(&gate, &token, &[&proof]).await.status, StatusCode::UNAUTHORIZED);
    gate.replace(rules);
    assert_eq!(shown(&gate, &token, &[&proof]).await.status, StatusCode::UNAUTHORIZED);
    // The same id under another key is another proof.
    let other = Client::new(Algorithm::EdDsa);
    let (others, id) = (other.token(&issuer), json!({ "jti": "shared" }));
    assert_eq!(shown(&gate, &token, &[&client.proof_with(&token, &id)]).await.status, StatusCode::OK);
    assert_eq!(shown(&gate, &others, &[&other.proof_with(&others, &id)]).await.status, StatusCode::OK);
    assert_eq!(upstream.received().len(), 3);
}

#[tokio::test]
async fn when_no_more_proofs_can_be_remembered_none_counts() {
    let (issuer, upstream) = (Issuer::start(Algorithm::Es256), hello());
    let gate = Gated::with_replay_room(rules(&issuer, &upstream), NonZeroUsize::new(64).unwrap());
    let client = Client::new(Algorithm::Es256);
    let token = client.token(&issuer);
    let first = client.proof(&token);
    assert_eq!(shown(&gate, &token, &[&first]).await.status, StatusCode::OK);
    let mut full = 0;
    for _ in 0..200 {
        let status = shown(&gate, &token, &[&client.proof(&token)]).await.status;
        full += usize::from(status == StatusCode::SERVICE_UNAVAILABLE);
    }
    assert!(full > 0, "a flood of proofs is refused when memory is full");
    let again = shown(&gate, &token, &[&first]).await.status;
    assert_eq!(again, StatusCode::UNAUTHORIZED, "and pushes nothing out");
}

#[tokio::test]
async fn a_token_that_is_bound_to_nothing_is_no_dpop_token_and_where_binding_is_required_no_token_at_all() {
    let (issuer, upstream) = (Issuer::start(Algorithm::Es256), hello());
    let mut rules = rules(&issuer, &upstream);
    let gate = Gated::start(rules.clone());
    let client = Client::new(Algorithm::Es256);
    let bearer = issuer.token(json!({ "sub": "ada", "aud": AUDIENCE }));
    assert_eq!(gate.status_with("/orders", &bearer).await, StatusCode::OK);
    assert_eq!(shown(&gate, &bearer, &[&client.proof(&bearer)]).await.status, StatusCode::UNAUTHORIZED);
    rules.issuers[0].issuer.dpop.binding = Presence::Required;
    gate.replace(rules);
    let field = format!("Bearer {bearer}");
    let answer = gate.send(Method::GET, "/orders", &[("authorization", &field)], "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.header("www-authenticate").unwrap().starts_with("DPoP "));
    let token = client.token(&issuer);
    assert_eq!(shown(&gate, &token, &[&client.proof(&token)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_route_can_take_bound_tokens_only() {
    let (issuer, upstream) = (Issuer::start(Algorithm::Es256), hello());
    let mut rules = rules(&issuer, &upstream);
    rules.routes[0].credentials = vec![CredentialKind::Dpop];
    let gate = Gated::start(rules);
    let client = Client::new(Algorithm::Es256);
    let token = client.token(&issuer);
    assert_eq!(shown(&gate, &token, &[&client.proof(&token)]).await.status, StatusCode::OK);
    let bearer = issuer.token(json!({ "sub": "ada", "aud": AUDIENCE }));
    assert_eq!(gate.status_with("/orders", &bearer).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn where_a_nonce_is_required_the_gate_gives_one_and_takes_no_other() {
    let (issuer, upstream) = (Issuer::start(Algorithm::Es256), hello());
    let mut rules = rules(&issuer, &upstream);
    rules.issuers[0].issuer.dpop.nonce = Presence::Required;
    // Who is told a nonce has not failed: the limit on guessing does not count it.
    rules.limits.failed_authentication = crate::harness::rate("1/minute");
    let gate = Gated::start(rules);
    let client = Client::new(Algorithm::Es256);
    let token = client.token(&issuer);
    for _ in 0..3 {
        let answer = shown(&gate, &token, &[&client.proof(&token)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.header("www-authenticate").unwrap().contains(r#"error="use_dpop_nonce""#));
        let nonce = answer.header("dpop-nonce").unwrap();
        let proof = client.proof_with(&token, &json!({ "nonce": nonce }));
        assert_eq!(shown(&gate, &token, &[&proof]).await.status, StatusCode::OK);
    }
    let made_up = client.proof_with(&token, &json!({ "nonce": "bWFkZS11cA" }));
    assert_eq!(shown(&gate, &token, &[&made_up]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_that_is_bound_in_a_way_that_is_not_known_or_to_a_certificate_that_is_not_there_is_refused() {
    let (issuer, upstream) = (Issuer::start(Algorithm::Es256), hello());
    let gate = Gated::start(rules(&issuer, &upstream));
    let client = Client::new(Algorithm::Es256);
    let certificate = sha256("a certificate");
    let bindings = [
        json!({ "jwk": {} }),
        json!({}),
        json!("x"),
        json!({ "jkt": "short" }),
        json!({ "jkt": 7 }),
        json!({ "x5t#S256": certificate }),
        json!({ "jkt": client.thumbprint(), "x5t#S256": certificate }),
        json!({ "jkt": client.thumbprint(), "kid": "x" }),
    ];
    for binding in bindings {
        let token = issuer.token(json!({ "sub": "ada", "aud": AUDIENCE, "cnf": binding }));
        assert_eq!(gate.status_with("/orders", &token).await, StatusCode::UNAUTHORIZED, "{binding} as a bearer");
        assert_eq!(shown(&gate, &token, &[&client.proof(&token)]).await.status, StatusCode::UNAUTHORIZED, "{binding}");
    }
    assert!(upstream.received().is_empty());
}
