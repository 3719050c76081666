use std::sync::Arc;

use bartizan_controls::{Confidence, Location, Rule, Severity};

use super::*;

fn finding(number: u8) -> Finding {
    let rule = Rule {
        id: "secrets.test".into(),
        title: "".into(),
        why: "".into(),
        remedy: "".into(),
        severity: Severity::High,
        cwe: (&[]).into(),
        controls: (&[]).into(),
    };
    Finding {
        rule: Arc::new(rule),
        severity: Severity::High,
        confidence: Confidence::High,
        message: String::new(),
        location: Location { path: "a".to_owned(), span: None, excerpt: None },
        fingerprint: Fingerprint([number; 16]),
        facts: Vec::new(),
        fix: None,
    }
}

#[test]
fn what_was_written_is_read_and_known() {
    let findings = [finding(1), finding(2), finding(2)];
    let baseline = Baseline::parse(Baseline::write(&findings).unwrap().as_bytes()).unwrap();
    assert_eq!(baseline, Baseline::of(&findings));
    let mut now = vec![finding(2), finding(1), finding(2), finding(3)];
    assert_eq!(baseline.subtract(&mut now), 3);
    assert_eq!(now, [finding(3)]);
}

#[test]
fn one_copy_more_than_is_known_is_new() {
    let mut now = vec![finding(1), finding(1)];
    assert_eq!(Baseline::of(&[finding(1)]).subtract(&mut now), 1);
    assert_eq!(now.len(), 1);
}

#[test]
fn anything_else_is_refused_by_name() {
    for text in [
        "",
        "{}",
        r#"{"version":1,"findings":[{"fingerprint":"zz","rule":"a","path":"b"}]}"#,
        r#"{"version":1,"findings":[],"x":1}"#,
    ] {
        assert!(matches!(Baseline::parse(text.as_bytes()), Err(BaselineError::Malformed(_))), "{text}");
    }
    assert!(matches!(Baseline::parse(br#"{"version":2,"findings":[]}"#), Err(BaselineError::Version(2))));
}
