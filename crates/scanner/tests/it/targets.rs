//! What is looked at: what git has or would have, once, under the names by which it was asked for.

use bartizan_scanner::{Limits, Progress, Target, scan, scan_history};

use crate::tree::{Tree, kinds, other_token, paths, selection, token};

fn leak() -> String {
    format!("TOKEN={}\n", token())
}

#[test]
fn a_file_that_was_committed_although_it_is_ignored_is_looked_at() {
    let tree = Tree::new();
    tree.git(&["init", "--quiet"]).write(".gitignore", ".env\nlocal/\n");
    tree.write(".env", leak()).write("local/a.ini", leak()).write("local/b.ini", leak());
    tree.git(&["add", "--force", ".env", "local/a.ini", ".gitignore"]).git(&["commit", "--quiet", "--message", "oops"]);
    assert_eq!(paths(&tree.scan()), [".env", "local/a.ini"]);
    let excluded = Limits { exclude: vec!["local/".to_owned()], ..Limits::default() };
    assert_eq!(paths(&tree.scan_with(&excluded, selection())), [".env"]);
    // Only what stands in the index can be released; what is gone from the disk is gone.
    std::fs::remove_file(tree.at(".env")).unwrap();
    let report = tree.scan();
    assert_eq!((paths(&report), report.coverage.gaps.len()), (vec!["local/a.ini"], 0));
}

#[test]
fn a_committed_file_is_counted_once_whether_ignored_or_not() {
    let tree = Tree::new();
    tree.git(&["init", "--quiet"]).write("a.ini", leak()).write("b.ini", "x").commit("all");
    assert_eq!(tree.scan().coverage.files, 2);
}

#[test]
fn a_damaged_index_is_told() {
    let tree = Tree::new();
    tree.git(&["init", "--quiet"]).write("a.ini", leak()).commit("all");
    tree.write(".git/index", "DIRC and nothing more");
    let report = tree.scan();
    assert_eq!(paths(&report), ["a.ini"]);
    let gaps: Vec<&str> = report.coverage.gaps.iter().map(|gap| gap.path.as_str()).collect();
    assert_eq!(gaps, [".git/index"]);
}

#[test]
fn several_targets_are_one_scan_and_no_file_is_read_twice() {
    let tree = Tree::new();
    tree.write("a/x.ini", leak()).write("a/b/y.ini", leak()).write("c.ini", leak()).write("d.ini", leak());
    let named = ["a/b", "c.ini", "a", "c.ini"].map(|name| tree.at(name));
    let targets = Target::all(&named, tree.path()).unwrap();
    let report = scan(&targets, &kinds, &Limits::default(), selection(), &Progress::default()).unwrap();
    assert_eq!(paths(&report), ["a/b/y.ini", "a/x.ini", "c.ini"]);
    assert_eq!(report.coverage.files, 3);
}

#[test]
fn a_target_that_git_ignores_is_scanned_when_it_is_named() {
    let tree = Tree::new();
    tree.git(&["init", "--quiet"]).write(".gitignore", "dist/\n").write("dist/a.ini", leak()).write("b.ini", leak());
    let named = [tree.path().to_owned(), tree.at("dist")];
    let targets = Target::all(&named, tree.path()).unwrap();
    let report = scan(&targets, &kinds, &Limits::default(), selection(), &Progress::default()).unwrap();
    assert_eq!(paths(&report), ["b.ini", "dist/a.ini"]);
}

#[test]
fn since_a_revision_a_single_file_tells_only_what_is_new_in_it() {
    let tree = Tree::new();
    tree.git(&["init", "--quiet"]).write("src/a.ini", leak()).commit("first");
    tree.write("src/a.ini", format!("{}other_token={}\n", leak(), other_token()));
    let targets = [Target::single(&tree.at("src/a.ini")).unwrap()];
    let since = bartizan_scanner::Selection { since: Some("HEAD".to_owned()), ..selection() };
    let report = scan(&targets, &kinds, &Limits::default(), since, &Progress::default()).unwrap();
    assert_eq!((report.findings.len(), report.known), (1, 1));
}

#[test]
fn an_excluded_directory_is_excluded_from_the_history_too_and_a_repository_is_read_once() {
    let tree = Tree::new();
    tree.git(&["init", "--quiet"]).write("vendor/a.ini", leak()).write("b/c.ini", format!("token={}\n", other_token()));
    tree.commit("all");
    let excluded = Limits { exclude: vec!["vendor/".to_owned()], ..Limits::default() };
    let targets = Target::all(&[tree.at("vendor"), tree.at("b")], tree.path()).unwrap();
    let report = scan_history(&targets, &excluded, selection(), &Progress::default()).unwrap();
    assert_eq!(paths(&report), ["b/c.ini"]);
}
