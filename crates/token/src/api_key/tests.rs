use aws_lc_rs::rand::SystemRandom;
use bartizan_policy::{CredentialKind, PrincipalKind, Timestamp};

use super::*;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

fn record(key: &ApiKey) -> ApiKeyRecord {
    ApiKeyRecord {
        id: key.id.clone(),
        hash: key.hash,
        subject: "nightly-export".into(),
        owner: Some("data team".to_owned()),
        roles: vec!["exporter".into()],
        scopes: vec!["orders:read".into()],
        expires_at: Some(Timestamp::from_unix(1_800_000_060)),
    }
}

fn key() -> ApiKey {
    ApiKey::generate(&SystemRandom::new()).unwrap()
}

fn with_checksum(start: &str) -> String {
    format!("{start}{}", checksum(start).iter().collect::<String>())
}

#[test]
fn a_key_speaks_for_its_integration_until_it_ends() {
    let key = key();
    let keys = ApiKeys::new(vec![record(&key)]).unwrap();
    let principal = keys.verify(key.text.expose(), NOW).unwrap();
    assert_eq!(principal.subject.as_str(), "nightly-export");
    assert_eq!(principal.issuer.as_str(), "api-keys");
    assert_eq!((principal.kind, principal.credential), (PrincipalKind::ApiKey, CredentialKind::ApiKey));
    assert_eq!(principal.token_id, Some(key.id.clone()));
    assert_eq!(principal.attributes["owner"], "data team");
    assert_eq!(keys.verify(key.text.expose(), Timestamp::from_unix(1_800_000_060)), Err(ApiKeyError::Expired));
}

#[test]
fn a_key_has_a_shape_that_scanners_know() {
    let key = key();
    let text = key.text.expose();
    assert_eq!(text.len(), 76);
    assert!(looks_like_api_key(text));
    assert_eq!(text.split('_').nth(1), Some(key.id.as_str()));
    assert!(text.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_'));
    assert_eq!(checksum("123456789"), ['d', 'f', '7', 'i', 'o', 'j', 'g'], "CRC-32's check value is 0xcbf43926");
}

#[test]
fn a_mistyped_or_cut_off_key_is_told_apart_from_an_unknown_one() {
    let key = key();
    let keys = ApiKeys::new(vec![record(&key)]).unwrap();
    let text = key.text.expose();
    for place in 17..text.len() {
        let mut mistyped = text.clone().into_bytes();
        mistyped[place] = if mistyped[place] == b'a' { b'b' } else { b'a' };
        let mistyped = String::from_utf8(mistyped).unwrap();
        assert_eq!(keys.verify(&mistyped, NOW), Err(ApiKeyError::WrongChecksum), "{place}");
    }
    for malformed in [
        "",
        "btz_",
        "btz__",
        text.split_at(75).0,
        text.split_at(1).1,
        &text.to_uppercase(),
        &format!("{text}a"),
        &text.replace("btz_", "btz-"),
    ] {
        assert_eq!(keys.verify(malformed, NOW), Err(ApiKeyError::Malformed), "{malformed}");
    }
}

#[test]
fn a_key_has_one_spelling_though_the_checksum_would_fit_another() {
    for id in ["K3Q7AAAAAAAA", "k3q7-aaaaaaa", "k3q7 aaaaaaa", "k3q7aaaaaaa\0", "k3q7aaaaaaaé"] {
        let spelt = with_checksum(&format!("btz_{id}_{}", "a".repeat(52)));
        assert_eq!(parse(&spelt), Err(ApiKeyError::Malformed), "{id}");
    }
    for secret in ["A".repeat(52), format!("{}1", "a".repeat(51))] {
        assert_eq!(
            parse(&with_checksum(&format!("btz_k3q7aaaaaaaa_{secret}"))),
            Err(ApiKeyError::Malformed),
            "{secret}"
        );
    }
}

#[test]
fn a_well_formed_key_with_another_secret_or_id_is_unknown() {
    let (key, other) = (key(), key());
    let keys = ApiKeys::new(vec![record(&key)]).unwrap();
    assert_eq!(keys.verify(other.text.expose(), NOW), Err(ApiKeyError::Unknown));
    let secret_of_other = other.text.expose().rsplit('_').next().unwrap();
    let forged = with_checksum(&format!("btz_{}_{}", key.id, secret_of_other.split_at(52).0));
    assert_eq!(keys.verify(&forged, NOW), Err(ApiKeyError::Unknown));
}

#[test]
fn the_hash_nobody_has_admits_nobody() {
    let nobody = with_checksum(&format!("btz_{}_{}", "a".repeat(12), "a".repeat(52)));
    assert_eq!(ApiKeys::new(Vec::new()).unwrap().verify(&nobody, NOW), Err(ApiKeyError::Unknown));
}

#[test]
fn two_records_with_one_id_or_one_hash_are_a_fault() {
    let (one, other) = (key(), key());
    let same_id = ApiKeyRecord { hash: other.hash, ..record(&one) };
    let refusal = ApiKeys::new(vec![record(&one), same_id]).unwrap_err();
    assert_eq!(refusal, RecordError::DuplicateId { id: one.id.clone() });
    let same_hash = ApiKeyRecord { id: other.id.clone(), ..record(&one) };
    let refusal = ApiKeys::new(vec![record(&one), same_hash]).unwrap_err();
    assert_eq!(refusal, RecordError::DuplicateHash { one: one.id, other: other.id });
}

#[test]
fn a_hash_is_read_as_it_is_written_and_nothing_else_is() {
    let hash = ApiKeyHash::of("abc");
    let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(hash.to_string(), text);
    assert_eq!(text.parse(), Ok(hash));
    assert_eq!(text.to_uppercase().replace("SHA256", "sha256").parse(), Ok(hash));
    assert_eq!(format!("sha256:{}", crate::base64url::encode(hash.as_bytes())).parse(), Ok(hash));
    for wrong in [
        "",
        "sha256:",
        "md5:00",
        text.split_at(7).1,
        text.split_at(70).0,
        &format!("{text}0"),
        &text.replace('b', "g"),
        &text.replace('b', "+"),
    ] {
        assert_eq!(wrong.parse::<ApiKeyHash>(), Err(HashError), "{wrong}");
    }
}

#[test]
fn no_error_of_a_key_shows_the_key() {
    let key = key();
    let keys = ApiKeys::new(Vec::new()).unwrap();
    let error = keys.verify(key.text.expose(), NOW).unwrap_err();
    let secret = key.text.expose().rsplit('_').next().unwrap();
    assert!(!format!("{error} {error:?} {}", error.code()).contains(secret));
}
