//! What holds for every input, not only for those someone thought of.

use bartizan_policy::IssuerName;
use bartizan_token::{ApiKeys, Discovery, Fingerprint, KeySet, Verifier, looks_like_api_key};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::*;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|quarters| Value::from(f64::from(quarters) / 4.0)),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(".{0,6}", inner, 0..6).prop_map(|members| json!(members)),
        ]
    })
}

/// Members that the gate reads, with values that it may not expect.
fn any_object(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let name = prop::sample::select(names).prop_map(str::to_owned);
    prop::collection::hash_map(name, any_json(), 0..8).prop_map(|members| json!(members))
}

const HEADER: &[&str] = &["alg", "typ", "kid", "crit", "jwk", "jku", "cty", "zip"];
const CLAIMS: &[&str] =
    &["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "roles", "scope", "cnf", "amr", "auth_time", "azp"];
const JWK: &[&str] = &["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops", "d"];

fn verifier() -> Verifier {
    Verifier::new(vec![ES256.issuer(), brown_field()]).unwrap()
}

proptest! {
    #[test]
    fn no_text_is_taken_for_a_token(text in ".{0,200}") {
        prop_assert!(verifier().verify(&text, NOW).is_err());
        let _ = looks_like_api_key(&text);
        let _ = Fingerprint::of(&text);
    }

    #[test]
    fn no_text_is_taken_for_an_api_key(text in "(btz_)?[a-z2-7_]{0,80}") {
        prop_assert!(ApiKeys::new(Vec::new()).unwrap().verify(&text, NOW).is_err());
    }

    #[test]
    fn no_bytes_upset_the_readers_of_documents(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = KeySet::parse(&bytes);
        let _ = Discovery::parse(&bytes, &IssuerName::from(ISSUER));
    }

    #[test]
    fn no_json_upsets_the_readers_of_documents(jwks in prop::collection::vec(any_object(JWK), 0..6), other in any_json()) {
        let count = jwks.len();
        let set = KeySet::parse(json!({"keys": jwks}).to_string().as_bytes()).unwrap();
        prop_assert_eq!(set.len() + set.skipped().len(), count);
        let _ = KeySet::parse(other.to_string().as_bytes());
        let _ = Discovery::parse(other.to_string().as_bytes(), &IssuerName::from(ISSUER));
    }

    #[test]
    fn no_unsigned_header_and_claims_are_accepted(header in any_object(HEADER), claims in any_object(CLAIMS)) {
        let token = format!("{}.{}.AAAA", encode(header.to_string()), encode(claims.to_string()));
        prop_assert!(verifier().verify(&token, NOW).is_err());
    }

    #[test]
    fn signed_nonsense_is_judged_without_a_panic(change in any_object(CLAIMS), header in any_object(HEADER)) {
        let _ = verifier().verify(&ES256.token(&change), NOW);
        let _ = verifier().verify(&ES256.token_with(&header, &claims(&change)), NOW);
    }

    #[test]
    fn what_is_signed_is_what_is_read(
        subject in "[^\\p{Cc}]{1,40}",
        roles in prop::collection::vec(".{0,12}", 0..5),
        scopes in prop::collection::vec("[!#-~]{1,12}", 0..5),
        extra in any_json(),
    ) {
        let token = ES256.token(&json!({"sub": subject, "roles": roles, "scope": scopes.join(" "), "x": [&extra]}));
        let principal = ES256.verify(&token).unwrap();
        prop_assert_eq!(principal.subject.as_str(), subject);
        prop_assert!(principal.roles.iter().map(AsRef::as_ref).eq(roles.iter().map(String::as_str)));
        prop_assert!(principal.scopes.iter().map(AsRef::as_ref).eq(scopes.iter().map(String::as_str)));
        prop_assert_eq!(&principal.attributes["x"][0], &extra);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_refused(place in any::<prop::sample::Index>(), bit in 0..7_u8) {
        for signer in [&*ES256, &*EDDSA, &*RS256] {
            let mut bytes = signer.token(&json!({})).into_bytes();
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            let flipped = String::from_utf8(bytes).unwrap();
            prop_assert!(signer.verify(&flipped).is_err(), "{place}, bit {bit}");
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_is_refused_under_a_shared_secret(place in any::<prop::sample::Index>(), bit in 0..7_u8) {
        let claims = json!({"id": 42, "exp": NOW.as_unix() + 60});
        let mut bytes = hs256(SECRET, &json!({"alg": "HS256", "typ": "JWT"}), &claims).into_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        prop_assert!(verify(brown_field(), &String::from_utf8(bytes).unwrap()).is_err());
    }
}
