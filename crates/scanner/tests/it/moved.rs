//! A finding stays the same while the code around it moves.

use bartizan_scanner::{Baseline, Limits, Selection};
use proptest::prelude::*;

use crate::tree::{Tree, other_token, paths, selection, token};

fn source(indent: &str, quote: char, before: usize) -> String {
    let lines = "let x = 1;\n".repeat(before);
    format!(
        "{lines}{indent}const token = {quote}{}{quote};\n{indent}other({quote}{}{quote});\n",
        token(),
        other_token()
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn inserted_lines_a_new_name_and_a_new_layout_make_no_new_finding(
        before in 0_usize..150, indent in "[ \t]{0,12}", name in "[a-z]{1,8}", double in any::<bool>(),
    ) {
        let old = Tree::new();
        old.write("src/a.js", source("", '"', 3));
        let known = old.scan();
        prop_assert_eq!(known.findings.len(), 2);
        let new = Tree::new();
        new.write(&format!("lib/{name}.js"), source(&indent, if double { '"' } else { '\'' }, before));
        let baseline = Some(Baseline::of(&known.findings));
        let report = new.scan_with(&Limits::default(), Selection { baseline, ..selection() });
        prop_assert_eq!((report.findings.len(), report.known), (0, 2));
    }
}

#[test]
fn since_a_revision_only_what_is_new_is_told() {
    let tree = Tree::new();
    tree.git(&["init", "--quiet"]).write("src/a.js", source("", '"', 0)).commit("first");
    std::fs::rename(tree.at("src/a.js"), tree.at("src/b.js")).unwrap();
    let key = ["AKIA", "QNZGKIQY56JQ7WML"].concat();
    tree.write("src/c.js", format!("const id = \"{key}\";\n"));
    let report = tree.scan_with(&Limits::default(), Selection { since: Some("HEAD".to_owned()), ..selection() });
    assert_eq!((paths(&report), report.known), (vec!["src/c.js"], 2));
}

#[test]
fn a_copy_of_a_known_secret_is_new() {
    let tree = Tree::new();
    tree.write("a.js", source("", '"', 0));
    let baseline = Some(Baseline::of(&tree.scan().findings));
    tree.write("b.js", source("", '"', 0));
    let report = tree.scan_with(&Limits::default(), Selection { baseline, ..selection() });
    assert_eq!((report.findings.len(), report.known), (2, 2));
}
