//! What a scan changes: only what a second scan bears out, and nothing that could be lost.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use bartizan_scanner::deps::index::{Builder, Index};
use bartizan_scanner::deps::{Deps, DepsConfig};
use bartizan_scanner::rules::{Evaluator, RuleFile, RuleSet, Rules};
use bartizan_scanner::secrets::{Detector, Secrets};
use bartizan_scanner::{Fixes, Kind, Limits, Progress, Refusal, Report, Uncommitted, fixes, scan};

use crate::tree::{Tree, selection, token};

/// Advisories about four packages, of which the upgrades of two stay within their first number.
fn index() -> Arc<Index> {
    let record = |id: &str, ecosystem: &str, name: &str, fixed: &str| {
        format!(
            r#"{{"id": "{id}", "modified": "2026-01-01T00:00:00Z", "summary": "bad", "affected": [{{"package":
            {{"ecosystem": "{ecosystem}", "name": "{name}"}}, "ranges": [{{"type": "ECOSYSTEM",
            "events": [{{"introduced": "0"}}, {{"fixed": "{fixed}"}}]}}]}}]}}"#
        )
    };
    let mut builder = Builder::default();
    for (id, ecosystem, name, fixed) in [
        ("PYSEC-1", "PyPI", "flask", "2.2.5"),
        ("PYSEC-2", "PyPI", "flask", "2.3.2"),
        ("PYSEC-3", "PyPI", "jinja2", "3.1.3"),
        ("GHSA-1", "Maven", "org.a:b", "1.4.2"),
        ("GHSA-2", "NuGet", "Some.Json", "13.0.1"),
    ] {
        builder.add(record(id, ecosystem, name, fixed).as_bytes()).unwrap();
    }
    let mut bytes = Vec::new();
    builder.write(&mut bytes).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    Arc::new(Index::open(file.path()).unwrap())
}

fn kinds(rules: &str) -> impl Fn() -> Vec<Box<dyn Kind>> {
    let evaluator = Evaluator { program: "/nowhere".into(), arguments: Vec::new(), time: Duration::from_secs(1) };
    let files: Vec<RuleFile> = (!rules.is_empty())
        .then(|| RuleFile { name: "rules.yaml".to_owned(), bytes: rules.into() })
        .into_iter()
        .collect();
    let set = Arc::new(RuleSet::read(&files, &evaluator).unwrap());
    let config = DepsConfig { index: Some(index()), ..DepsConfig::default() };
    move || {
        vec![
            Box::new(Secrets),
            Box::new(Deps::new(config.clone())),
            Box::new(Rules::new(Arc::clone(&set), evaluator.clone())),
        ]
    }
}

fn report(tree: &Tree, kinds: &dyn Fn() -> Vec<Box<dyn Kind>>) -> Report {
    scan(&tree.targets(), kinds, &Limits::default(), selection(), &Progress::default()).unwrap()
}

fn mended(tree: &Tree, kinds: &dyn Fn() -> Vec<Box<dyn Kind>>, uncommitted: Uncommitted) -> Fixes {
    let report = report(tree, kinds);
    fixes(&tree.targets(), kinds, &Limits::default(), &selection(), uncommitted, &report).unwrap()
}

const REQUIREMENTS: &str = "# web\nFlask[async]==2.0.1 ; python_version > '3'  # pinned\nJinja2==2.11.0\nclick==8.0\n";

#[test]
fn a_pinned_requirement_is_raised_to_the_version_that_mends_everything() {
    let tree = Tree::new();
    tree.git(&["init", "--quiet"]).write("requirements.txt", REQUIREMENTS).commit("all");
    let kinds = kinds("");
    let fixes = mended(&tree, &kinds, Uncommitted::Refused);
    assert!(fixes.refused.is_empty(), "{:?}", fixes.refused);
    for change in &fixes.changes {
        change.write().unwrap();
    }
    // Jinja2 would have to go from 2 to 3, which may break things: a person decides.
    let expected = REQUIREMENTS.replace("2.0.1", "2.3.2");
    assert_eq!(std::fs::read_to_string(tree.at("requirements.txt")).unwrap(), expected);
    let left: Vec<String> = report(&tree, &kinds).findings.iter().map(|finding| finding.message.clone()).collect();
    assert_eq!(left, ["`Jinja2` 2.11.0: bad (PYSEC-3)"]);
    insta::assert_snapshot!(fixes.changes[0].diff(&Detector::new()));
}

#[test]
fn manifests_of_maven_and_dotnet_are_raised_where_they_write_the_version_out() {
    let tree = Tree::new();
    let pom = |version: &str| {
        format!(
            "<project>\n<properties><v>1.4.0</v></properties>\n<dependencies>\n <dependency>\n  <groupId>org.a</groupId>\n  \
             <artifactId>b</artifactId>\n  <version>{version}</version>\n </dependency>\n</dependencies>\n</project>\n"
        )
    };
    let project = |version: &str| {
        format!(
            "<Project><ItemGroup>\n<PackageReference Include=\"Some.Json\" Version=\"{version}\" />\n</ItemGroup></Project>\n"
        )
    };
    tree.write("a/pom.xml", pom("1.4.0")).write("b/pom.xml", pom("${v}"));
    tree.write("c/c.csproj", project("13.0.0")).write("d/d.csproj", project("12.0.3"));
    let fixes = mended(&tree, &kinds(""), Uncommitted::Allowed);
    for change in &fixes.changes {
        change.write().unwrap();
    }
    let read = |path: &str| std::fs::read_to_string(tree.at(path)).unwrap();
    assert_eq!(read("a/pom.xml"), pom("1.4.2"));
    assert_eq!(read("b/pom.xml"), pom("${v}"));
    assert_eq!(read("c/c.csproj"), project("13.0.1"));
    assert_eq!(read("d/d.csproj"), project("12.0.3"));
}

#[test]
fn a_hash_beside_the_version_would_not_fit_any_more_and_nothing_is_changed() {
    let tree = Tree::new();
    tree.write("requirements.txt", "flask==2.3.0 \\\n  --hash=sha256:aaaa\nflask==2.3.1 --hash=sha256:bbbb\n");
    let fixes = mended(&tree, &kinds(""), Uncommitted::Allowed);
    assert!(fixes.changes.is_empty() && fixes.refused.is_empty());
}

#[test]
fn what_no_commit_has_is_not_written_over() {
    let tree = Tree::new();
    tree.git(&["init", "--quiet"]).write("requirements.txt", REQUIREMENTS).commit("all");
    tree.write("requirements.txt", format!("{REQUIREMENTS}# not committed\n"))
        .write("new/requirements.txt", REQUIREMENTS);
    let kinds = kinds("");
    let fixes = mended(&tree, &kinds, Uncommitted::Refused);
    assert!(fixes.changes.is_empty());
    assert!(fixes.refused.iter().all(|refused| refused.why == Refusal::Uncommitted));
    let refused: Vec<&str> = fixes.refused.iter().map(|refused| refused.path.as_str()).collect();
    assert_eq!(refused, ["new/requirements.txt", "requirements.txt"]);
    assert_eq!(mended(&tree, &kinds, Uncommitted::Allowed).changes.len(), 2);
}

#[test]
fn a_file_that_somebody_changed_meanwhile_is_left_alone() {
    let tree = Tree::new();
    tree.write("requirements.txt", REQUIREMENTS);
    std::fs::set_permissions(tree.at("requirements.txt"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let fixes = mended(&tree, &kinds(""), Uncommitted::Allowed);
    tree.write("requirements.txt", "mine\n");
    assert!(fixes.changes[0].write().is_err());
    assert_eq!(std::fs::read_to_string(tree.at("requirements.txt")).unwrap(), "mine\n");
    tree.write("requirements.txt", REQUIREMENTS);
    fixes.changes[0].write().unwrap();
    assert_eq!(std::fs::metadata(tree.at("requirements.txt")).unwrap().permissions().mode() & 0o777, 0o640);
}

const RULES: &str = r#"
rules:
  - id: no-http
    title: Plain HTTP
    files: ["*.cfg"]
    pattern: 'http://(\w+)'
    replace: 'https://$1'
    finds: ["http://a"]
    passes: ["https://a"]
  - id: same-again
    title: A fix that mends nothing
    files: ["*.stay"]
    pattern: 'bad +(\d+)'
    replace: 'bad  $1'
    finds: ["bad 1"]
    passes: ["good 1"]
  - id: no-swap
    title: A fix that brings another finding
    files: ["*.swap"]
    pattern: 'one'
    replace: 'two'
    finds: ["one"]
    passes: ["two"]
  - id: no-two
    title: The other finding
    files: ["*.swap"]
    pattern: 'two'
    finds: ["two"]
    passes: ["one"]
"#;

#[test]
fn what_a_second_scan_does_not_bear_out_is_taken_back_and_the_rest_is_done() {
    let tree = Tree::new();
    tree.write("a.cfg", "url = http://one # http://two\n").write("b.stay", "bad 7\n").write("c.swap", "one\n");
    let fixes = mended(&tree, &kinds(RULES), Uncommitted::Allowed);
    let changed: Vec<&str> = fixes.changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(changed, ["a.cfg"]);
    fixes.changes[0].write().unwrap();
    assert_eq!(std::fs::read_to_string(tree.at("a.cfg")).unwrap(), "url = https://one # https://two\n");
    let refused: Vec<_> =
        fixes.refused.iter().map(|refused| (refused.path.as_str(), refused.why.to_string())).collect();
    assert_eq!(
        refused,
        [
            ("b.stay", "tried, and taken back: the finding stays".to_owned()),
            ("c.swap", "tried, and taken back: it brings `rules.no-two: The other finding`".to_owned())
        ]
    );
    assert_eq!(std::fs::read_to_string(tree.at("c.swap")).unwrap(), "one\n");
}

#[test]
fn a_diff_shows_no_credential() {
    let tree = Tree::new();
    tree.write("a.cfg", format!("token = {}\nurl = http://one\n", token()));
    let fixes = mended(&tree, &kinds(RULES), Uncommitted::Allowed);
    let diff = fixes.changes[0].diff(&Detector::new());
    assert!(diff.contains("+url = https://one") && diff.contains("token = "), "{diff}");
    assert!(!diff.contains(&token()), "{diff}");
}
