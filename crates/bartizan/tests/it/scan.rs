//! `bartizan scan` as it is called: with policies in processes of their own, with changes, and without a network.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};

const POLICY: &str = r#"package project.ports

rule := {
    "id": "port-on-every-address",
    "title": "Port that is published on every address",
    "severity": "high",
    "cwe": [1327],
    "files": ["compose*.yaml"],
    "finds": ["services: {db: {image: a, ports: ['5432:5432']}}"],
    "passes": ["services: {db: {image: a, ports: ['127.0.0.1:5432:5432']}}"],
}

findings contains {
    "message": sprintf("`%s` publishes %s on every address", [name, port]),
    "path": resource.path,
    "number": resource.number,
    "at": sprintf("/services/%s/ports/%d", [name, i]),
} if {
    some resource in input.resources
    some name, service in resource.document.services
    some i, port in service.ports
    not startswith(port, "127.0.0.1:")
}
"#;

const COMPOSE: &str = "services:\n  web:\n    image: a\n    ports:\n      - 127.0.0.1:80:80\n---\nservices:\n  db:\n    image: b\n    ports: [\"127.0.0.1:1:1\",\n      \"5432:5432\"]\n";

/// The beginning of a policy that is sound; what it does then, the test says.
fn policy(body: &str) -> String {
    format!(
        "package p\nrule := {{\"id\": \"p\", \"title\": \"P\", \"files\": [\"*.yaml\"], \"finds\": [\"a: 1\"], \"passes\": [\"b: 1\"]}}\n{body}\n"
    )
}

fn scan(tree: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bartizan"));
    command.arg("scan").args(arguments).current_dir(tree).env_remove("BARTIZAN_ADVISORIES").env("XDG_CACHE_HOME", tree);
    command.output().unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    assert!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = tree.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    tree
}

#[test]
fn a_policy_finds_what_it_says_with_its_place() {
    let tree = tree(&[("rules/ports.rego", POLICY), ("deploy/compose.yaml", COMPOSE)]);
    let checked = scan(tree.path(), &["--rules", "rules", "--check-rules"]);
    assert!(
        checked.status.success(),
        "{}{}",
        String::from_utf8_lossy(&checked.stdout),
        String::from_utf8_lossy(&checked.stderr)
    );
    let report = scan(tree.path(), &["--rules", "rules", "--only", "rules", "--format", "json"]);
    assert_eq!(report.status.code(), Some(1));
    let report = json(&report);
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1), "{report:#}");
    let finding = &report["findings"][0];
    assert_eq!(finding["rule"], "rules.port-on-every-address");
    assert_eq!(finding["message"], "`db` publishes 5432:5432 on every address");
    assert_eq!((&finding["path"], &finding["start"]["line"]), (&"deploy/compose.yaml".into(), &11.into()));
}

#[test]
fn the_projects_own_rules_are_in_its_configuration() {
    let tree = tree(&[
        ("rules/ports.rego", POLICY),
        ("compose.yaml", COMPOSE),
        ("bartizan.toml", "[scan]\nrules = [\"rules\"]\nonly = [\"rules\"]\n"),
    ]);
    assert_eq!(scan(tree.path(), &[]).status.code(), Some(1));
    std::fs::write(tree.path().join("rules/broken.rego"), "package p\nrule := ").unwrap();
    let refused = scan(tree.path(), &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("rules/broken.rego:1: "));
}

#[test]
fn a_policy_that_crashes_or_eats_everything_is_one_named_gap_and_the_scan_goes_on() {
    let bomb = "findings contains {\"message\": \"m\", \"path\": \"a.yaml\"} if { n := numbers.range(1, 100000)\n some a in n\n some b in n\n some c in n\n a + b + c == 0 }";
    let memory = "findings := [x | some i in numbers.range(1, 40000000); x := sprintf(\"%d\", [i])]";
    let stranger = "findings contains {\"message\": \"m\", \"path\": \"/etc/passwd\"}";
    let wrong = "findings := 7";
    for (body, cause) in [
        (bomb, "without an answer"),
        (memory, "without an answer"),
        (stranger, "it names `/etc/passwd`, which it was not given"),
        (wrong, "`findings` is a set of objects"),
    ] {
        let tree = tree(&[
            ("r/p.rego", &policy(body)),
            ("r/ports.rego", POLICY),
            ("a.yaml", "a: 1\n"),
            ("compose.yaml", COMPOSE),
        ]);
        let output = scan(tree.path(), &["--rules", "r", "--only", "rules", "--format", "json", "--fail-on", "never"]);
        assert_eq!(output.status.code(), Some(0), "{body}: {}", String::from_utf8_lossy(&output.stderr));
        let report = json(&output);
        let gaps = report["coverage"]["not_looked_at"].as_array().unwrap();
        assert!(
            gaps.len() == 1 && gaps[0]["path"] == "r/p.rego" && gaps[0]["detail"].as_str().unwrap().contains(cause),
            "{body}: {gaps:?}"
        );
        assert_eq!(report["findings"][0]["rule"], "rules.port-on-every-address", "{body}");
    }
}

#[test]
fn a_change_is_shown_made_and_gone_from_the_report() {
    let rules = "rules:\n  - id: http\n    title: Plain HTTP\n    severity: high\n    files: ['*.cfg']\n    pattern: 'http://(\\w+)'\n    replace: 'https://$1'\n    finds: ['http://a']\n    passes: ['https://a']\n";
    let tree = tree(&[("rules.yaml", rules), ("a.cfg", "url = http://one\n")]);
    let flags = ["--rules", "rules.yaml", "--only", "rules", "--fix"];
    let refused = scan(tree.path(), &flags);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`--allow-dirty`"));
    let done = scan(tree.path(), &[&flags[..], &["--allow-dirty"]].concat());
    assert_eq!(done.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&done.stdout).contains("-url = http://one\n+url = https://one\n"));
    assert_eq!(std::fs::read_to_string(tree.path().join("a.cfg")).unwrap(), "url = https://one\n");
}

/// Needs the right to make a network of its own: root, or user namespaces.
#[test]
fn without_a_network_the_result_is_the_same() {
    let token = ["glpat-", "x7Kq9mZ2vB4nR8tW1cYd"].concat();
    let tree = tree(&[
        ("rules/ports.rego", POLICY),
        ("compose.yaml", COMPOSE),
        ("settings.ini", &format!("token = {token}\n")),
        ("requirements.txt", "flask>=2.0\n"),
    ]);
    let arguments = ["--rules", "rules", "--format", "json"];
    let with = scan(tree.path(), &arguments);
    assert_eq!(with.status.code(), Some(1));
    let mut unshare = Command::new("unshare");
    unshare.args(["--map-root-user", "--net"]);
    if !unshare.arg("true").status().is_ok_and(|status| status.success()) {
        return drop(writeln!(
            std::io::stderr(),
            "skipped: this user may not make a network of its own; as root it runs"
        ));
    }
    let mut cut = Command::new("unshare");
    cut.args(["--map-root-user", "--net", env!("CARGO_BIN_EXE_bartizan"), "scan"]).args(arguments);
    let without =
        cut.current_dir(tree.path()).env_remove("BARTIZAN_ADVISORIES").env("XDG_CACHE_HOME", tree.path()).output();
    let without = without.unwrap();
    assert_eq!((without.status.code(), &without.stdout), (Some(1), &with.stdout));
}
