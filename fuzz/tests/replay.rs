//! Every input that was kept is tried again: on the stable toolchain, in every run of the tests.

use std::path::Path;

#[test]
fn every_kept_input_holds_what_its_target_promises() {
    let mut inputs = 0;
    for (name, target) in bartizan_fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let before = inputs;
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("a readable folder").path();
            println!("{}", path.display()); // shown if the target panics
            target(&std::fs::read(&path).expect("a readable input"));
            inputs += 1;
        }
        assert!(inputs > before, "{} is empty", folder.display());
    }
}

#[test]
fn every_target_has_its_file_for_the_fuzzer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    let files = std::fs::read_dir(folder).expect("a readable folder").count();
    assert_eq!(files, bartizan_fuzz::TARGETS.len());
    for (name, _) in bartizan_fuzz::TARGETS {
        let text = std::fs::read_to_string(format!("{}/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR")))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.contains(&format!("run(\"{name}\"")), "{name}.rs runs another target");
    }
}
