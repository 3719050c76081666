use proptest::prelude::*;

use super::*;

fn score(vector: &str) -> String {
    Score::of(vector).unwrap().to_string()
}

#[test]
fn version_3_scores_are_those_of_firsts_examples() {
    // <https://www.first.org/cvss/v3-1/examples>
    for (vector, expected) in [
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", "6.4"),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:L/A:L", "6.3"),
        ("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", "3.1"),
        ("CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:C/C:H/I:H/A:H", "9.1"),
        ("CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H", "7.8"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "9.8"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", "10.0"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", "0.0"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "7.5"),
        ("CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N", "7.4"),
        ("CVSS:3.1/AV:P/AC:H/PR:L/UI:R/S:U/C:H/I:H/A:H", "6.2"),
    ] {
        assert_eq!(score(vector), expected, "{vector}");
    }
}

#[test]
fn version_4_scores_are_those_of_firsts_examples() {
    // <https://www.first.org/cvss/v4-0/examples>
    for (vector, expected) in [
        ("CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "7.3"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:N/VI:N/VA:N/SC:L/SI:L/SA:N", "5.1"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", "10.0"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N", "8.8"),
        ("CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:N/VC:H/VI:L/VA:L/SC:N/SI:N/SA:N", "8.3"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", "0.0"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:L/VA:L/SC:N/SI:N/SA:N", "6.9"),
    ] {
        assert_eq!(score(vector), expected, "{vector}");
    }
}

/// Vectors of both versions with the scores that Red Hat's `cvss` for Python gives them, made by `tests/versions/generate.py`.
const SCORES: &str = include_str!("../../../tests/versions/scores.tsv");

#[test]
fn scores_are_those_of_an_independent_implementation() {
    for line in SCORES.lines() {
        let (vector, expected) = line.split_once('\t').unwrap();
        assert_eq!(score(vector), expected, "{vector}");
    }
}

#[test]
fn what_is_no_whole_vector_has_no_score() {
    for vector in [
        "",
        "CVSS:3.1",
        "CVSS:2.0/AV:N/AC:L/Au:N/C:P/I:P/A:P",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H",
        "CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:S/SI:H/SA:H",
        "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H",
    ] {
        assert!(Score::of(vector).is_err(), "{vector}");
    }
}

#[test]
fn scores_become_words_at_the_bounds_of_the_specification() {
    for (tenths, severity) in [
        (0.0, Severity::Info),
        (1.0, Severity::Low),
        (39.0, Severity::Low),
        (40.0, Severity::Medium),
        (69.0, Severity::Medium),
        (70.0, Severity::High),
        (89.0, Severity::High),
        (90.0, Severity::Critical),
    ] {
        assert_eq!(Score::from_tenths(tenths).severity(), severity);
    }
}

fn letters(letters: &'static str) -> impl Strategy<Value = char> {
    proptest::sample::select(letters.chars().collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn any_text_has_a_score_between_0_and_10_or_none(text in "(CVSS:[34]\\.[01]/)?[A-Z:/]{0,60}") {
        if let Ok(score) = Score::of(&text) {
            prop_assert!(score.tenths() <= 100);
        }
    }

    #[test]
    fn every_vector_has_a_score_and_more_impact_never_lowers_it(
        av in letters("NALP"), ac in letters("LH"), at in letters("NP"), pr in letters("NLH"), ui in letters("NPA"),
        impacts in proptest::collection::vec(letters("HLN"), 6), raised in 0_usize..6,
    ) {
        let vector = |impacts: &[char]| {
            let named: Vec<String> = ["VC", "VI", "VA", "SC", "SI", "SA"].iter().zip(impacts).map(|(name, value)| format!("{name}:{value}")).collect();
            format!("CVSS:4.0/AV:{av}/AC:{ac}/AT:{at}/PR:{pr}/UI:{ui}/{}", named.join("/"))
        };
        let low = Score::of(&vector(&impacts)).unwrap();
        let mut more = impacts.clone();
        more[raised] = 'H';
        prop_assert!(low.tenths() <= 100);
        prop_assert!(Score::of(&vector(&more)).unwrap() >= low);
    }
}
