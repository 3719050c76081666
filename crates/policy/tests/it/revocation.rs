use bartizan_policy::{Principal, Revocation, RevocationSet};

use crate::{at, user};

const ISSUER: &str = "https://login.example.com";

fn stops(revocation: Revocation, principal: &Principal) -> bool {
    RevocationSet::from_iter([revocation]).stops(principal)
}

#[test]
fn one_token_ends_and_no_other() {
    let token = |issuer: &str, id: &str| Revocation::Token { issuer: issuer.into(), id: id.into() };
    assert!(stops(token(ISSUER, "t-1"), &user()));
    assert!(!stops(token(ISSUER, "t-2"), &user()));
    assert!(!stops(token("https://other.example.com", "t-1"), &user()), "ids are an issuer's own");
    assert!(!RevocationSet::default().stops(&user()));
}

#[test]
fn a_subject_ends_up_to_a_point_and_may_sign_in_again() {
    let subject = |before: Option<i64>| Revocation::Subject {
        issuer: ISSUER.into(),
        subject: "42".into(),
        before: before.map(at),
    };
    assert!(stops(subject(Some(1001)), &user()));
    assert!(!stops(subject(Some(1000)), &user()), "issued at that point or later");
    assert!(stops(subject(None), &user()));
    let undated = Principal { issued_at: None, ..user() };
    assert!(stops(subject(Some(1)), &undated), "who does not say when was too early");
}

#[test]
fn of_two_revocations_of_one_thing_the_stricter_holds_in_either_order() {
    let issuer = |before: Option<i64>| Revocation::Issuer { issuer: ISSUER.into(), before: before.map(at) };
    for pair in
        [[issuer(Some(1)), issuer(Some(2000))], [issuer(Some(2000)), issuer(Some(1))], [issuer(None), issuer(Some(1))]]
    {
        assert!(RevocationSet::from_iter(pair).stops(&user()));
    }
}
