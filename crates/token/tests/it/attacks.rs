//! Forged and misused tokens, by the section of `RFC 8725` that warns of them.

use bartizan_policy::Timestamp;
use bartizan_token::{Issuer, KeySource, MAX_TOKEN_BYTES, SharedSecret, TokenError, Verifier};
use bartizan_vault::Secret;
use serde_json::{Value, json};

use crate::support::*;

fn refusal(token: &str) -> TokenError {
    ES256.verify(token).unwrap_err()
}

fn with_header(member: &str, value: Value) -> String {
    let mut header = ES256.header();
    header[member] = value;
    ES256.token_with(&header, &claims(&json!({})))
}

// §2.1, §3.1, §3.2: algorithms. (§3.4, the keys themselves: `key_sets.rs`.)

#[test]
fn a_token_without_a_signature_is_refused_however_none_is_spelt() {
    for none in ["none", "None", "NONE", "nOnE", "none ", "", "null"] {
        let header = encode(json!({"alg": none, "typ": "JWT"}).to_string());
        let payload = encode(claims(&json!({})).to_string());
        for signature in ["", "AA"] {
            assert_eq!(refusal(&format!("{header}.{payload}.{signature}")), TokenError::AlgorithmRefused, "{none:?}");
            let in_the_clear = verify(brown_field(), &format!("{header}.{payload}.{signature}"));
            assert_eq!(in_the_clear.unwrap_err(), TokenError::AlgorithmRefused);
        }
    }
}

#[test]
fn a_token_whose_algorithm_is_no_string_is_refused() {
    for alg in [json!(null), json!(1), json!(["ES256"]), json!({"ES256": true})] {
        assert!(matches!(refusal(&with_header("alg", alg)), TokenError::Malformed(_)));
    }
}

#[test]
fn a_token_signed_with_the_public_key_as_hmac_secret_is_refused() {
    let (keys, spki) = spki_of_a_new_es256_key();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", encode(&spki));
    let issuer = Issuer::new(ISSUER, vec![AUDIENCE.to_owned()], KeySource::Fixed(keys));
    for secret in [spki.as_slice(), pem.as_bytes(), &spki[26..], &spki[27..]] {
        let token = hs256(secret, &json!({"alg": "HS256"}), &claims(&json!({})));
        assert_eq!(verify(issuer.clone(), &token).unwrap_err(), TokenError::AlgorithmRefused);
    }
}

#[test]
fn a_token_of_a_public_key_is_refused_where_a_secret_is_shared() {
    let header = json!({"alg": "ES256"});
    let token = ES256.token_with(&header, &json!({"id": 1, "exp": NOW.as_unix() + 60}));
    assert_eq!(verify(brown_field(), &token).unwrap_err(), TokenError::AlgorithmRefused);
}

#[test]
fn a_key_bound_to_one_algorithm_verifies_no_other() {
    let mut jwk = RS256.jwk.clone();
    jwk["alg"] = "RS256".into();
    let issuer = Issuer::new(ISSUER, vec![AUDIENCE.to_owned()], KeySource::Fixed(key_set(&[&jwk])));
    assert!(verify(issuer.clone(), &RS256.token(&json!({}))).is_ok());
    let header = json!({"alg": "PS256", "kid": "RS256"});
    let token = PS256.token_with(&header, &claims(&json!({})));
    assert_eq!(verify(issuer, &token).unwrap_err(), TokenError::AlgorithmRefused);
}

#[test]
fn an_algorithm_off_the_issuers_list_is_refused_though_the_key_could() {
    let mut issuer = RS256.issuer();
    issuer.algorithms = vec![bartizan_token::Algorithm::Ps256];
    assert_eq!(verify(issuer, &RS256.token(&json!({}))).unwrap_err(), TokenError::AlgorithmRefused);
}

// §3.3: every cryptographic operation is validated.

#[test]
fn a_signature_of_zeros_or_of_another_key_or_length_is_refused() {
    let token = ES256.token(&json!({}));
    let (input, signature) = token.rsplit_once('.').unwrap();
    for forged in
        [encode([0; 64]), encode([0; 0]), encode([255; 64]), encode([1; 63]), signature.split_at(80).0.to_owned()]
    {
        assert_eq!(refusal(&format!("{input}.{forged}")), TokenError::BadSignature);
    }
    let forger = Signer::new_es256();
    assert_eq!(refusal(&forger.token(&json!({}))), TokenError::BadSignature);
}

#[test]
fn a_signature_over_other_claims_is_refused() {
    let token = ES256.token(&json!({}));
    let mut parts = token.split('.');
    let (header, _, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let raised = encode(claims(&json!({"roles": ["admin"]})).to_string());
    assert_eq!(refusal(&format!("{header}.{raised}.{signature}")), TokenError::BadSignature);
}

#[test]
fn an_ecdsa_signature_in_asn1_is_refused() {
    let token = ES256.token(&json!({}));
    let (input, _) = token.rsplit_once('.').unwrap();
    let one_and_one = [0x30, 6, 2, 1, 1, 2, 1, 1];
    assert_eq!(refusal(&format!("{input}.{}", encode(one_and_one))), TokenError::BadSignature);
}

// §2.2, §3.5: keys with enough entropy.

#[test]
fn a_shared_secret_that_can_be_guessed_is_refused() {
    for weak in ["", "secret", "your-256-bit-secret", "0123456789abcdef0123456789abcde"] {
        assert!(SharedSecret::new(&Secret::new(weak.to_owned())).is_err(), "{weak:?}");
    }
    assert!(SharedSecret::new(&Secret::new(SECRET.to_vec())).is_ok());
}

// §2.3 to §2.5, §3.6: compression and encryption are not for access tokens.

#[test]
fn compressed_encrypted_and_nested_tokens_are_refused() {
    for (member, value) in [("zip", "DEF"), ("enc", "A256GCM"), ("cty", "JWT")] {
        assert_eq!(refusal(&with_header(member, value.into())), TokenError::TypeRefused, "{member}");
    }
    assert!(matches!(refusal("eyJhbGciOiJkaXIifQ..AA.AA.AA"), TokenError::Malformed(_)));
}

// §2.6, §3.7: one text, one reading.

#[test]
fn base64_that_lenient_decoders_accept_is_refused_in_every_part() {
    let token = ES256.token(&json!({}));
    let parts: Vec<_> = token.split('.').collect();
    for place in 0..3 {
        for spoil in ["=", "==", " ", "\n", "+", "/", "\0", "A===", "é"] {
            for spoilt in [format!("{}{spoil}", parts[place]), format!("{spoil}{}", parts[place])] {
                let mut parts = parts.clone();
                parts[place] = &spoilt;
                assert!(matches!(refusal(&parts.join(".")), TokenError::Malformed(_)), "{place} {spoil:?}");
            }
        }
    }
}

#[test]
fn stray_bits_at_the_end_of_a_signature_are_refused() {
    let token = ES256.token(&json!({}));
    // 64 bytes leave four bits of the last character unused: fifteen more spellings of the same signature.
    let (start, last) = token.split_at(token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let accepted = alphabet.chars().filter(|char| ES256.verify(&format!("{start}{char}")).is_ok()).collect::<String>();
    assert_eq!(accepted, last);
}

#[test]
fn a_member_named_twice_is_refused_in_header_and_claims() {
    let header = r#"{"alg":"ES256","alg":"ES256","kid":"ES256"}"#;
    let token = ES256.sign(&format!("{}.{}", encode(header), encode(claims(&json!({})).to_string())));
    assert!(matches!(refusal(&token), TokenError::Malformed(_)));

    let twice = claims(&json!({})).to_string().replace(r#""sub":"alice""#, r#""sub":"bob","sub":"alice""#);
    let token = ES256.sign(&format!("{}.{}", encode(ES256.header().to_string()), encode(twice)));
    assert!(matches!(refusal(&token), TokenError::Malformed(_)));
}

#[test]
fn header_and_claims_are_json_objects_of_utf8_and_bounded_depth() {
    let deep = format!("{{\"alg\":\"ES256\",\"x\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    for text in ["[]", "null", "\"ES256\"", "{}{}", "", "{", &deep] {
        let as_header = ES256.sign(&format!("{}.{}", encode(text), encode(claims(&json!({})).to_string())));
        assert!(matches!(refusal(&as_header), TokenError::Malformed(_)), "{text}");
        let as_claims = ES256.sign(&format!("{}.{}", encode(ES256.header().to_string()), encode(text)));
        assert!(matches!(refusal(&as_claims), TokenError::Malformed(_)), "{text}");
    }
    let latin1 = ES256.sign(&format!("{}.{}", encode(ES256.header().to_string()), encode(b"{\"sub\":\"\xe9\"}")));
    assert!(matches!(refusal(&latin1), TokenError::Malformed(_)));
}

#[test]
fn an_oversized_token_is_refused_unread() {
    let token = ES256.token(&json!({"padding": "x".repeat(MAX_TOKEN_BYTES)}));
    assert_eq!(refusal(&token), TokenError::TooLong);
}

#[test]
fn fewer_or_more_than_three_parts_are_refused() {
    let token = ES256.token(&json!({}));
    for text in ["", ".", "..", "...", "....", "eyJhbGciOiJFUzI1NiJ9", &format!("{token}."), &format!(".{token}")] {
        assert!(matches!(refusal(text), TokenError::Malformed(_)), "{text}");
    }
}

// §2.7, §3.8: issuer and subject.

#[test]
fn a_token_of_an_unknown_issuer_is_refused_though_signed_with_a_known_key() {
    for issuer in ["https://evil.example", "https://login.example/", "HTTPS://login.example", ""] {
        assert_eq!(refusal(&ES256.token(&json!({"iss": issuer}))), TokenError::UnknownIssuer);
    }
    assert!(matches!(refusal(&ES256.token(&json!({"iss": [ISSUER]}))), TokenError::Malformed(_)));
    assert_eq!(refusal(&ES256.token(&json!({"iss": null}))), TokenError::MissingClaim("iss"));
}

#[test]
fn one_issuer_cannot_speak_for_another() {
    let other = Signer::new_es256();
    let mut issuer = other.issuer();
    issuer.name = "https://other.example".into();
    let verifier = Verifier::new(vec![ES256.issuer(), issuer]).unwrap();
    let forged = other.token(&json!({"iss": ISSUER, "sub": "alice"}));
    assert_eq!(verifier.verify(&forged, NOW).unwrap_err(), TokenError::BadSignature);
}

#[test]
fn a_subject_that_could_break_a_log_line_or_a_header_field_is_refused() {
    for subject in ["", "alice\r\nX-Role: admin", "al\0ice", "\u{1b}[2J", "\u{85}"] {
        assert!(matches!(refusal(&ES256.token(&json!({"sub": subject}))), TokenError::Malformed(_)), "{subject:?}");
    }
    assert_eq!(refusal(&ES256.token(&json!({"sub": null}))), TokenError::MissingClaim("sub"));
}

// §2.7, §3.9: audience.

#[test]
fn a_token_for_somebody_else_is_refused() {
    for audience in
        [json!("https://other.example"), json!([]), json!(["a", "b"]), json!(""), json!("https://api.example/")]
    {
        assert_eq!(refusal(&ES256.token(&json!({"aud": audience}))), TokenError::WrongAudience);
    }
    for audience in [json!(1), json!({"api": true}), json!([AUDIENCE, 1])] {
        assert!(matches!(refusal(&ES256.token(&json!({"aud": audience}))), TokenError::Malformed(_)));
    }
    assert_eq!(refusal(&ES256.token(&json!({"aud": null}))), TokenError::MissingClaim("aud"));
}

// §2.9, §3.10: what the token says about its key is not believed.

#[test]
fn a_key_brought_along_is_refused_whoever_signed() {
    let forger = Signer::new_es256();
    let jwk = forger.jwk.clone();
    for (member, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut header = forger.header();
        header[member] = value;
        for signer in [&forger, &*ES256] {
            let token = signer.token_with(&header, &claims(&json!({})));
            assert_eq!(refusal(&token), TokenError::KeyHeaderRefused(member));
        }
    }
}

#[test]
fn a_key_id_is_only_ever_compared() {
    for id in ["../../../../dev/null", "' UNION SELECT 'AA", "https://evil.example/k", "ES256\0", "", "|/bin/id"] {
        let token = with_header("kid", id.into());
        assert_eq!(refusal(&token), TokenError::UnknownKey { issuer: ISSUER.into() }, "{id:?}");
    }
    for id in [json!(1), json!(["ES256"]), json!(null)] {
        assert!(matches!(refusal(&with_header("kid", id)), TokenError::Malformed(_)));
    }
}

#[test]
fn a_demanded_extension_is_refused() {
    assert_eq!(refusal(&with_header("crit", json!(["exp"]))), TokenError::CriticalHeader);
    assert_eq!(refusal(&with_header("crit", json!([]))), TokenError::CriticalHeader);
    assert_eq!(refusal(&with_header("b64", json!(false))), TokenError::CriticalHeader);
}

// §2.8, §3.11, §3.12: one kind of token is not taken for another.

#[test]
fn other_kinds_of_tokens_are_refused_by_their_type() {
    for kind in [
        "dpop+jwt",
        "logout+jwt",
        "secevent+jwt",
        "application/dpop+jwt",
        "at+jwt2",
        "JWE",
        "",
        "bartizan-assertion+jwt",
    ] {
        assert_eq!(refusal(&with_header("typ", kind.into())), TokenError::TypeRefused, "{kind}");
    }
    for kind in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt", "JWT", "jwt"] {
        assert!(ES256.verify(&with_header("typ", kind.into())).is_ok(), "{kind}");
    }
    assert!(matches!(refusal(&with_header("typ", json!(7))), TokenError::Malformed(_)));
}

#[test]
fn a_logout_token_or_security_event_without_a_type_is_refused_by_its_claims() {
    let events = json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}});
    assert_eq!(refusal(&ES256.token(&events)), TokenError::TypeRefused);
}

#[test]
fn a_token_bound_to_a_key_is_refused_as_a_bearer() {
    for confirmation in [json!({"jkt": "AA"}), json!({"x5t#S256": "AA"}), json!({})] {
        assert_eq!(refusal(&ES256.token(&json!({"cnf": confirmation}))), TokenError::SenderConstrained);
    }
}

#[test]
fn only_the_listed_types_pass_where_types_are_listed() {
    let mut issuer = ES256.issuer();
    issuer.token_types = vec!["at+jwt".to_owned()];
    assert!(verify(issuer.clone(), &with_header("typ", "application/AT+JWT".into())).is_ok());
    let untyped = ES256.token_with(&json!({"alg": "ES256"}), &claims(&json!({})));
    for token in [&untyped, &with_header("typ", "JWT".into())] {
        assert_eq!(verify(issuer.clone(), token).unwrap_err(), TokenError::TypeRefused);
    }
}

// Whatever the fault, it never quotes the stranger.

#[test]
fn no_error_contains_text_of_the_token() {
    let marker = "MARKER-7f3a";
    let tokens = [
        format!("{marker}.{marker}.{marker}"),
        ES256.token(&json!({"iss": marker})),
        ES256.token(&json!({"aud": marker})),
        ES256.token(&json!({"exp": marker})),
        ES256.token(&json!({"sub": [marker]})),
        with_header("alg", marker.into()),
        with_header("kid", marker.into()),
        with_header("typ", marker.into()),
        with_header("jku", marker.into()),
    ];
    for token in tokens {
        let error = refusal(&token);
        assert!(!format!("{error} {error:?} {}", error.code()).contains(marker));
    }
}

#[test]
fn a_clock_at_either_end_of_time_is_survived() {
    let verifier = Verifier::new(vec![ES256.issuer()]).unwrap();
    let token = ES256.token(&json!({}));
    assert_eq!(verifier.verify(&token, Timestamp::from_unix(i64::MAX)).unwrap_err(), TokenError::Expired);
    assert_eq!(verifier.verify(&token, Timestamp::from_unix(i64::MIN)).unwrap_err(), TokenError::IssuedInFuture);
}
