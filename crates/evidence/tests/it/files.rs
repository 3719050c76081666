use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use bartizan_evidence::{Config, EvidenceError, Recorder, read};

use crate::{actions, block_on, config, numbered, records, sequences};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn nobody_else_can_read_the_log() {
    let state = tempfile::tempdir().unwrap();
    let directory = state.path().join("audit");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
    let (_recorder, writer) = Recorder::start(config(state.path())).unwrap();
    writer.shutdown().unwrap();
    assert_eq!((mode(&directory), mode(&directory.join("000001.ndjson"))), (0o700, 0o600));
}

#[test]
fn a_link_in_place_of_a_segment_or_of_the_directory_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let victim = state.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::create_dir(state.path().join("audit")).unwrap();
    symlink(&victim, state.path().join("audit/000001.ndjson")).unwrap();
    assert!(matches!(Recorder::start(config(state.path())), Err(EvidenceError::NotPlain(_))));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");

    let elsewhere = tempfile::tempdir().unwrap();
    symlink(state.path(), elsewhere.path().join("audit")).unwrap();
    assert!(matches!(Recorder::start(config(elsewhere.path())), Err(EvidenceError::NotPlain(_))));
    assert!(matches!(read(&elsewhere.path().join("audit")), Err(EvidenceError::NotPlain(_))));
}

#[test]
fn two_nodes_do_not_share_a_log() {
    let state = tempfile::tempdir().unwrap();
    let (_recorder, writer) = Recorder::start(config(state.path())).unwrap();
    let error = Recorder::start(config(state.path())).unwrap_err();
    assert!(matches!(&error, EvidenceError::InUse(_)) && error.to_string().contains("another process"), "{error}");
    writer.shutdown().unwrap();
    assert!(Recorder::start(config(state.path())).is_ok());
}

#[test]
fn segments_are_rotated_kept_within_bounds_and_missed_by_name() {
    let state = tempfile::tempdir().unwrap();
    let config = Config { segment_bytes: 2_000, retain_bytes: 6_000, ..config(state.path()) };
    let (recorder, writer) = Recorder::start(config.clone()).unwrap();
    for number in 0..60 {
        block_on(recorder.durable(numbered(number))).unwrap();
    }
    writer.shutdown().unwrap();
    let sizes: u64 =
        fs::read_dir(&config.directory).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!((4_000..9_000).contains(&sizes), "{sizes}");
    assert!(!config.directory.join("000001.ndjson").exists());
    assert!(actions(state.path()).contains(&"audit-segment-removed".to_owned()));
    let sequences = sequences(state.path());
    assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1), "{sequences:?}");

    let (_recorder, writer) = Recorder::start(config).unwrap();
    writer.shutdown().unwrap();
    assert!(!actions(state.path()).contains(&"audit-gap".to_owned()));
}

#[test]
fn segments_past_their_age_are_removed() {
    let state = tempfile::tempdir().unwrap();
    let config = Config { segment_bytes: 1_000, retain_for: Duration::ZERO, ..config(state.path()) };
    let (recorder, writer) = Recorder::start(config).unwrap();
    for number in 0..20 {
        block_on(recorder.durable(numbered(number))).unwrap();
    }
    writer.shutdown().unwrap();
    assert!(!state.path().join("audit/000001.ndjson").exists());
    assert!(records(state.path()).len() < 20);
}

#[test]
fn a_reader_follows_across_segments_while_the_node_writes() {
    let state = tempfile::tempdir().unwrap();
    let config = Config { segment_bytes: 1_500, ..config(state.path()) };
    let (recorder, writer) = Recorder::start(config.clone()).unwrap();
    let following = read(&config.directory).unwrap().following(Duration::from_millis(1));
    let reader = std::thread::spawn(move || following.take(50).map(|record| record.unwrap()).collect::<Vec<_>>());
    for number in 0..50 {
        block_on(recorder.durable(numbered(number))).unwrap();
    }
    let seen = reader.join().unwrap();
    assert!(seen.iter().zip(1_u64..).all(|(record, expected)| record["event"]["sequence"] == expected));
    writer.shutdown().unwrap();
}
