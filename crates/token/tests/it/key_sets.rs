//! What of a published key set is used (`RFC 7517`, `RFC 8725 §3.4`).

use bartizan_token::{KeySet, KeySetError, SkipReason, SkippedKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::*;

fn skipped(jwk: &Value) -> SkipReason {
    let set = key_set(&[jwk, &ES256.jwk]);
    assert_eq!(set.len(), 1, "the rest of the set is still used");
    let only = set.skipped().first().unwrap();
    assert_eq!((set.skipped().len(), only.index), (1, 0), "{jwk}");
    only.reason
}

fn changed(signer: &Signer, changes: &[(&str, Value)]) -> Value {
    let mut jwk = signer.jwk.clone();
    for (name, value) in changes {
        jwk[*name] = value.clone();
    }
    jwk
}

#[test]
fn keys_for_other_purposes_are_left_out() {
    assert_eq!(skipped(&changed(&EDDSA, &[("use", json!("enc"))])), SkipReason::NotForSignatures);
    assert_eq!(skipped(&changed(&EDDSA, &[("key_ops", json!(["sign"]))])), SkipReason::NotForSignatures);
    assert_eq!(skipped(&changed(&EDDSA, &[("key_ops", json!([]))])), SkipReason::NotForSignatures);
    let fit = changed(&EDDSA, &[("use", json!("sig")), ("key_ops", json!(["sign", "verify"]))]);
    assert_eq!(key_set(&[&fit]).len(), 1);
}

#[test]
fn a_key_whose_private_half_is_published_is_left_out() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert_eq!(skipped(&changed(&RS256, &[(member, json!("AQAB"))])), SkipReason::PrivateMember, "{member}");
    }
    assert_eq!(skipped(&changed(&EDDSA, &[("d", json!("AA"))])), SkipReason::PrivateMember);
}

#[test]
fn a_published_secret_is_left_out() {
    let secret = json!({"kty": "oct", "k": encode(SECRET), "alg": "HS256"});
    assert_eq!(skipped(&secret), SkipReason::Symmetric);
}

#[test]
fn keys_of_unknown_types_are_left_out() {
    for change in [("kty", "AKP"), ("kty", "ec"), ("crv", "Ed448"), ("crv", "X25519")] {
        assert_eq!(
            skipped(&changed(&EDDSA, &[(change.0, change.1.into())])),
            SkipReason::UnsupportedType,
            "{change:?}"
        );
    }
    assert_eq!(skipped(&changed(&ES384, &[("crv", "secp256k1".into())])), SkipReason::UnsupportedType);
}

#[test]
fn a_key_is_bound_to_its_algorithm() {
    for alg in ["RS256", "ES384", "HS256", "none", "ECDH-ES"] {
        assert_eq!(skipped(&changed(&EDDSA, &[("alg", alg.into())])), SkipReason::AlgorithmMismatch, "{alg}");
    }
    assert_eq!(key_set(&[&changed(&EDDSA, &[("alg", "Ed25519".into())])]).len(), 1, "RFC 9864");
}

#[test]
fn points_off_the_curve_and_malformed_members_are_left_out() {
    let coordinate = |fill: u8, length: usize| json!(encode(vec![fill; length]));
    let malformed = [
        changed(&ES256, &[("y", coordinate(1, 32))]),
        changed(&ES256, &[("x", coordinate(255, 32)), ("y", coordinate(255, 32))]),
        changed(&ES256, &[("x", coordinate(0, 32)), ("y", coordinate(0, 32))]),
        changed(&ES256, &[("x", coordinate(1, 31))]),
        changed(&ES256, &[("x", coordinate(1, 33))]),
        changed(&ES256, &[("x", json!("AAAA="))]),
        changed(&ES256, &[("x", json!(1))]),
        changed(&ES256, &[("kid", json!(1))]),
        changed(&ES256, &[("alg", json!(1))]),
        changed(&ES256, &[("use", json!(1))]),
        changed(&ES256, &[("key_ops", json!("verify"))]),
        changed(&EDDSA, &[("x", coordinate(1, 31))]),
        json!({}),
        json!([]),
        json!("key"),
        json!(null),
    ];
    for jwk in malformed {
        assert_eq!(skipped(&jwk), SkipReason::Malformed, "{jwk}");
    }
}

#[test]
fn coordinates_that_only_together_have_the_right_length_are_left_out() {
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(ES256.jwk[name].as_str().unwrap()).unwrap();
    let point = [bytes("x"), bytes("y")].concat();
    let (x, y) = point.split_at(31);
    assert_eq!(skipped(&changed(&ES256, &[("x", json!(encode(x))), ("y", json!(encode(y)))])), SkipReason::Malformed);
}

#[test]
fn rsa_keys_that_are_short_or_degenerate_are_left_out() {
    let modulus = |bytes: usize| json!(encode([vec![0xc1; bytes - 1], vec![1]].concat()));
    assert_eq!(skipped(&changed(&RS256, &[("n", modulus(128))])), SkipReason::RsaTooShort { bits: 1024 });
    assert_eq!(
        skipped(&changed(&RS256, &[("n", json!(encode([&[0x7f][..], &[1; 255]].concat())))])),
        SkipReason::RsaTooShort { bits: 2047 }
    );
    assert_eq!(skipped(&changed(&RS256, &[("n", modulus(1025))])), SkipReason::Malformed, "larger than 8192 bits");
    let even = encode([&[0xc1][..], &[2; 255]].concat());
    assert_eq!(skipped(&changed(&RS256, &[("n", json!(even))])), SkipReason::Malformed);
    for exponent in [vec![], vec![0], vec![1], vec![2], vec![0, 1, 0, 1], vec![1, 0, 0, 0, 1]] {
        assert_eq!(
            skipped(&changed(&RS256, &[("e", json!(encode(&exponent)))])),
            SkipReason::Malformed,
            "{exponent:?}"
        );
    }
}

#[test]
fn a_key_that_stands_twice_counts_once() {
    let set = key_set(&[&ES256.jwk, &EDDSA.jwk, &ES256.jwk]);
    assert_eq!(set.len(), 2);
    assert_eq!(set.skipped(), [SkippedKey { index: 2, reason: SkipReason::Duplicate }]);
}

#[test]
fn a_document_that_is_no_key_set_is_refused() {
    for document in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":[]} "x""#] {
        assert_eq!(KeySet::parse(document.as_bytes()).unwrap_err(), KeySetError::Malformed, "{document}");
    }
    assert_eq!(KeySet::parse(&vec![b' '; KeySet::MAX_BYTES + 1]).unwrap_err(), KeySetError::TooLong);
    let crowd = json!({"keys": vec![json!({}); KeySet::MAX_KEYS + 1]}).to_string();
    assert_eq!(KeySet::parse(crowd.as_bytes()).unwrap_err(), KeySetError::TooManyKeys);
}
