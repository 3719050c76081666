//! What the room `token` reads: tokens, keys, key sets, discovery documents.

use std::sync::LazyLock;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use bartizan_policy::{IssuerName, Timestamp};
use bartizan_token::{
    ApiKey, ApiKeyRecord, ApiKeys, Discovery, Issuer, Jws, KeySet, KeySource, SharedSecret, Verifier,
    looks_like_api_key,
};
use bartizan_vault::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const PUBLISHING: &str = "https://login.example";
const SHARING: &str = "https://shop.example";
const AUDIENCE: &str = "https://api.example";
const SECRET: &[u8] = b"a secret of the fuzzer, of thirty-two bytes and more";
/// The key of RFC 7515, appendix A.3.
const KEYS: &[u8] = br#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a3","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let keys = KeySet::parse(KEYS).expect("a key set");
    let secret = SharedSecret::new(&Secret::new(SECRET.to_vec())).expect("256 bits");
    Verifier::new(vec![
        Issuer::new(PUBLISHING, vec![AUDIENCE.into()], KeySource::Fixed(keys)),
        Issuer::new(SHARING, vec![AUDIENCE.into()], KeySource::Shared(secret)),
    ])
    .expect("two issuers")
});

/// Nobody here has signed anything, so no text is a token.
pub fn token(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    assert!(VERIFIER.verify(text, NOW).is_err());
    if let Ok(token) = Jws::parse(text) {
        assert!(token.verify(&KeySet::parse(KEYS).expect("a key set")).is_err());
    }
}

/// Behind a true signature: the header's last member and the claims are the input's. What is accepted is of its issuer,
/// for its audience, and not over.
pub fn claims(input: &[u8]) {
    static KEY: LazyLock<hmac::Key> = LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, SECRET));
    let (member, claims) = match input.iter().position(|byte| *byte == 0) {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (&b""[..], input),
    };
    let header = [br#"{"alg":"HS256""#, member, b"}"].concat();
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&KEY, signed.as_bytes()));
    if let Ok(principal) = VERIFIER.verify(&format!("{signed}.{signature}"), NOW) {
        let claims = str::from_utf8(claims).expect("JSON is UTF-8");
        assert_eq!(principal.issuer.as_str(), SHARING);
        assert!(claims.contains("exp") && claims.contains("aud"), "{claims}");
    }
}

/// A text that is not the one key that was made is no key.
pub fn api_key(input: &[u8]) {
    static KEYS: LazyLock<ApiKeys> = LazyLock::new(|| {
        let key = ApiKey::generate(&SystemRandom::new()).expect("randomness");
        ApiKeys::new(vec![ApiKeyRecord {
            id: key.id,
            hash: key.hash,
            subject: "fuzzer".into(),
            owner: None,
            roles: Vec::new(),
            scopes: Vec::new(),
            expires_at: None,
        }])
        .expect("one record")
    });
    let Ok(text) = str::from_utf8(input) else { return };
    assert!(KEYS.verify(text, NOW).is_err());
    assert_eq!(looks_like_api_key(text), text.starts_with("btz_"));
}

/// A key set is bounded, and says of each key that it leaves out why.
pub fn jwks(input: &[u8]) {
    if let Ok(keys) = KeySet::parse(input) {
        assert!(keys.len() + keys.skipped().len() <= 100);
    }
}

/// A discovery document counts only for the issuer that it names.
pub fn discovery(input: &[u8]) {
    let _ = Discovery::parse(input, &IssuerName::from(PUBLISHING));
}
