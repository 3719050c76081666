//! The same tree gives the same bytes.

use std::num::NonZeroUsize;

use bartizan_scanner::{FailOn, Limits, Report, format};

use crate::tree::{Tree, selection, token};

fn tree() -> Tree {
    let tree = Tree::new();
    for number in 0..60 {
        tree.write(&format!("d{}/f{number}.py", number % 7), format!("# {number}\nx = 1\ntoken = \"{}\"\n", token()));
    }
    std::fs::File::create(tree.at("huge.log")).unwrap().set_len(1 << 30).unwrap();
    tree
}

fn outputs(report: &Report) -> [String; 6] {
    [
        format::text(report, format::Style::Plain),
        format::json(report, "1").to_string(),
        format::sarif(report, "1").to_string(),
        format::markdown(report),
        format::html(report),
        format::junit(report, FailOn::Severity(bartizan_controls::Severity::High)),
    ]
}

#[test]
fn neither_runs_nor_threads_nor_the_place_of_the_checkout_change_a_byte() {
    let (one, other) = (tree(), tree());
    let expected = outputs(&one.scan());
    for threads in [1, 2, 7] {
        let limits = Limits { threads: NonZeroUsize::new(threads), ..Limits::default() };
        for tree in [&one, &other] {
            assert_eq!(outputs(&tree.scan_with(&limits, selection())), expected);
        }
    }
}

#[test]
fn a_sarif_log_keeps_the_rules_of_github() {
    let report = tree().scan();
    let log = format::sarif(&report, "1.2.3");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 60);
    let mut fingerprints = std::collections::BTreeSet::new();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.starts_with('/') && !uri.contains("://") && !uri.contains(' '), "{uri}");
        assert!(fingerprints.insert(result["partialFingerprints"]["bartizan/v1"].to_string()));
    }
}
