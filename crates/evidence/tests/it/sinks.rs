use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use bartizan_evidence::{Config, Recorder, Sink};

use crate::{block_on, child, config, numbered, records, request};

#[test]
fn a_sink_prints_what_the_audit_log_holds() {
    let state = tempfile::tempdir().unwrap();
    let copy = state.path().join("copy.ndjson");
    let (recorder, writer) =
        Recorder::start(Config { sinks: vec![Sink::File(copy.clone())], ..config(state.path()) }).unwrap();
    recorder.reserve().unwrap().record(request("/orders"));
    block_on(recorder.durable(numbered(1))).unwrap();
    writer.shutdown().unwrap();
    assert_eq!(fs::read(&copy).unwrap(), fs::read(state.path().join("audit/000001.ndjson")).unwrap());
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_is_moved_away_is_opened_anew_and_no_record_is_lost() {
    let state = tempfile::tempdir().unwrap();
    let (copy, moved) = (state.path().join("copy.ndjson"), state.path().join("copy.ndjson.1"));
    let (recorder, writer) =
        Recorder::start(Config { sinks: vec![Sink::File(copy.clone())], ..config(state.path()) }).unwrap();
    let lines = |path: &std::path::Path| fs::read_to_string(path).map_or(0, |text| text.lines().count());
    block_on(recorder.durable(numbered(1))).unwrap();
    let begun = Instant::now();
    while lines(&copy) < 1 {
        assert!(begun.elapsed() < Duration::from_secs(10), "the sink prints nothing");
        std::thread::sleep(Duration::from_millis(2));
    }
    fs::rename(&copy, &moved).unwrap();
    block_on(recorder.durable(numbered(2))).unwrap();
    writer.shutdown().unwrap();
    assert_eq!((lines(&moved), lines(&copy)), (1, 2));
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_sink_that_fails_does_not_hold_up_the_audit_log() {
    let state = tempfile::tempdir().unwrap();
    let sinks = vec![Sink::File("/dev/full".into())];
    let (recorder, writer) = Recorder::start(Config { sinks, ..config(state.path()) }).unwrap();
    for number in 0..20 {
        block_on(recorder.durable(numbered(number))).unwrap();
    }
    writer.shutdown().unwrap();
    assert_eq!(records(state.path()).len(), 21);
}

#[test]
fn a_slow_standard_output_loses_records_says_so_and_holds_up_nothing() {
    let state = tempfile::tempdir().unwrap();
    let mut process = child::command("prints_to_a_reader_that_does_not_read", state.path()).spawn().unwrap();
    let begun = Instant::now();
    while !state.path().join("metrics").exists() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the audit log waits for standard output");
        std::thread::sleep(Duration::from_millis(5));
    }
    let metrics = fs::read_to_string(state.path().join("metrics")).unwrap();
    let dropped = metrics.lines().find_map(|line| line.strip_prefix("bartizan_audit_dropped_total ")).unwrap();
    assert!(dropped.parse::<u64>().unwrap() > 0);
    let kept = records(state.path());
    assert_eq!(kept.iter().filter(|record| record["event"]["action"] == "request").count(), 2_000);

    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("\"code\":\"slow-sink\"")), "the sink owns up to what it left out");
    process.kill().unwrap();
    process.wait().unwrap();
}
