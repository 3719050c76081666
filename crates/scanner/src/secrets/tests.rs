mod samples;

use super::table::TABLES;
use super::*;

#[test]
fn there_are_more_than_150_patterns_with_names_of_their_own() {
    let ids: std::collections::BTreeSet<_> = TABLES.into_iter().flatten().map(|pattern| pattern.id).collect();
    let all = TABLES.into_iter().flatten().count();
    assert_eq!(ids.len(), all);
    assert!(all > 150, "{all}");
}

#[test]
fn every_sample_is_found_under_its_own_name_and_no_near_miss_is() {
    let detector = Detector::new();
    let mut wrong = Vec::new();
    for pattern in TABLES.into_iter().flatten() {
        for round in 0..3 {
            let (sample, miss) = (samples::fill(pattern.sample, round), samples::fill(pattern.miss, round));
            let found = detector.detect("src/settings.ini", format!("a = 1\n{sample}\nb = 2\n").as_bytes());
            if !found.iter().any(|hit| hit.pattern.id == pattern.id) {
                let instead: Vec<_> = found.iter().map(|hit| hit.pattern.id).collect();
                wrong.push(format!("{}: {sample} is not found, but {instead:?}", pattern.id));
            }
            let found = detector.detect("src/settings.ini", format!("a = 1\n{miss}\nb = 2\n").as_bytes());
            if found.iter().any(|hit| hit.pattern.id == pattern.id) {
                wrong.push(format!("{}: {miss} is found", pattern.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reference_is_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/secrets.md");
    let generated = reference();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == generated,
        "docs/reference/secrets.md is stale: UPDATE_REFERENCE=1 cargo test -p bartizan-scanner reference"
    );
}
