use super::*;
use crate::secrets::Detector;

const TODAY: Date = jiff::civil::date(2026, 5, 1);

fn read(text: &str) -> Vec<Directive> {
    // Put together here: in this file they suppress nothing.
    let text = text.replace("IGNORE", std::str::from_utf8(WORD).unwrap());
    let detector = Detector::new();
    directives(&SourceFile::new("a.py", text.as_bytes(), &detector))
}

#[test]
fn a_suppression_names_its_rule_its_reason_and_its_last_day() {
    let read = read("x = 1\n# IGNORE secrets.jwt reason=\"public key of the sandbox\" until=2026-12-31\n");
    let [directive] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!((directive.line, directive.rule.as_str()), (2, "secrets.jwt"));
    assert_eq!(directive.reason.as_deref(), Some("public key of the sandbox"));
    assert_eq!(directive.until, Until::Day(jiff::civil::date(2026, 12, 31)));
    assert_eq!(directive.fault(TODAY), None);
}

#[test]
fn without_a_reason_or_after_its_day_it_is_a_finding_itself() {
    for (text, rule) in [
        ("# IGNORE secrets.jwt", "scan.suppression-without-reason"),
        ("# IGNORE secrets.jwt reason=\" \"", "scan.suppression-without-reason"),
        ("# IGNORE secrets.jwt reason=\"x\" until=2026-04-30", "scan.suppression-expired"),
        ("# IGNORE secrets.jwt reason=\"x\" until=never", "scan.suppression-expired"),
    ] {
        let fault = read(text)[0].fault(TODAY).unwrap();
        assert_eq!(fault.rule.id, rule, "{text}");
    }
    assert_eq!(read("# IGNORE secrets.jwt reason=\"x\" until=2026-05-01")[0].fault(TODAY), None);
}

#[test]
fn the_form_in_a_manual_is_none() {
    assert!(read("`IGNORE RULE reason=\"…\"`").is_empty());
}
