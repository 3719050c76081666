use super::*;

const LOCK: &str = "version = 4\n[[package]]\nname = \"leaky\"\nversion = \"1.2.3\"\nsource = \"registry+x\"\n\
                    [[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n";

fn advisory(package: &str, events: &str, more: &str) -> Advisory {
    let text = format!(
        r#"{{ "id": "RUSTSEC-2099-0001", "modified": "2099-01-01T00:00:00Z", "summary": "leaks" {more},
             "affected": [{{ "package": {{ "ecosystem": "crates.io", "name": "{package}" }},
                             "ranges": [{{ "type": "SEMVER", "events": [{events}] }}] }}] }}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn faults(advisory: Advisory, deny: &str) -> usize {
    let mut report = Report::silent();
    judge(&[advisory], &Locked::parse(LOCK).unwrap(), &Policy::parse(deny).unwrap(), &mut report);
    report.faults()
}

const STRICT: &str = "[advisories]\n";

#[test]
fn a_locked_version_inside_the_range_fails() {
    for events in [
        r#"{"introduced": "0.0.0-0"}"#,
        r#"{"introduced": "0"}"#,
        r#"{"introduced": "1.2.3"}, {"fixed": "1.2.4"}"#,
        r#"{"fixed": "1.2.4"}, {"introduced": "1.0.0"}"#,
        r#"{"introduced": "0"}, {"last_affected": "1.2.3"}"#,
        r#"{"introduced": "0"}, {"fixed": "1.0.0"}, {"introduced": "1.1.0"}, {"fixed": "1.3.0"}"#,
    ] {
        assert_eq!(faults(advisory("leaky", events, ""), STRICT), 1, "{events}");
    }
}

#[test]
fn a_locked_version_outside_the_range_passes() {
    for events in [
        r#"{"introduced": "0"}, {"fixed": "1.2.3"}"#,
        r#"{"introduced": "1.2.4-alpha"}"#,
        r#"{"introduced": "0"}, {"last_affected": "1.2.2"}"#,
        r#"{"introduced": "0"}, {"fixed": "1.0.0"}, {"introduced": "1.3.0"}, {"fixed": "1.4.0"}"#,
    ] {
        assert_eq!(faults(advisory("leaky", events, ""), STRICT), 0, "{events}");
    }
}

#[test]
fn a_crate_of_our_own_that_shares_a_name_with_a_bad_one_passes() {
    assert_eq!(faults(advisory("ours", r#"{"introduced": "0"}"#, ""), STRICT), 0);
}

#[test]
fn a_withdrawn_advisory_passes() {
    let withdrawn = advisory("leaky", r#"{"introduced": "0"}"#, r#", "withdrawn": "2099-01-02T00:00:00Z""#);
    assert_eq!(faults(withdrawn, STRICT), 0);
}

#[test]
fn bounds_that_cannot_be_read_fail() {
    assert_eq!(faults(advisory("leaky", r#"{"introduced": "one"}"#, ""), STRICT), 1);
}

#[test]
fn an_exception_needs_a_reason() {
    assert!(Policy::parse("[advisories]\nignore = [\"RUSTSEC-2099-0001\"]\n").is_err());
    assert!(Policy::parse("[advisories]\nignore = [{ id = \"RUSTSEC-2099-0001\", reason = \" \" }]\n").is_err());
    let excepted = "[advisories]\nignore = [{ id = \"RUSTSEC-2099-0001\", reason = \"not called\" }]\n";
    assert_eq!(faults(advisory("leaky", r#"{"introduced": "0"}"#, ""), excepted), 0);
}

#[test]
fn an_exception_that_matches_nothing_any_more_fails() {
    let stale = "[advisories]\nignore = [{ id = \"RUSTSEC-2099-0001\", reason = \"not called\" }]\n";
    assert_eq!(faults(advisory("other", r#"{"introduced": "0"}"#, ""), stale), 1);
}

proptest::proptest! {
    #[test]
    fn a_version_is_affected_from_introduced_up_to_but_not_fixed(low in 0u64..40, span in 1u64..40, at in 0u64..80) {
        let range = Range {
            events: vec![Event::Fixed(format!("{}.0.0", low + span)), Event::Introduced(format!("{low}.0.0"))],
        };
        let expected = (low..low + span).contains(&at);
        proptest::prop_assert_eq!(range.contains(&Version::new(at, 0, 0)).unwrap(), expected);
    }
}
