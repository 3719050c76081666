//! What a tree may hold to stop, blind or mislead a scan.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use bartizan_scanner::GapReason;

use crate::tree::{Tree, paths, token};

fn gaps(report: &bartizan_scanner::Report) -> Vec<(&str, GapReason)> {
    report.coverage.gaps.iter().map(|gap| (gap.path.as_str(), gap.reason)).collect()
}

#[test]
fn a_link_leads_neither_out_of_the_tree_nor_in_a_circle() {
    let outside = Tree::new();
    outside.write("secret.txt", token());
    let tree = Tree::new();
    tree.write("a/config.ini", format!("token = {}\n", token()));
    symlink(outside.path(), tree.at("out")).unwrap();
    symlink(outside.at("secret.txt"), tree.at("file")).unwrap();
    symlink("..", tree.at("a/loop")).unwrap();
    assert_eq!(paths(&tree.scan()), ["a/config.ini"]);
}

#[test]
fn a_pipe_does_not_hold_the_scan_and_is_told() {
    let tree = Tree::new();
    tree.write("config.ini", format!("token = {}\n", token()));
    let made = std::process::Command::new("mkfifo").arg(tree.at("pipe")).status().unwrap();
    assert!(made.success());
    let report = tree.scan();
    assert_eq!(gaps(&report), [("pipe", GapReason::Special)]);
    assert_eq!(paths(&report), ["config.ini"]);
}

#[test]
fn a_file_of_a_gigabyte_is_not_read_and_is_told() {
    let tree = Tree::new();
    tree.write("config.ini", format!("token = {}\n", token()));
    std::fs::File::create(tree.at("huge.log")).unwrap().set_len(1 << 30).unwrap();
    let report = tree.scan();
    assert_eq!(gaps(&report), [("huge.log", GapReason::TooLarge)]);
    assert!(report.coverage.bytes < 1000);
}

#[test]
fn a_file_that_may_not_be_read_is_told() {
    let tree = Tree::new();
    tree.write("closed.ini", format!("token = {}\n", token()));
    std::fs::set_permissions(tree.at("closed.ini"), std::fs::Permissions::from_mode(0o0)).unwrap();
    let report = tree.scan();
    // The superuser may read everything.
    match std::fs::read(tree.at("closed.ini")) {
        Ok(_) => assert_eq!(paths(&report), ["closed.ini"]),
        Err(_) => assert_eq!(gaps(&report), [("closed.ini", GapReason::Unreadable)]),
    }
}

#[test]
fn a_name_that_is_no_text_is_written_so_that_no_terminal_obeys_it() {
    let tree = Tree::new();
    let name = std::ffi::OsStr::from_bytes(b"a\xff\x1b[2J.ini");
    std::fs::write(tree.path().join(name), format!("token = {}\n", token())).unwrap();
    assert_eq!(paths(&tree.scan()), ["a%FF%1B[2J.ini"]);
}

#[test]
fn what_git_would_not_commit_is_left_out_and_git_itself_too() {
    let tree = Tree::new();
    tree.git(&["init", "--quiet"]);
    tree.write(".gitignore", "ignored/\n").write("ignored/a.ini", format!("token = {}\n", token()));
    tree.write(".git/notes.ini", format!("token = {}\n", token()));
    tree.write(".hidden/b.ini", format!("token = {}\n", token()));
    assert_eq!(paths(&tree.scan()), [".hidden/b.ini"]);
}

#[test]
fn text_in_utf_16_is_read_as_text() {
    let tree = Tree::new();
    let text = format!("token = {}\r\n", token());
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    tree.write("settings.ini", [&[0xff, 0xfe][..], &units].concat());
    assert_eq!(paths(&tree.scan()), ["settings.ini"]);
}

#[test]
fn a_line_without_an_end_costs_no_more_than_its_length() {
    let tree = Tree::new();
    let line = format!("{}\"token\":\"{}\"{}", "token=a,".repeat(200_000), token(), "password:".repeat(200_000));
    tree.write("bundle.js", line);
    assert_eq!(paths(&tree.scan()), ["bundle.js"]);
}

#[test]
fn no_output_holds_a_secret() {
    use bartizan_scanner::{FailOn, format};
    let tree = Tree::new();
    let password = ["vX9kQ27m", "zR4tWq81"].concat();
    let key = ["AKIA", "QNZGKIQY56JQ7WML"].concat();
    tree.write(
        "config.ini",
        format!(
            "token = {}\ndb_password = \"{password}\"\nurl = postgres://a:{password}@db.acme.io/x # {key}\n",
            token()
        ),
    );
    let report = tree.scan();
    assert_eq!(report.findings.len(), 4, "{:?}", report.findings);
    let outputs = [
        format::text(&report, format::Style::Coloured),
        format::json(&report, "1").to_string(),
        format::sarif(&report, "1").to_string(),
        format::markdown(&report),
        format::html(&report),
        format::junit(&report, FailOn::Never),
        format!("{report:?}"),
        bartizan_scanner::Baseline::write(&report.findings).unwrap(),
    ];
    for output in outputs {
        for secret in [token().as_str(), &password, &key] {
            assert!(!output.contains(secret) && secret.get(6..).is_none_or(|rest| !output.contains(rest)), "{output}");
        }
    }
}

#[test]
fn a_suppression_with_a_reason_hides_its_line_and_is_counted() {
    let tree = Tree::new();
    let ignore = ["bartizan", ":ignore"].concat();
    tree.write("a.py", format!("# {ignore} secrets reason=\"revoked in May\"\ntoken = \"{}\"\n", token()));
    tree.write("b.py", format!("# {ignore} secrets\ntoken = \"{}\"\n", token()));
    let report = tree.scan();
    assert_eq!(report.suppressed, 1);
    let rules: Vec<_> = report.findings.iter().map(|finding| finding.rule.id.as_ref()).collect();
    assert_eq!(rules, ["scan.suppression-without-reason", "secrets.gitlab-token"]);
}
