use std::io::Write as _;

use super::*;
use crate::deps::index::Builder;
use crate::secrets::Detector;

/// Scans files of a made-up tree, in the order that is given.
fn scanned(files: &[(&str, &str)], config: DepsConfig) -> (Vec<String>, Vec<String>, Deps) {
    let deps = Deps::new(config);
    let detector = Detector::new();
    let mut findings = Findings::default();
    for (path, text) in files {
        assert!(deps.wants(path), "{path}");
        deps.file(&SourceFile::new(path, text.as_bytes(), &detector), &mut findings);
    }
    deps.finish(&mut findings);
    let mut found: Vec<String> = findings
        .found
        .iter()
        .map(|finding| {
            let facts: Vec<String> = finding.facts.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let line = finding.location.span.map_or(0, |span| span.start.line);
            format!(
                "{} {} {}:{line} {} [{}]",
                finding.rule.id,
                finding.severity,
                finding.location.path,
                finding.message,
                facts.join("; ")
            )
        })
        .collect();
    found.sort();
    let mut gaps: Vec<String> =
        findings.gaps.iter().map(|gap| format!("{} {}: {}", gap.path, gap.reason, gap.detail)).collect();
    gaps.sort();
    (found, gaps, deps)
}

fn index(records: &[&[u8]]) -> Arc<Index> {
    let mut builder = Builder::default();
    for record in records {
        builder.add(record).unwrap();
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let mut bytes = Vec::new();
    builder.write(&mut bytes).unwrap();
    file.write_all(&bytes).unwrap();
    // The open file outlives its name.
    Arc::new(Index::open(file.path()).unwrap())
}

const QS: &[u8] = br#"{"id": "GHSA-hrpp-h998-j3pp", "modified": "2024-01-01T00:00:00Z", "aliases": ["CVE-2022-24999"], "summary": "qs vulnerable to prototype pollution",
  "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
  "affected": [{"package": {"ecosystem": "npm", "name": "qs"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "6.7.0"}, {"fixed": "6.7.3"}]}]}]}"#;
const EVIL: &[u8] = br#"{"id": "MAL-2099-1", "modified": "2024-01-01T00:00:00Z", "summary": "Malicious code in jest",
  "affected": [{"package": {"ecosystem": "npm", "name": "jest"}, "versions": ["29.0.0"]}]}"#;

fn with(index: Arc<Index>) -> DepsConfig {
    DepsConfig { index: Some(index), ..DepsConfig::default() }
}

#[test]
fn a_vulnerable_package_is_told_with_its_place_its_way_and_its_upgrade() {
    let lock = include_str!("../../../tests/locks/npm3.json");
    let (found, gaps, _) = scanned(&[("web/package-lock.json", lock)], with(index(&[QS, EVIL])));
    insta::assert_snapshot!(found.join("\n"));
    assert_eq!(gaps, ["web/package-lock.json not parsed: line 28: `broken` has no version"]);
}

#[test]
fn a_package_json_beside_it_tells_what_yarn_1_does_not() {
    let lock = "qs@6.7.0:\n  version \"6.7.0\"\n  resolved \"https://registry.yarnpkg.com/qs/-/qs-6.7.0.tgz#aa\"\n";
    let manifest = r#"{"devDependencies": {"qs": "6.7.0"}}"#;
    for files in [[("yarn.lock", lock), ("package.json", manifest)], [("package.json", manifest), ("yarn.lock", lock)]]
    {
        let (found, ..) = scanned(&files, with(index(&[QS])));
        assert!(matches!(found.as_slice(), [one] if one.contains("scope=development only")), "{found:?}");
    }
}

#[test]
fn without_advisories_a_scan_says_that_it_looked_nothing_up() {
    let (_, gaps, _) = scanned(&[("go.mod", "module a\nrequire example.com/b v1.0.0\n")], DepsConfig::default());
    assert_eq!(gaps, ["advisories no recent data: none were imported: `bartizan advisories import`"]);
    let (_, gaps, _) = scanned(&[("go.mod", "module a\nrequire example.com/b v1.0.0\n")], with(index(&[QS])));
    assert_eq!(gaps, ["advisories no recent data: none of Go were imported"]);
    let lock =
        r#"{"lockfileVersion": 3, "packages": {"node_modules/a": {"version": "1.0.0", "integrity": "sha512-AAAA"}}}"#;
    let config = DepsConfig { oldest: "2026-01-01".to_owned(), ..with(index(&[QS])) };
    let (_, gaps, _) = scanned(&[("package-lock.json", lock)], config);
    assert_eq!(gaps, ["advisories no recent data: the newest of npm is of 2024-01-01"]);
}

#[test]
fn what_can_change_what_is_built_is_told() {
    let requirements = "flask>=2.0\nreqeusts==2.0.0\ntool @ git+https://git.example/tool.git@main\n";
    let (found, ..) = scanned(&[("requirements.txt", requirements)], DepsConfig::default());
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn what_is_the_trees_own_is_not_told_to_be_unpinned() {
    let own = |name: &str, more: &str| {
        format!(
            "<project><groupId>g</groupId><artifactId>{name}</artifactId><version>1.0-SNAPSHOT</version>{more}</project>"
        )
    };
    let needs = |name: &str| {
        format!(
            "<dependencies><dependency><groupId>g</groupId><artifactId>{name}</artifactId><version>1.0-SNAPSHOT</version></dependency></dependencies>"
        )
    };
    let (web, core) = (own("web", &needs("core")), own("core", &needs("elsewhere")));
    let files =
        [("web/pom.xml", web.as_str()), ("core/pom.xml", &core), ("requirements.txt", ".\n./lib[extra]\nflask\n")];
    let (found, ..) = scanned(&files, DepsConfig::default());
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("core/pom.xml") && found[0].contains("elsewhere"), "{found:?}");
    assert!(found[1].contains("`flask`"), "{found:?}");
}

#[test]
fn parents_and_properties_in_a_circle_come_to_an_end() {
    let pom = |own: &str, parent: &str| {
        format!(
            "<project><parent><groupId>g</groupId><artifactId>{parent}</artifactId><version>1</version><relativePath>../{parent}/pom.xml</relativePath></parent>\
             <artifactId>{own}</artifactId><properties><x>${{y}}</x><y>${{x}}</y></properties>\
             <dependencies><dependency><groupId>o</groupId><artifactId>d</artifactId><version>${{x}}</version></dependency></dependencies></project>"
        )
    };
    let (one, other) = (pom("a", "b"), pom("b", "a"));
    let (found, gaps, _) = scanned(&[("a/pom.xml", one.as_str()), ("b/pom.xml", &other)], DepsConfig::default());
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(
        gaps.iter().filter(|gap| gap.contains("the version of `o:d` stands in no pom.xml")).count(),
        2,
        "{gaps:?}"
    );
}

#[test]
fn a_denied_licence_is_told_and_a_choice_is_not() {
    let lock = r#"{"packages": [
        {"name": "a/gpl", "version": "1.0.0", "license": ["GPL-3.0-only"], "dist": {"shasum": "aa"}},
        {"name": "a/choice", "version": "1.0.0", "license": ["GPL-3.0-only", "MIT"], "dist": {"shasum": "aa"}}]}"#;
    let config = DepsConfig { denied_licences: vec!["GPL-3.0".to_owned()], ..DepsConfig::default() };
    let (found, ..) = scanned(&[("composer.lock", lock)], config);
    assert_eq!(
        found,
        ["deps.licence-denied medium composer.lock:2 `a/gpl` is under `GPL-3.0-only`, which the policy denies []"]
    );
}

#[test]
fn a_pom_is_judged_by_the_versions_of_its_parent() {
    let log4shell: &[u8] = include_bytes!("../../../tests/advisories/GHSA-jfh8-c2jp-5v3q.json");
    let files = [
        ("web/pom.xml", include_str!("../../../tests/locks/web.xml")),
        ("pom.xml", include_str!("../../../tests/locks/pom.xml")),
        ("bom/pom.xml", include_str!("../../../tests/locks/bom.xml")),
    ];
    let (found, ..) = scanned(&files, with(index(&[log4shell])));
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn a_go_mod_takes_its_hashes_from_go_sum() {
    let go = "module a\nrequire (\n\texample.com/a v1.0.0\n\texample.com/b v1.0.0\n\texample.com/c v1.0.0\n)\n";
    let sums = "example.com/a v1.0.0 h1:aa=\nexample.com/b v1.0.0 h1:bb=\n";
    let (found, ..) = scanned(&[("go.mod", go), ("go.sum", sums)], DepsConfig::default());
    assert_eq!(found, ["deps.no-integrity low go.mod:5 1 of 3 locked packages have no hash: `example.com/c` []"]);
}

#[test]
fn a_file_that_cannot_be_read_is_counted_and_the_others_are_read() {
    let bomb = "lockfileVersion: '9.0'\na: &a [x]\nb: *a\n";
    let lock = include_str!("../../../tests/locks/npm3.json");
    let (found, gaps, deps) =
        scanned(&[("pnpm-lock.yaml", bomb), ("package-lock.json", lock), ("pom.xml", "<a>")], with(index(&[QS])));
    assert!(found.iter().any(|finding| finding.starts_with("deps.vulnerable")), "{found:?}");
    assert_eq!(
        gaps.iter()
            .filter(|gap| gap.starts_with("pnpm-lock.yaml limit reached") || gap.starts_with("pom.xml not parsed"))
            .count(),
        2,
        "{gaps:?}"
    );
    assert_eq!(deps.inventory().lock().unwrap().files.len(), 1);
}

#[test]
fn a_requirements_file_that_includes_one_that_is_not_there_says_so() {
    let files =
        [("requirements/dev.txt", "-r base.txt\n-r ../other.txt\n"), ("requirements/base.txt", "Flask==2.0.0\n")];
    let (_, gaps, _) = scanned(&files, with(index(&[QS])));
    assert!(
        gaps.contains(&"requirements/dev.txt not parsed: it includes `../other.txt`, which was not read".to_owned()),
        "{gaps:?}"
    );
    assert!(!gaps.iter().any(|gap| gap.contains("base.txt`")), "{gaps:?}");
}

#[test]
fn what_is_installed_is_not_what_the_project_asks_for() {
    let deps = Deps::new(DepsConfig::default());
    assert!(!deps.wants("node_modules/a/package.json"));
    assert!(!deps.wants("src/main.rs"));
    assert!(deps.wants("services/api/package.json"));
}
