//! Times, and how claims become a principal.

use std::time::Duration;

use bartizan_policy::{CredentialKind, PrincipalKind, Strength, Timestamp};
use bartizan_token::{Issuer, KeySource, Presence, SharedSecret, TokenError, Verifier};
use bartizan_vault::Secret;
use serde_json::{Value, json};

use crate::support::*;

fn refusal(change: &Value) -> TokenError {
    ES256.verify(&ES256.token(change)).unwrap_err()
}

fn at(offset: i64) -> Value {
    json!(NOW.as_unix() + offset)
}

#[test]
fn a_token_ends_at_its_expiry_and_the_leeway_after() {
    for (exp, accepted) in [(1, true), (0, true), (-29, true), (-30, false), (-31, false), (-1_000_000, false)] {
        let verdict = ES256.verify(&ES256.token(&json!({"exp": at(exp), "iat": null})));
        assert_eq!(verdict.is_ok(), accepted, "{exp}");
    }
    let mut exact = ES256.issuer();
    exact.leeway = Duration::ZERO;
    assert_eq!(verify(exact, &ES256.token(&json!({"exp": at(0)}))).unwrap_err(), TokenError::Expired);
    assert_eq!(refusal(&json!({"exp": null})), TokenError::MissingClaim("exp"));
}

#[test]
fn a_token_does_not_start_before_its_time() {
    assert!(ES256.verify(&ES256.token(&json!({"nbf": at(30), "iat": at(30)}))).is_ok());
    assert_eq!(refusal(&json!({"nbf": at(31)})), TokenError::NotYetValid);
    assert_eq!(refusal(&json!({"iat": at(31)})), TokenError::IssuedInFuture);
}

#[test]
fn a_time_that_is_no_number_of_seconds_is_refused_and_never_wraps() {
    let no_times = [
        json!("1800000300"),
        json!([]),
        json!({}),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(-0.5),
        json!(u64::MAX),
        json!(i64::MAX),
        json!(253_402_300_800_i64),
        json!(1.8e13),
    ];
    for time in no_times {
        for claim in ["exp", "nbf", "iat", "auth_time"] {
            assert!(matches!(refusal(&json!({claim: time})), TokenError::Malformed(_)), "{claim} {time}");
        }
    }
    let fraction = json!({"exp": 1_800_000_300.75});
    assert_eq!(ES256.verify(&ES256.token(&fraction)).unwrap().expires_at, Some(Timestamp::from_unix(1_800_000_300)));
}

#[test]
fn a_longest_lifetime_binds_tokens_with_and_without_times() {
    let mut issuer = ES256.issuer();
    issuer.max_lifetime = Some(Duration::from_secs(310));
    issuer.require.expiry = Presence::Optional;
    let verdict = |change: Value| verify(issuer.clone(), &ES256.token(&change)).map(|principal| principal.expires_at);
    assert_eq!(verdict(json!({})), Ok(Some(NOW.after(Duration::from_mins(5)))));
    assert_eq!(verdict(json!({"exp": at(301)})), Err(TokenError::LifetimeTooLong));
    assert_eq!(verdict(json!({"iat": null, "exp": at(310)})), Ok(Some(NOW.after(Duration::from_secs(310)))));
    assert_eq!(verdict(json!({"iat": null, "exp": at(311)})), Err(TokenError::LifetimeTooLong));
    assert_eq!(verdict(json!({"exp": null})), Ok(Some(NOW.after(Duration::from_mins(5)))));
    assert_eq!(verdict(json!({"exp": null, "iat": at(-341)})), Err(TokenError::Expired));
    assert_eq!(verdict(json!({"exp": null, "iat": null})), Err(TokenError::MissingClaim("exp")));
}

#[test]
fn every_claim_reaches_the_principal() {
    let claims = json!({
        "auth_time": at(-60), "acr": "urn:mfa", "amr": ["pwd", "otp"], "tenant": {"id": 7}, "roles": ["staff", "buyer"],
    });
    let principal = ES256.verify(&ES256.token(&claims)).unwrap();
    assert_eq!(principal.subject.as_str(), "alice");
    assert_eq!(principal.issuer.as_str(), ISSUER);
    assert_eq!(principal.kind, PrincipalKind::User);
    assert_eq!(principal.credential, CredentialKind::Bearer);
    assert_eq!(principal.strength, Strength::Full);
    assert_eq!(principal.token_id.unwrap().as_str(), "token-1");
    assert_eq!(principal.client.as_deref(), Some("app"));
    assert_eq!(principal.roles, ["staff".into(), "buyer".into()]);
    assert_eq!(principal.scopes, ["orders:read".into(), "orders:write".into()]);
    assert_eq!(principal.attributes["tenant"], json!({"id": 7}));
    assert_eq!(principal.authentication.time, Some(NOW.before(Duration::from_mins(1))));
    assert_eq!(principal.authentication.acr.as_deref(), Some("urn:mfa"));
    assert!(principal.authentication.is_multi_factor());
    assert_eq!(principal.issued_at, Some(NOW.before(Duration::from_secs(10))));
    assert_eq!(principal.expires_at, Some(NOW.after(Duration::from_mins(5))));
}

#[test]
fn a_client_that_is_its_own_subject_is_a_service() {
    let kind = |change: Value| ES256.verify(&ES256.token(&change)).unwrap().kind;
    assert_eq!(kind(json!({"sub": "app"})), PrincipalKind::Service);
    assert_eq!(kind(json!({"sub": "app", "client_id": null, "azp": "app"})), PrincipalKind::Service);
    assert_eq!(kind(json!({"sub": "app", "client_id": null})), PrincipalKind::User);
    // `client_id` is the registered claim; a differing `azp` does not count beside it.
    assert_eq!(kind(json!({"sub": "app", "client_id": "other", "azp": "app"})), PrincipalKind::User);
}

#[test]
fn roles_and_scopes_are_read_in_the_forms_that_issuers_use() {
    let mut issuer = ES256.issuer();
    issuer.claims.roles = "/realm_access/roles".to_owned();
    issuer.claims.scopes = "/https:~1~1example.com~1scp".to_owned();
    let token = ES256.token(&json!({"realm_access": {"roles": ["a b", "c"]}, "https://example.com/scp": ["x", "y"]}));
    let principal = verify(issuer, &token).unwrap();
    assert_eq!(principal.roles, ["a b".into(), "c".into()]);
    assert_eq!(principal.scopes, ["x".into(), "y".into()]);

    let plain = ES256.verify(&ES256.token(&json!({"roles": "site admin", "scope": " x  y "}))).unwrap();
    assert_eq!(plain.roles, ["site admin".into()]);
    assert_eq!(plain.scopes, ["x".into(), "y".into()]);

    let none = ES256.verify(&ES256.token(&json!({"roles": null, "scope": null}))).unwrap();
    assert!(none.roles.is_empty() && none.scopes.is_empty());
}

#[test]
fn a_claim_of_the_wrong_type_refuses_the_token_and_is_never_taken_for_nothing() {
    let wrong = [
        json!({"roles": 1}),
        json!({"roles": ["a", 1]}),
        json!({"roles": {"admin": true}}),
        json!({"scope": {}}),
        json!({"scope": ["a b"]}),
        json!({"sub": 1.5}),
        json!({"sub": true}),
        json!({"sub": ["alice"]}),
        json!({"jti": 1}),
        json!({"client_id": ["a"]}),
        json!({"azp": 1, "client_id": null}),
        json!({"acr": 1}),
        json!({"amr": [1]}),
    ];
    for change in wrong {
        assert!(matches!(refusal(&change), TokenError::Malformed(_)), "{change}");
    }
}

#[test]
fn a_backends_own_tokens_are_accepted_as_weaker() {
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let claims = json!({"id": 42, "role": "customer", "iat": NOW.as_unix(), "exp": NOW.as_unix() + 3600});
    let principal = verify(brown_field(), &hs256(SECRET, &header, &claims)).unwrap();
    assert_eq!(principal.subject.as_str(), "42");
    assert_eq!(principal.issuer.as_str(), "shop");
    assert_eq!(principal.roles, ["customer".into()]);
    assert_eq!(principal.strength, Strength::Weaker);

    let forged = hs256(b"a guess of exactly 32 bytes long", &header, &claims);
    assert_eq!(verify(brown_field(), &forged).unwrap_err(), TokenError::BadSignature);
}

#[test]
fn a_shared_secret_is_weaker_though_every_claim_is_there() {
    let secret = SharedSecret::new(&Secret::new(SECRET.to_vec())).unwrap();
    let issuer = Issuer::new(ISSUER, vec![AUDIENCE.to_owned()], KeySource::Shared(secret));
    let token = hs256(SECRET, &json!({"alg": "HS256"}), &claims(&json!({})));
    assert_eq!(verify(issuer, &token).unwrap().strength, Strength::Weaker);
}

#[test]
fn leaving_a_required_claim_out_makes_every_token_of_the_issuer_weaker() {
    let loosen: [fn(&mut Issuer); 3] = [
        |issuer| issuer.require.issuer = Presence::Optional,
        |issuer| issuer.require.audience = Presence::Optional,
        |issuer| issuer.require.expiry = Presence::Optional,
    ];
    for loosen in loosen {
        let mut issuer = ES256.issuer();
        loosen(&mut issuer);
        assert_eq!(verify(issuer, &ES256.token(&json!({}))).unwrap().strength, Strength::Weaker);
    }
}

#[test]
fn a_claim_that_may_be_absent_is_checked_where_it_is_there() {
    let mut issuer = ES256.issuer();
    issuer.require.issuer = Presence::Optional;
    issuer.require.audience = Presence::Optional;
    issuer.require.expiry = Presence::Optional;
    let verifier = Verifier::new(vec![issuer]).unwrap();
    let verdict = |change: Value| verifier.verify(&ES256.token(&change), NOW).map(|principal| principal.expires_at);
    assert_eq!(verdict(json!({"iss": null, "aud": null, "exp": null})), Ok(None));
    assert_eq!(verdict(json!({"iss": "https://evil.example"})), Err(TokenError::UnknownIssuer));
    assert_eq!(verdict(json!({"aud": "https://evil.example"})), Err(TokenError::WrongAudience));
    assert_eq!(verdict(json!({"exp": at(-60)})), Err(TokenError::Expired));
}
