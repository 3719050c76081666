use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::{Algorithm, Answer, KeyPair, Upstream};

/// A throwaway `OpenID` issuer on loopback: discovery, JWKS and tokens. It counts how often it is asked, can rotate its key, and can fail.
pub struct Issuer {
    server: Upstream,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    keys: Mutex<Keys>,
    discoveries: AtomicUsize,
    jwks_fetches: AtomicUsize,
    is_failing: AtomicBool,
}

#[derive(Default)]
struct Keys {
    /// The last one signs; all are published.
    published: Vec<Arc<KeyPair>>,
    made: usize,
}

const LIFETIME: u64 = 900;

impl Issuer {
    /// Starts an issuer with one key.
    pub fn start(algorithm: Algorithm) -> Self {
        let state = Arc::new(State::default());
        state.add_key(algorithm);
        let server = Upstream::start({
            let state = Arc::clone(&state);
            move |request| {
                let issuer = format!(
                    "http://{}",
                    request.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default()
                );
                state.answer(&request.target, &issuer)
            }
        });
        Self { server, state }
    }

    /// The issuer's identifier: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Where its JWKS is served.
    pub fn jwks_url(&self) -> String {
        format!("{}/jwks", self.url())
    }

    /// Its JWKS as it is now, for a file.
    pub fn jwks(&self) -> Value {
        self.state.jwks()
    }

    /// The key that signs.
    pub fn key(&self) -> Arc<KeyPair> {
        Arc::clone(self.state.keys.lock().unwrap().published.last().unwrap())
    }

    /// A token signed with the present key. Where `claims` lack `iss`, `iat` or `exp`, this issuer, now and in 15 minutes are filled in;
    /// a claim of `null` is left out.
    pub fn token(&self, claims: Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        self.key().token(&with_defaults(claims, &self.url(), now))
    }

    /// Publishes a new key, signs with it from now on, and goes on publishing the old ones.
    pub fn rotate(&self, algorithm: Algorithm) -> Arc<KeyPair> {
        self.state.add_key(algorithm)
    }

    /// Publishes only the present key, as after a leak.
    pub fn withdraw_old_keys(&self) {
        let published = &mut self.state.keys.lock().unwrap().published;
        published.drain(..published.len() - 1);
    }

    /// Whether it answers everything with 503 from now on.
    pub fn fail(&self, is_failing: bool) {
        self.state.is_failing.store(is_failing, Ordering::Release);
    }

    /// How often discovery was asked for.
    pub fn discoveries(&self) -> usize {
        self.state.discoveries.load(Ordering::Acquire)
    }

    /// How often the JWKS was asked for.
    pub fn jwks_fetches(&self) -> usize {
        self.state.jwks_fetches.load(Ordering::Acquire)
    }
}

impl State {
    fn add_key(&self, algorithm: Algorithm) -> Arc<KeyPair> {
        let mut keys = self.keys.lock().unwrap();
        keys.made += 1;
        let key = Arc::new(KeyPair::generate(algorithm, &format!("key-{}", keys.made)));
        keys.published.push(Arc::clone(&key));
        key
    }

    fn jwks(&self) -> Value {
        json!({ "keys": self.keys.lock().unwrap().published.iter().map(|key| key.jwk()).collect::<Vec<_>>() })
    }

    fn answer(&self, target: &str, issuer: &str) -> Answer {
        let is_failing = self.is_failing.load(Ordering::Acquire);
        let (counter, document) = match target {
            "/.well-known/openid-configuration" | "/.well-known/oauth-authorization-server" => {
                let jwks = format!("{issuer}/jwks");
                (&self.discoveries, json!({ "issuer": issuer, "jwks_uri": jwks, "response_types_supported": ["code"] }))
            }
            "/jwks" => (&self.jwks_fetches, self.jwks()),
            _ => return respond(StatusCode::NOT_FOUND, &json!({})),
        };
        counter.fetch_add(1, Ordering::AcqRel);
        if is_failing {
            return respond(StatusCode::SERVICE_UNAVAILABLE, &json!({}));
        }
        respond(StatusCode::OK, &document)
    }
}

fn respond(status: StatusCode, document: &Value) -> Answer {
    let response = Response::builder().status(status).header("content-type", "application/json");
    Answer::Respond(response.body(Bytes::from(document.to_string())).unwrap())
}

fn with_defaults(mut claims: Value, issuer: &str, now: u64) -> Value {
    let object = claims.as_object_mut().expect("claims are an object");
    object.entry("iss").or_insert_with(|| json!(issuer));
    object.entry("iat").or_insert_with(|| json!(now));
    object.entry("exp").or_insert_with(|| json!(now + LIFETIME));
    object.retain(|_, value| !value.is_null());
    claims
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
    };
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;
    use crate::HttpClient;

    fn decode(text: &str) -> Vec<u8> {
        BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    fn verifies(jwk: &Value, token: &str) -> bool {
        let (input, signature) = token.rsplit_once('.').unwrap();
        let (input, signature) = (input.as_bytes(), decode(signature));
        let field = |name: &str| decode(jwk[name].as_str().unwrap());
        match jwk["kty"].as_str().unwrap() {
            "EC" => {
                let point = [vec![4], field("x"), field("y")].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(input, &signature).is_ok()
            }
            "OKP" => UnparsedPublicKey::new(&ED25519, field("x")).verify(input, &signature).is_ok(),
            _ => {
                let key = RsaPublicKeyComponents { n: field("n"), e: field("e") };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, input, &signature).is_ok()
            }
        }
    }

    #[tokio::test]
    async fn tokens_verify_under_the_published_key_that_they_name() {
        for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa] {
            let issuer = Issuer::start(algorithm);
            let client = HttpClient::plain();
            let discovery =
                client.get(&format!("{}/.well-known/openid-configuration", issuer.url())).await.unwrap().json();
            assert_eq!(discovery["issuer"], issuer.url());
            let before = issuer.token(json!({ "sub": "ada" }));
            issuer.rotate(algorithm);
            let after = issuer.token(json!({ "sub": "ada", "exp": null }));
            let jwks = client.get(discovery["jwks_uri"].as_str().unwrap()).await.unwrap().json();
            assert!(verifies(&jwks["keys"][0], &before) && verifies(&jwks["keys"][1], &after));
            assert!(!verifies(&jwks["keys"][1], &before));
            assert_eq!((issuer.discoveries(), issuer.jwks_fetches()), (1, 1));
            let claims: Value = serde_json::from_slice(&decode(after.split('.').nth(1).unwrap())).unwrap();
            assert_eq!((&claims["iss"], claims.get("exp")), (&json!(issuer.url()), None));
        }
    }

    #[tokio::test]
    async fn an_issuer_can_withdraw_keys_and_fail() {
        let issuer = Issuer::start(Algorithm::EdDsa);
        issuer.rotate(Algorithm::Es256);
        issuer.withdraw_old_keys();
        let client = HttpClient::plain();
        let jwks = client.get(&issuer.jwks_url()).await.unwrap().json();
        assert_eq!(jwks["keys"].as_array().unwrap().len(), 1);
        assert_eq!(jwks["keys"][0]["kid"], "key-2");
        issuer.fail(true);
        assert_eq!(client.get(&issuer.jwks_url()).await.unwrap().status, StatusCode::SERVICE_UNAVAILABLE);
    }
}
