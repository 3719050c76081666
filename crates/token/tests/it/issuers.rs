//! Which issuer's rules apply, and where the keys come from.

use bartizan_token::{Algorithm, ClaimMap, Issuer, KeySource, Presence, TokenError, Verifier, VerifierError};
use serde_json::json;

use crate::support::*;

fn published() -> Issuer {
    Issuer::new(ISSUER, vec![AUDIENCE.to_owned()], KeySource::Published)
}

#[test]
fn every_algorithm_of_the_default_list_verifies() {
    for signer in [&*ES256, &*ES384, &*EDDSA, &*RS256, &*RS384, &*RS512, &*PS256, &*PS384, &*PS512] {
        let token = signer.token(&json!({}));
        assert!(signer.verify(&token).is_ok(), "{}", signer.algorithm);
        assert_eq!(ES256.verify(&token).is_ok(), signer.algorithm == "ES256");
    }
}

#[test]
fn published_keys_are_asked_for_installed_and_rotated() {
    let verifier = Verifier::new(vec![published(), brown_field()]).unwrap();
    let name = ISSUER.into();
    assert_eq!(verifier.published().collect::<Vec<_>>(), [&name]);
    assert!(!verifier.has_keys(&name) && verifier.has_keys(&"shop".into()) && !verifier.has_keys(&"nobody".into()));

    let token = ES256.token(&json!({}));
    assert_eq!(verifier.verify(&token, NOW), Err(TokenError::KeysUnavailable { issuer: name.clone() }));
    verifier.install(&name, &ES256.keys()).unwrap();
    assert!(verifier.has_keys(&name));
    assert!(verifier.verify(&token, NOW).is_ok());

    verifier.install(&name, &EDDSA.keys()).unwrap();
    assert_eq!(verifier.verify(&token, NOW), Err(TokenError::UnknownKey { issuer: name.clone() }));
    assert!(verifier.verify(&EDDSA.token(&json!({})), NOW).is_ok());
}

#[test]
fn an_empty_key_set_counts_as_no_keys() {
    let verifier = Verifier::new(vec![published()]).unwrap();
    verifier.install(&ISSUER.into(), &key_set(&[])).unwrap();
    assert!(!verifier.has_keys(&ISSUER.into()));
    let verdict = verifier.verify(&ES256.token(&json!({})), NOW);
    assert_eq!(verdict, Err(TokenError::KeysUnavailable { issuer: ISSUER.into() }));
}

#[test]
fn keys_are_installed_only_for_issuers_that_publish_them() {
    let verifier = Verifier::new(vec![ES256.issuer()]).unwrap();
    for name in [ISSUER, "https://nobody.example"] {
        let refusal = verifier.install(&name.into(), &EDDSA.keys());
        assert_eq!(refusal, Err(VerifierError::NotPublished { issuer: name.into() }));
    }
}

#[test]
fn a_token_without_a_key_id_is_tried_against_a_bounded_number_of_keys() {
    let strangers: Vec<_> = (0..9).map(|_| Signer::new_es256()).collect();
    let header = json!({"alg": "ES256"});
    let token = ES256.token_with(&header, &claims(&json!({})));
    let issuer_with = |before: usize| {
        let mut jwks: Vec<_> = strangers.iter().take(before).map(|signer| &signer.jwk).collect();
        jwks.push(&ES256.jwk);
        Issuer::new(ISSUER, vec![AUDIENCE.to_owned()], KeySource::Fixed(key_set(&jwks)))
    };
    assert!(verify(issuer_with(7), &token).is_ok());
    assert_eq!(verify(issuer_with(8), &token).unwrap_err(), TokenError::BadSignature);
}

#[test]
fn a_token_that_names_its_key_is_judged_by_that_key_alone() {
    let (mut one, mut other) = (Signer::new_es256(), Signer::new_es256());
    one.jwk["kid"] = "one".into();
    other.jwk["kid"] = "other".into();
    let keys = key_set(&[&one.jwk, &other.jwk]);
    let issuer = Issuer::new(ISSUER, vec![AUDIENCE.to_owned()], KeySource::Fixed(keys));
    assert!(verify(issuer.clone(), &one.token(&json!({}))).is_ok());
    let misnamed = one.token_with(&other.header(), &claims(&json!({})));
    assert_eq!(verify(issuer, &misnamed).unwrap_err(), TokenError::BadSignature);
}

#[test]
fn a_key_without_an_id_serves_tokens_that_name_one_and_an_unknown_id_is_still_told() {
    let mut jwk = ES256.jwk.clone();
    jwk.as_object_mut().unwrap().remove("kid");
    let issuer = Issuer::new(ISSUER, vec![AUDIENCE.to_owned()], KeySource::Fixed(key_set(&[&jwk])));
    assert!(verify(issuer.clone(), &ES256.token(&json!({}))).is_ok());
    let rotated = Signer::new_es256().token(&json!({}));
    assert_eq!(verify(issuer, &rotated).unwrap_err(), TokenError::UnknownKey { issuer: ISSUER.into() });
}

#[test]
fn two_entries_of_one_issuer_are_told_apart_by_audience() {
    let mut admin = ES256.issuer();
    admin.audience = vec!["https://admin.example".to_owned()];
    admin.claims = ClaimMap { roles: "/admin_roles".to_owned(), ..ClaimMap::default() };
    let verifier = Verifier::new(vec![ES256.issuer(), admin]).unwrap();
    let verdict = |audience| {
        let token = ES256.token(&json!({"aud": audience, "admin_roles": ["root"]}));
        verifier.verify(&token, NOW).map(|principal| principal.roles)
    };
    assert_eq!(verdict(json!(AUDIENCE)), Ok(vec!["staff".into()]));
    assert_eq!(verdict(json!("https://admin.example")), Ok(vec!["root".into()]));
    assert_eq!(verdict(json!("https://other.example")), Err(TokenError::WrongAudience));
    assert_eq!(verdict(json!([AUDIENCE, "https://admin.example"])), Err(TokenError::AmbiguousIssuer));
}

#[test]
fn entries_that_a_token_could_fit_by_chance_are_a_fault() {
    let refusal = |one: Issuer, other: Issuer| Verifier::new(vec![one, other]).unwrap_err();
    let same = VerifierError::Indistinguishable { one: ISSUER.into(), other: ISSUER.into() };
    assert_eq!(refusal(ES256.issuer(), published()), same);

    let mut loose = published();
    loose.audience = vec!["https://admin.example".to_owned()];
    loose.require.audience = Presence::Optional;
    assert_eq!(refusal(ES256.issuer(), loose), same, "a token without `aud` fits both");

    let mut nameless = brown_field();
    nameless.name = "backend".into();
    let nameless_twice = VerifierError::Indistinguishable { one: "shop".into(), other: "backend".into() };
    assert_eq!(refusal(brown_field(), nameless), nameless_twice, "a token without `iss` fits both");

    let mut ed25519_only = published();
    ed25519_only.algorithms = vec![Algorithm::EdDsa];
    let mut es256_only = published();
    es256_only.algorithms = vec![Algorithm::Es256];
    assert!(Verifier::new(vec![ed25519_only, es256_only, brown_field()]).is_ok());
}

#[test]
fn a_configuration_that_cannot_be_meant_is_a_fault() {
    let refusal = |spoil: fn(&mut Issuer), mut issuer: Issuer| {
        spoil(&mut issuer);
        Verifier::new(vec![issuer]).unwrap_err()
    };
    assert_eq!(refusal(|issuer| issuer.name = "".into(), published()), VerifierError::NoName);
    assert_eq!(
        refusal(|issuer| issuer.audience.clear(), published()),
        VerifierError::NoAudience { issuer: ISSUER.into() }
    );
    assert_eq!(
        refusal(|issuer| issuer.algorithms = vec![Algorithm::Hs256], published()),
        VerifierError::AlgorithmMismatch { issuer: ISSUER.into(), algorithm: Algorithm::Hs256 }
    );
    assert_eq!(
        refusal(|issuer| issuer.algorithms = vec![Algorithm::Es256], brown_field()),
        VerifierError::AlgorithmMismatch { issuer: "shop".into(), algorithm: Algorithm::Es256 }
    );
    assert_eq!(
        refusal(|issuer| issuer.algorithms = vec![Algorithm::Hs512], brown_field()),
        VerifierError::AlgorithmMismatch { issuer: "shop".into(), algorithm: Algorithm::Hs512 },
        "32 bytes are too short for HS512 (RFC 7518 §3.2)"
    );
    for pointer in ["sub", "", "/", "/a~", "/a~2"] {
        let mut issuer = published();
        issuer.claims.subject = pointer.to_owned();
        let expected = VerifierError::NoPointer { issuer: ISSUER.into(), pointer: pointer.to_owned() };
        assert_eq!(Verifier::new(vec![issuer]).unwrap_err(), expected);
    }
}

#[test]
fn a_verifier_is_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Verifier>();
    is_shared::<bartizan_token::ApiKeys>();
    is_shared::<bartizan_token::AssertionSigner>();
}
