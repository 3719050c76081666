use std::sync::Arc;

use bartizan_policy::{Access, Denial, Facts, Owner, OwnerSource, Principal, PrincipalKind, Rule, decide};
use serde_json::json;

use crate::{at, names, user};

fn by_parameter(caller: &Principal, value: &str, unless_roles: &[&str]) -> Result<(), Denial> {
    let owner = Owner { source: OwnerSource::Parameter("id".into()), unless_roles: names(unless_roles) };
    let access = Access::Rule(Box::new(Rule { owner: Some(owner), ..Rule::default() }));
    let parameters: [(Arc<str>, String); 1] = [("id".into(), value.to_owned())];
    let facts = Facts { client: "198.51.100.7".parse().unwrap(), parameters: &parameters, now: at(0) };
    decide(&access, Some(caller), facts).map(|permit| assert!(permit.pending_owner().is_none()))
}

fn by_field(document: &serde_json::Value) -> Result<(), Denial> {
    let owner = Owner { source: OwnerSource::Field("/user_id".into()), unless_roles: Vec::new() };
    owner.judge_document(&user(), document)
}

#[test]
fn the_parameter_must_be_the_caller_to_the_letter() {
    assert_eq!(by_parameter(&user(), "42", &[]), Ok(()));
    for other in ["43", "042", "42 ", "4２", ""] {
        assert_eq!(by_parameter(&user(), other, &[]), Err(Denial::NotOwner), "{other:?}");
    }
}

#[test]
fn a_service_or_a_key_that_is_named_like_a_user_owns_nothing() {
    for kind in [PrincipalKind::Service, PrincipalKind::ApiKey] {
        assert_eq!(by_parameter(&Principal { kind, ..user() }, "42", &[]), Err(Denial::NotOwner));
    }
}

#[test]
fn staff_may_pass_where_the_route_says_so() {
    assert_eq!(by_parameter(&user(), "7", &["staff"]), Ok(()));
    assert_eq!(by_parameter(&user(), "7", &["admin"]), Err(Denial::NotOwner));
}

#[test]
fn the_document_must_name_the_caller_and_a_list_must_do_so_throughout() {
    for own in [json!({ "user_id": "42" }), json!({ "user_id": 42 }), json!([{ "user_id": 42 }]), json!([])] {
        assert_eq!(by_field(&own), Ok(()), "{own}");
    }
    for foreign in [
        json!({ "user_id": 43 }),
        json!({ "user_id": 42.5 }),
        json!({ "user_id": null }),
        json!({ "user_id": ["42"] }),
        json!({}),
        json!("42"),
        json!([{ "user_id": 42 }, { "user_id": 43 }]),
        json!([{ "user_id": 42 }, {}]),
    ] {
        assert_eq!(by_field(&foreign), Err(Denial::NotOwner), "{foreign}");
    }
}
