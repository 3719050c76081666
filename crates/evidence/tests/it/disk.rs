use std::fs;
use std::path::Path;

use bartizan_evidence::{EvidenceError, Recorder};

use crate::{child, config, records, sequences};

/// Runs a part under a limit of the size of files, which the kernel enforces as it does a full disk: a write takes what
/// fits, and the next one fails.
fn run_limited(test: &str, state: &Path) {
    let output = child::command_without_file_size_signal(test, state).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_full_disk_refuses_requests_and_heals_by_itself() {
    let state = tempfile::tempdir().unwrap();
    run_limited("meets_a_full_disk", state.path());
    let recorded: usize = fs::read_to_string(state.path().join("recorded")).unwrap().parse().unwrap();
    let records = records(state.path());
    let kept = records.iter().filter(|record| record["event"]["action"] == "request").count();
    assert_eq!(kept, recorded, "what was recorded while the disk was full is kept, once");
    assert!(sequences(state.path()).into_iter().zip(1..).all(|(sequence, expected)| sequence == expected));
    let unrecorded = records.iter().filter(|record| record["event"]["code"] == "no-room");
    assert!(unrecorded.count() > 0, "the log owns up to the requests that were refused meanwhile");
}

#[test]
fn a_disk_that_stays_full_does_not_hold_up_the_shutdown() {
    let state = tempfile::tempdir().unwrap();
    run_limited("shuts_down_on_a_full_disk", state.path());
    let (_recorder, writer) = Recorder::start(config(state.path())).unwrap();
    writer.shutdown().unwrap();
    let torn = records(state.path()).iter().filter(|record| record["event"]["action"] == "audit-gap").count();
    assert_eq!(torn, 1, "the next run says that something is missing");
}

#[test]
fn a_directory_that_cannot_be_made_is_named_with_its_remedy() {
    let state = tempfile::tempdir().unwrap();
    fs::write(state.path().join("file"), "").unwrap();
    let error = Recorder::start(config(&state.path().join("file"))).unwrap_err();
    assert!(matches!(error, EvidenceError::File { .. }));
    assert!(error.to_string().contains("file/audit`"), "{error}");
}
