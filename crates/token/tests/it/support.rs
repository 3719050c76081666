//! Issuers of the tests: real keys, made for each run, and tokens as they or a forger would make them.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{encoding::AsDer as _, hmac};
use bartizan_policy::{Principal, Timestamp};
use bartizan_token::{ClaimMap, Issuer, KeySet, KeySource, Presence, SharedSecret, TokenError, Verifier};
use bartizan_vault::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://login.example";
pub(crate) const AUDIENCE: &str = "https://api.example";
pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
pub(crate) const SECRET: &[u8; 32] = b"an express backend's JWT_SECRET!";

type SignFn = Box<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// A key that signs, and its public half as a JWK.
pub(crate) struct Signer {
    pub(crate) algorithm: &'static str,
    pub(crate) jwk: Value,
    sign: SignFn,
}

pub(crate) static ES256: LazyLock<Signer> =
    LazyLock::new(|| Signer::ecdsa("ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING));
pub(crate) static ES384: LazyLock<Signer> =
    LazyLock::new(|| Signer::ecdsa("ES384", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING));
pub(crate) static EDDSA: LazyLock<Signer> = LazyLock::new(Signer::ed25519);
pub(crate) static RS256: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("RS256", &signature::RSA_PKCS1_SHA256));
pub(crate) static RS384: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("RS384", &signature::RSA_PKCS1_SHA384));
pub(crate) static RS512: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("RS512", &signature::RSA_PKCS1_SHA512));
pub(crate) static PS256: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("PS256", &signature::RSA_PSS_SHA256));
pub(crate) static PS384: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("PS384", &signature::RSA_PSS_SHA384));
pub(crate) static PS512: LazyLock<Signer> = LazyLock::new(|| Signer::rsa("PS512", &signature::RSA_PSS_SHA512));

impl Signer {
    pub(crate) fn new_es256() -> Self {
        Self::ecdsa("ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    fn ecdsa(algorithm: &'static str, curve: &str, parameters: &'static EcdsaSigningAlgorithm) -> Self {
        let pair = EcdsaKeyPair::generate(parameters).unwrap();
        let (x, y) =
            pair.public_key().as_ref().split_first().unwrap().1.split_at(if curve == "P-256" { 32 } else { 48 });
        let jwk = json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y), "kid": algorithm});
        let sign = move |input: &[u8]| pair.sign(&SystemRandom::new(), input).unwrap().as_ref().to_vec();
        Self { algorithm, jwk, sign: Box::new(sign) }
    }

    fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()), "kid": "EdDSA"});
        Self { algorithm: "EdDSA", jwk, sign: Box::new(move |input| pair.sign(input).as_ref().to_vec()) }
    }

    fn rsa(algorithm: &'static str, padding: &'static dyn RsaEncoding) -> Self {
        // One key for every padding: making RSA keys is slow.
        static PAIR: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
        let mut jwk = rsa_jwk(PAIR.public_key().as_ref());
        jwk["kid"] = algorithm.into();
        let sign = move |input: &[u8]| {
            let mut signature = vec![0; PAIR.public_modulus_len()];
            PAIR.sign(padding, &SystemRandom::new(), input, &mut signature).unwrap();
            signature
        };
        Self { algorithm, jwk, sign: Box::new(sign) }
    }

    /// A token with this header and these claims, and a true signature over them.
    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        self.sign(&format!("{}.{}", encode(header.to_string()), encode(claims.to_string())))
    }

    /// The ordinary token of an ordinary caller, its claims changed by `change`: `null` takes one away.
    pub(crate) fn token(&self, change: &Value) -> String {
        self.token_with(&self.header(), &claims(change))
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": self.algorithm, "kid": self.jwk["kid"], "typ": "at+jwt"})
    }

    pub(crate) fn sign(&self, signing_input: &str) -> String {
        format!("{signing_input}.{}", encode((self.sign)(signing_input.as_bytes())))
    }

    pub(crate) fn keys(&self) -> KeySet {
        key_set(&[&self.jwk])
    }

    /// The issuer with this key, under the strict rules.
    pub(crate) fn issuer(&self) -> Issuer {
        Issuer::new(ISSUER, vec![AUDIENCE.to_owned()], KeySource::Fixed(self.keys()))
    }

    pub(crate) fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        verify(self.issuer(), token)
    }
}

/// The JWK of a DER `RSAPublicKey` with a 2048-bit modulus (`RFC 8017 §A.1.1`).
fn rsa_jwk(der: &[u8]) -> Value {
    json!({"kty": "RSA", "n": encode(&der[9..265]), "e": encode(&der[267..])})
}

/// The public key as PEM holds it: what the confusion attack uses as an HMAC secret.
pub(crate) fn spki_of_a_new_es256_key() -> (KeySet, Vec<u8>) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (x, y) = pair.public_key().as_ref().split_first().unwrap().1.split_at(32);
    let keys = key_set(&[&json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)})]);
    (keys, pair.public_key().as_der().unwrap().as_ref().to_vec())
}

/// A token signed with HMAC-SHA-256 under `secret`.
pub(crate) fn hs256(secret: &[u8], header: &Value, claims: &Value) -> String {
    let input = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", encode(tag))
}

/// A backend's own tokens, as Express and `jsonwebtoken` make them: a shared secret, own claim names, neither `iss` nor `aud`.
pub(crate) fn brown_field() -> Issuer {
    let secret = SharedSecret::new(&Secret::new(SECRET.to_vec())).unwrap();
    let mut issuer = Issuer::new("shop", Vec::new(), KeySource::Shared(secret));
    issuer.require.issuer = Presence::Optional;
    issuer.require.audience = Presence::Optional;
    issuer.claims = ClaimMap { subject: "/id".to_owned(), roles: "/role".to_owned(), ..ClaimMap::default() };
    issuer
}

pub(crate) fn claims(change: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW.as_unix() + 300, "iat": NOW.as_unix() - 10,
        "jti": "token-1", "client_id": "app", "roles": ["staff"], "scope": "orders:read orders:write",
    });
    let members = claims.as_object_mut().unwrap();
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    claims
}

pub(crate) fn key_set(jwks: &[&Value]) -> KeySet {
    KeySet::parse(json!({"keys": jwks}).to_string().as_bytes()).unwrap()
}

pub(crate) fn verify(issuer: Issuer, token: &str) -> Result<Principal, TokenError> {
    Verifier::new(vec![issuer]).unwrap().verify(token, NOW)
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
