//! What stands in the history of a repository, damaged ones among them.

use bartizan_scanner::{GapReason, Limits, Progress, ScanError, scan_history};

use crate::tree::{Tree, other_token, paths, selection, token};

fn repository() -> Tree {
    let tree = Tree::new();
    tree.git(&["init", "--quiet"]).write("src/old.py", format!("token = \"{}\"\n", token())).commit("first");
    tree.write("src/old.py", "token = read()\n").commit("second");
    tree.git(&["checkout", "--quiet", "-b", "side"]);
    tree.write("side.py", format!("token = \"{}\"\n", other_token())).commit("third");
    tree.git(&["checkout", "--quiet", "main"]);
    tree
}

#[test]
fn what_was_removed_later_or_stands_on_another_branch_is_found_with_its_commit() {
    let tree = repository();
    assert!(tree.scan().findings.is_empty());
    for packed in [false, true] {
        if packed {
            tree.git(&["gc", "--quiet", "--aggressive"]);
        }
        let report = tree.history();
        assert_eq!(paths(&report), ["side.py", "src/old.py"]);
        for finding in &report.findings {
            let fact =
                |name: &str| finding.facts.iter().find(|(fact, _)| *fact == name).map(|(_, value)| value.as_str());
            assert_eq!(fact("commit").map(str::len), Some(40));
            assert_eq!(fact("authored"), Some("2026-01-02"));
        }
    }
}

#[test]
fn a_version_that_many_commits_have_is_looked_at_once_and_told_once() {
    let tree = repository();
    for number in 0..5 {
        tree.write(&format!("n{number}"), "x").write("copy.py", format!("token = \"{}\"\n", token())).commit("more");
    }
    let report = tree.history();
    assert_eq!(paths(&report), ["side.py", "src/old.py"]);
}

#[test]
fn a_damaged_pack_is_told_and_the_rest_is_looked_at() {
    let tree = repository();
    tree.git(&["gc", "--quiet"]);
    tree.write("later.py", format!("api_token = \"{}\"\n", token().replace("x7Kq", "q7Xk"))).commit("later");
    let pack =
        std::fs::read_dir(tree.at(".git/objects/pack")).unwrap().filter_map(Result::ok).map(|entry| entry.path());
    let pack = pack.into_iter().find(|path| path.extension().is_some_and(|it| it == "pack")).unwrap();
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 2;
    for byte in &mut bytes[middle..middle + 40] {
        *byte ^= 0x5a;
    }
    std::fs::set_permissions(&pack, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    std::fs::write(&pack, bytes).unwrap();
    let report = tree.history();
    assert!(!report.coverage.gaps.is_empty());
    assert!(report.coverage.gaps.iter().all(|gap| gap.reason == GapReason::Unreadable), "{:?}", report.coverage.gaps);
    assert!(report.findings.iter().any(|finding| finding.message.contains("GitLab")), "{:?}", paths(&report));
}

#[test]
fn where_there_is_no_repository_it_is_said() {
    let tree = Tree::new();
    let outcome = scan_history(&tree.targets(), &Limits::default(), selection(), &Progress::default());
    assert!(matches!(outcome, Err(ScanError::Repository { .. })));
}
