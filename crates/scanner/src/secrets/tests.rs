mod samples;

use bartizan_controls::Confidence;

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

#[test]
fn the_signature_of_a_link_that_ends_is_unsure_and_a_token_in_an_address_is_not() {
    let token = ["q8Zr2LmX0pVt7NcY5bKd", "W3sHf9uJ"].concat();
    let confidence = |address: String| {
        Detector::new()
            .detect("src/a.json", format!("{{\"url\": \"{address}\"}}").as_bytes())
            .first()
            .map(|hit| hit.confidence)
    };
    let signed = format!("https://cdn.acme.io/a.png?e=1573632632&amp;token={token}");
    assert_eq!(confidence(signed), Some(Confidence::Low));
    assert_eq!(
        confidence(format!("https://cdn.acme.io/a.png?size=1573632632&token={token}")),
        Some(Confidence::Medium)
    );
}

#[test]
fn where_a_secret_stands_decides_how_sure_it_is() {
    let line = ["client_secret = \"", "q8Zr2LmX0pVt7NcY5bKd", "\"\n"].concat();
    let confidence = |path: &str| Detector::new().detect(path, line.as_bytes()).first().map(|hit| hit.confidence);
    assert_eq!(confidence("src/settings.py"), Some(Confidence::Medium));
    assert_eq!(confidence("tests/settings.py"), Some(Confidence::Low));
    assert_eq!(confidence("web/package-lock.json"), None);
}

#[test]
fn code_that_fetches_a_secret_is_none() {
    for line in [
        "token = models.CharField(max_length=512, blank=True)",
        "secret: this.generateSecret2FA9(user),",
        "const password = process.env.DB_PASSWORD;",
        "token := os.Getenv(\"API_TOKEN_2X9\")",
        "if (token == \"q8Zr2LmX0pVt7NcY5bKd\") {",
        "password_hash = \"$2b$12$q8Zr2LmX0pVt7NcY5bKd.e\"",
        "csrf_token = \"q8Zr2LmX0pVt7NcY5bKd\"",
        "api_key = \"<your-api-key-1234>\"",
    ] {
        assert!(Detector::new().detect("src/settings.py", line.as_bytes()).is_empty(), "{line}");
    }
}

#[test]
fn an_invented_token_with_a_wrong_checksum_is_none() {
    let invented = samples::fill("ghp_{a36}", 7);
    assert!(Detector::new().detect("a.ini", invented.as_bytes()).is_empty());
}

proptest::proptest! {
    #[test]
    fn any_bytes_around_any_keyword_are_looked_at_without_harm(
        pieces in proptest::collection::vec((0_usize..400, proptest::collection::vec(proptest::prelude::any::<u8>(), 0..24)), 0..12),
    ) {
        let keywords: Vec<&str> = TABLES.into_iter().flatten().flat_map(|pattern| pattern.keywords).copied().collect();
        let mut bytes = Vec::new();
        for (index, noise) in &pieces {
            bytes.extend_from_slice(keywords[index % keywords.len()].as_bytes());
            bytes.extend(noise.iter().map(|byte| if *byte == 0 { b'=' } else { *byte }));
        }
        let mut end = 0;
        for hit in DETECTOR.detect("a.ini", &bytes) {
            assert!(hit.secret.start >= end && hit.secret.end <= bytes.len() && hit.secret.start < hit.secret.end);
            end = hit.secret.end;
        }
    }
}

static DETECTOR: std::sync::LazyLock<Detector> = std::sync::LazyLock::new(Detector::new);
