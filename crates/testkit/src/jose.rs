use aws_lc_rs::{
    encoding::{AsDer as _, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// An algorithm that an [`Issuer`](crate::Issuer) signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256.
    Es256,
    /// RSA PKCS #1 v1.5 with SHA-256, 2048 bits.
    Rs256,
    /// Ed25519.
    EdDsa,
}

/// A key pair that signs tokens, with its name.
pub struct KeyPair {
    kid: String,
    pair: Pair,
}

enum Pair {
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl KeyPair {
    /// A new pair named `kid`.
    pub fn generate(algorithm: Algorithm, kid: &str) -> Self {
        let pair = match algorithm {
            Algorithm::Es256 => Pair::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
            Algorithm::Rs256 => Pair::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
            Algorithm::EdDsa => Pair::EdDsa(Ed25519KeyPair::generate().unwrap()),
        };
        Self { kid: kid.to_owned(), pair }
    }

    /// Its name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its public half (`RFC 7517`).
    pub fn jwk(&self) -> Value {
        let jwk = match &self.pair {
            Pair::Es256(pair) => {
                // An uncompressed point: 0x04, x, y.
                let (x, y) = pair.public_key().as_ref().split_at(33);
                json!({ "kty": "EC", "crv": "P-256", "x": encode(x.strip_prefix(&[4]).unwrap()), "y": encode(y) })
            }
            Pair::Rs256(pair) => {
                let [n, e] = rsa_integers(pair.public_key().as_ref());
                json!({ "kty": "RSA", "n": encode(n), "e": encode(e) })
            }
            Pair::EdDsa(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) }),
        };
        let common = json!({ "kid": self.kid, "use": "sig", "alg": self.algorithm() });
        [jwk, common]
            .into_iter()
            .filter_map(|part| if let Value::Object(part) = part { Some(part) } else { None })
            .flatten()
            .collect()
    }

    /// Its public half as X.509 `SubjectPublicKeyInfo`, DER: what an attacker would use as an HMAC secret.
    pub fn public_key_der(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = match &self.pair {
            Pair::Es256(pair) => pair.public_key().as_der(),
            Pair::Rs256(pair) => pair.public_key().as_der(),
            Pair::EdDsa(pair) => pair.public_key().as_der(),
        }
        .unwrap();
        der.as_ref().to_vec()
    }

    /// Its name in a header's `alg`.
    pub const fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Es256(_) => "ES256",
            Pair::Rs256(_) => "RS256",
            Pair::EdDsa(_) => "EdDSA",
        }
    }

    /// A signed token with exactly this `header` and these `claims`, however odd.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = signing_input(header, claims);
        let signature = match &self.pair {
            Pair::Es256(pair) => pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap().as_ref().to_vec(),
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature).unwrap();
                signature
            }
            Pair::EdDsa(pair) => pair.sign(input.as_bytes()).as_ref().to_vec(),
        };
        format!("{input}.{}", encode(&signature))
    }

    /// A signed token with an ordinary header.
    pub fn token(&self, claims: &Value) -> String {
        self.sign(&json!({ "alg": self.algorithm(), "kid": self.kid, "typ": "at+jwt" }), claims)
    }
}

/// Tokens as a backend issues them itself, with a secret that it shares with whoever checks them.
pub struct PlainTokens;

impl PlainTokens {
    /// A token signed with HMAC-SHA-256, as common libraries make it by default.
    pub fn hs256(secret: &[u8], claims: &Value) -> String {
        Self::hs256_with_header(secret, &json!({ "alg": "HS256", "typ": "JWT" }), claims)
    }

    /// The same with exactly this `header`.
    pub fn hs256_with_header(secret: &[u8], header: &Value, claims: &Value) -> String {
        let input = signing_input(header, claims);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        format!("{input}.{}", encode(tag.as_ref()))
    }

    /// An unsigned token (`alg` `none`, `RFC 7519 §6`), which nobody may accept.
    pub fn unsigned(claims: &Value) -> String {
        format!("{}.", signing_input(&json!({ "alg": "none" }), claims))
    }
}

/// Modulus and exponent of a DER `RSAPublicKey` (`RFC 8017 §A.1.1`: a sequence of two integers), without leading zeros.
fn rsa_integers(der: &[u8]) -> [&[u8]; 2] {
    let (sequence, _) = der_element(der, 0x30);
    let (n, rest) = der_element(sequence, 0x02);
    let (e, _) = der_element(rest, 0x02);
    [n, e].map(|integer| integer.strip_prefix(&[0]).unwrap_or(integer))
}

/// The contents of the element with `tag` that `der` begins with, and what follows it.
fn der_element(der: &[u8], tag: u8) -> (&[u8], &[u8]) {
    let (&[first, length], rest) = der.split_first_chunk().unwrap();
    assert_eq!(first, tag, "not the DER that was expected");
    // From 0x80 on, it is the number of bytes that hold the length.
    let (length, rest) = match length.checked_sub(0x80) {
        None => (usize::from(length), rest),
        Some(bytes) => {
            let (long, rest) = rest.split_at(usize::from(bytes));
            (long.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        }
    };
    rest.split_at(length)
}

fn signing_input(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()))
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
