use std::time::Duration;

use super::*;

/// No policy is evaluated here: that is another process, which the binary's tests start.
fn evaluator() -> Evaluator {
    Evaluator { program: "/nowhere".into(), arguments: Vec::new(), time: Duration::from_secs(1) }
}

fn set(text: &str) -> Result<RuleSet, Vec<String>> {
    let file = RuleFile { name: "rules.yaml".to_owned(), bytes: text.into() };
    RuleSet::read(&[file], &evaluator()).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

fn found(set: RuleSet, files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let kind = Rules::new(Arc::new(set), evaluator());
    let detector = Detector::new();
    let mut findings = Findings::default();
    for (path, text) in files.iter().filter(|(path, _)| kind.wants(path)) {
        kind.file(&SourceFile::new(path, text.as_bytes(), &detector), &mut findings);
    }
    kind.finish(&mut findings);
    let line = |finding: &bartizan_controls::Finding| finding.location.span.map_or(0, |span| span.start.line);
    let told = findings.found.iter().map(|finding| {
        format!(
            "{} {} {}:{} {}",
            finding.rule.id,
            finding.severity,
            finding.location.path,
            line(finding),
            finding.message
        )
    });
    let gaps = findings.gaps.iter().map(|gap| format!("{} {}: {}", gap.path, gap.reason, gap.detail));
    (told.collect(), gaps.collect())
}

const COMPOSE: &str = r#"
rules:
  - id: image-without-version
    title: Container image without a version
    message: "`{value}` in `{key}` names no fixed image"
    why: The next build may be another program.
    remedy: Name a version.
    severity: high
    confidence: medium
    cwe: [1357, CWE-494]
    files: ["compose*.yaml", "!old/"]
    key: services.*.image
    when: { matches: ':latest$' }
    finds: ["services: {web: {image: 'nginx:latest'}}"]
    passes: ["services: {web: {image: 'nginx:1.29'}}"]
  - id: writable
    title: Container that may write to its own files
    files: ["compose*.yaml"]
    key: services.*.read_only
    when: { absent: true }
    finds: ["services: {web: {image: a}}"]
    passes: ["services: {web: {read_only: true}}"]
"#;

#[test]
fn declared_rules_find_values_in_configuration_with_their_lines() {
    let set = set(COMPOSE).unwrap();
    assert!(set.check(&evaluator()).is_empty());
    let compose = "x: &base\n  image: redis:latest\nservices:\n  cache:\n    <<: *base\n    read_only: true\n  web:\n    image: nginx:1.29\n";
    let (told, gaps) =
        found(set, &[("deploy/compose.yaml", compose), ("old/compose.yaml", compose), ("values.yaml", compose)]);
    assert_eq!(
        told,
        [
            "rules.image-without-version high deploy/compose.yaml:2 `redis:latest` in `services.cache.image` names no fixed image",
            "rules.writable medium deploy/compose.yaml:7 Container that may write to its own files",
            "rules.writable medium old/compose.yaml:7 Container that may write to its own files",
        ]
    );
    assert!(gaps.is_empty(), "{gaps:?}");
}

#[test]
fn a_file_that_cannot_be_parsed_is_told_and_a_bomb_of_aliases_too() {
    let level = |level: usize| {
        let before = format!("*a{}", level - 1);
        format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(", "))
    };
    let bomb = ["services: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned()].into_iter().chain((1..8).map(level));
    let bomb: String = bomb.collect();
    let (told, gaps) = found(set(COMPOSE).unwrap(), &[("compose.yaml", "services: [\n"), ("b/compose.yaml", &bomb)]);
    assert!(told.is_empty());
    assert!(gaps[0].starts_with("compose.yaml not parsed: line "), "{gaps:?}");
    assert!(gaps.last().unwrap().starts_with("b/compose.yaml limit reached: "), "{gaps:?}");
}

#[test]
fn a_pattern_marks_its_group_and_shows_no_credential() {
    let token = ["glpat-", "x7Kq9mZ2vB4nR8tW1cYd"].concat();
    let rules = r#"{"rules": [{"id": "debug", "title": "Debugging", "message": "says `{value}`", "files": ["*.py"],
        "pattern": "^\\s*DEBUG\\s*=\\s*(.*)$", "finds": ["DEBUG = 1"], "passes": ["NDEBUG = 1"]}]}"#;
    let set = set(rules).unwrap();
    assert!(set.check(&evaluator()).is_empty());
    let (told, _) = found(set, &[("a.py", &format!("x = 1\n  DEBUG = '{token}'\n"))]);
    assert_eq!(told, ["rules.debug medium a.py:2 says `'glpa…'`"]);
}

#[test]
fn every_fault_of_a_file_of_rules_is_told_at_once_with_its_line() {
    let text = r#"
rules:
  - id: Not_Kebab
    title: A
    files: ["*.py"]
    pattern: '('
    finds: [a]
    passes: [b]
  - id: b
    title: B
    severity: hihg
    files: ["!x"]
    pattern: 'a*'
    when: { equals: 1 }
    colour: red
    finds: [a]
  - id: c
    title: C
    files: ["**/*"]
    key: a..b
    finds: [a]
    passes: [b]
  - id: d
    title: D
    files: ["*.yaml"]
    key: a
    when: { equals: 1, in: [2] }
    finds: [a]
    passes: [b]
  - title: nameless
"#;
    insta::assert_snapshot!(set(text).unwrap_err().join("\n"));
}

#[test]
fn a_rule_that_misses_its_sample_or_finds_a_near_miss_is_told() {
    let text = r#"{"rules": [{"id": "a", "title": "A", "files": ["*.py"], "pattern": "eval\\(", "finds": ["exec(x)"], "passes": ["medieval(x)"]}]}"#;
    let faults: Vec<String> = set(text).unwrap().check(&evaluator()).iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "rules.yaml:1: `rules.a` does not find its sample (as `sample.py`)",
            "rules.yaml:1: `rules.a` finds a sample that has to pass"
        ]
    );
}

#[test]
fn two_rules_of_one_id_are_refused() {
    let files = ["a.yaml", "b.yaml"].map(|name| RuleFile { name: name.to_owned(), bytes: COMPOSE.into() });
    let faults = RuleSet::read(&files, &evaluator()).unwrap_err();
    assert_eq!(faults.len(), 2);
    assert_eq!(faults[0].to_string(), "b.yaml:1: `rules.image-without-version` is the id of another rule in `a.yaml`");
}

#[test]
fn a_rule_that_matches_everywhere_ends_at_a_limit() {
    let text = r#"{"rules": [{"id": "a", "title": "A", "files": ["*.txt"], "pattern": "x", "finds": ["x"], "passes": ["y"]}]}"#;
    let (told, gaps) = found(set(text).unwrap(), &[("a.txt", &"x".repeat(5000))]);
    assert_eq!(told.len(), 1000);
    assert_eq!(gaps, ["a.txt limit reached: `rules.a` finds more than 1000"]);
}
