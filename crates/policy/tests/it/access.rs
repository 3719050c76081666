use std::time::Duration;

use bartizan_policy::{Access, Attribute, Denial, Facts, Hours, Principal, PrincipalKind, Rule, StepUp, decide};
use serde_json::json;

use crate::{at, names, user};

fn judge(rule: Rule, caller: Option<&Principal>, now: i64) -> Result<(), Denial> {
    let facts = Facts { client: "198.51.100.7".parse().unwrap(), parameters: &[], now: at(now) };
    decide(&Access::Rule(Box::new(rule)), caller, facts).map(|_| ())
}

fn judge_user(rule: Rule) -> Result<(), Denial> {
    judge(rule, Some(&user()), 1100)
}

#[test]
fn without_a_caller_only_public_passes() {
    let facts = Facts { client: "198.51.100.7".parse().unwrap(), parameters: &[], now: at(0) };
    assert!(decide(&Access::Public, None, facts).is_ok());
    assert_eq!(decide(&Access::SignedIn, None, facts).unwrap_err(), Denial::SignInRequired);
    assert!(decide(&Access::SignedIn, Some(&user()), facts).is_ok());
    assert_eq!(judge(Rule::default(), None, 0), Err(Denial::SignInRequired));
}

#[test]
fn any_role_is_enough_and_every_scope_is_needed() {
    assert_eq!(judge_user(Rule { roles: names(&["admin", "staff"]), ..Rule::default() }), Ok(()));
    assert_eq!(judge_user(Rule { roles: names(&["admin"]), ..Rule::default() }), Err(Denial::RoleMissing));
    let scopes = names(&["orders:read", "orders:write"]);
    assert_eq!(judge_user(Rule { scopes, ..Rule::default() }), Err(Denial::ScopeMissing("orders:write".to_owned())));
}

#[test]
fn a_claim_passes_by_value_or_as_one_of_a_list_and_a_missing_one_never() {
    let claim = |pointer: &str, value| {
        let attribute = Attribute { pointer: pointer.into(), any_of: vec![value] };
        judge_user(Rule { attributes: vec![attribute], ..Rule::default() })
    };
    assert_eq!(claim("/dept/name", json!("sales")), Ok(()));
    assert_eq!(claim("/teams", json!("blue")), Ok(()));
    assert!(claim("/dept/name", json!("Sales")).is_err());
    assert!(claim("/missing", json!(null)).is_err());
}

#[test]
fn step_up_wants_a_person_two_factors_a_class_and_a_recent_sign_in() {
    let rule = |step_up| Rule { step_up, ..Rule::default() };
    let strict = StepUp { multi_factor: true, ..StepUp::default() };
    assert_eq!(judge_user(rule(strict.clone())), Err(Denial::StepUpRequired(strict.clone())));

    let mut strong = user();
    strong.authentication.amr = names(&["pwd", "otp"]);
    assert_eq!(judge(rule(strict.clone()), Some(&strong), 1100), Ok(()));
    strong.kind = PrincipalKind::ApiKey;
    assert!(judge(rule(strict), Some(&strong), 1100).is_err(), "a key never signed in");

    let two_of_a_kind = names(&["pwd", "pin"]);
    let mut weak = user();
    weak.authentication.amr = two_of_a_kind;
    assert!(!weak.authentication.is_multi_factor());

    let recent = StepUp { max_age: Some(Duration::from_mins(1)), ..StepUp::default() };
    assert_eq!(judge(rule(recent.clone()), Some(&user()), 1060), Ok(()));
    assert!(judge(rule(recent.clone()), Some(&user()), 1061).is_err());
    assert!(judge(rule(recent.clone()), Some(&user()), 900).is_err(), "signed in from the future");
    let mut silent = user();
    silent.authentication.time = None;
    assert!(judge(rule(recent), Some(&silent), 1001).is_err(), "who does not say when is too late");
}

#[test]
fn nobody_is_asked_for_a_second_factor_before_a_door_that_stays_shut() {
    let step_up = StepUp { multi_factor: true, ..StepUp::default() };
    let rule = Rule { roles: names(&["admin"]), step_up, ..Rule::default() };
    assert_eq!(judge_user(rule), Err(Denial::RoleMissing));
}

#[test]
fn a_grant_ends_and_a_network_is_a_condition() {
    let until = |now| judge(Rule { until: Some(at(2000)), ..Rule::default() }, Some(&user()), now);
    assert_eq!((until(1999), until(2000)), (Ok(()), Err(Denial::GrantEnded)));
    let from = |network: &str| judge_user(Rule { networks: vec![network.parse().unwrap()], ..Rule::default() });
    assert_eq!((from("198.51.100.0/24"), from("10.0.0.0/8")), (Ok(()), Err(Denial::NetworkRefused)));
}

#[test]
fn hours_are_of_the_day_on_which_they_opened() {
    // 2026-11-22 is a Sunday; 00:00 UTC.
    let sunday = 1_795_305_600;
    let hours = |start, end, days| Rule { hours: Some(Hours { start, end, days }), ..Rule::default() };
    let only = |day: usize| std::array::from_fn(|index| index == day);
    let passes = |rule: Rule, minutes: i64| judge(rule, Some(&user()), sunday + minutes * 60).is_ok();

    let office = || hours(8 * 60, 18 * 60, only(6));
    assert_eq!([479, 480, 1079, 1080].map(|minute| passes(office(), minute)), [false, true, true, false]);
    assert!(!passes(office(), 24 * 60 + 600), "Monday");

    let night = || hours(22 * 60, 6 * 60, only(6));
    assert!(passes(night(), 23 * 60), "Sunday night");
    assert!(passes(night(), 24 * 60 + 5 * 60), "and on into Monday morning");
    assert!(!passes(night(), 5 * 60), "but not Sunday morning, which is Saturday's night");
}
