use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::time::Duration;

use bartizan_evidence::{Event, NodeEvent, Recorder};

use crate::{actions, block_on, child, config, numbered, records, sequences};

const ROUNDS: u64 = 30;

#[test]
fn an_acknowledged_event_survives_kill_9() {
    let state = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        fs::write(state.path().join("next"), (round * 1_000_000).to_string()).unwrap();
        let mut process = child::command("writes_until_it_is_killed", state.path()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("acknowledged ") {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "the child ended by itself");
        }
        // Killed at another moment each round, once it is at work.
        std::thread::sleep(Duration::from_micros(997 * (round % 13)));
        process.kill().unwrap();
        process.wait().unwrap();
        output.read_to_string(&mut line).unwrap();
        acknowledged.extend(line.lines().filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok()));
    }

    let (_recorder, writer) = Recorder::start(config(state.path())).unwrap();
    writer.shutdown().unwrap();
    let records = records(state.path());
    let kept: HashSet<_> = records.iter().filter_map(|record| record["bartizan"]["issuer"].as_str()).collect();
    assert!(acknowledged.len() as u64 >= ROUNDS);
    for number in acknowledged {
        assert!(
            kept.contains(&*format!("https://issuer-{number}.example")),
            "event {number} was acknowledged and is lost"
        );
    }
    let gaps = records
        .iter()
        .filter(|record| record["event"]["action"] == "audit-gap" && record["event"]["code"] != "no-room");
    assert_eq!(gaps.count() as u64, ROUNDS, "each killed run leaves its gap");
    let sequences = sequences(state.path());
    assert!(
        sequences.iter().zip(1..).all(|(sequence, expected)| *sequence == expected),
        "no number is missing or doubled"
    );
}

#[test]
fn a_torn_line_is_cut_off_and_the_log_owns_up_to_it() {
    let state = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(config(state.path())).unwrap();
    block_on(recorder.durable(numbered(1))).unwrap();
    writer.shutdown().unwrap();
    let segment = state.path().join("audit/000001.ndjson");
    let mut file = fs::OpenOptions::new().append(true).open(&segment).unwrap();
    file.write_all(b"{\"@timestamp\":\"2026-11-22T16").unwrap();

    let (recorder, writer) = Recorder::start(config(state.path())).unwrap();
    block_on(recorder.durable(numbered(2))).unwrap();
    writer.shutdown().unwrap();
    assert_eq!(actions(state.path()), ["keys-fetched", "audit-closed", "audit-gap", "keys-fetched", "audit-closed"]);
    assert_eq!(records(state.path())[2]["event"]["code"], "torn");
    assert_eq!(sequences(state.path()), [1, 2, 3, 4, 5]);
}

#[test]
fn a_log_that_was_closed_has_no_gap() {
    let state = tempfile::tempdir().unwrap();
    for number in 1..=3 {
        let (recorder, writer) = Recorder::start(config(state.path())).unwrap();
        recorder.record_important(numbered(number));
        writer.shutdown().unwrap();
    }
    assert!(!actions(state.path()).contains(&"audit-gap".to_owned()));
    assert_eq!(sequences(state.path()), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_damaged_segment_is_kept_as_it_is_and_a_new_one_begun() {
    let state = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(config(state.path())).unwrap();
    recorder.record_important(numbered(1));
    writer.shutdown().unwrap();
    let segment = state.path().join("audit/000001.ndjson");
    let mut damaged = fs::read(&segment).unwrap();
    damaged.extend_from_slice(b"\0\0\0\0\n");
    fs::write(&segment, &damaged).unwrap();

    let (recorder, writer) = Recorder::start(config(state.path())).unwrap();
    recorder.record_important(Event::Node(NodeEvent::Draining));
    writer.shutdown().unwrap();
    assert_eq!(fs::read(&segment).unwrap(), damaged);
    let next = fs::read_to_string(state.path().join("audit/000002.ndjson")).unwrap();
    assert!(next.contains("\"sequence\":3") && next.contains("\"code\":\"damaged\""), "{next}");
    let mut reader = bartizan_evidence::read(&state.path().join("audit")).unwrap();
    let error = reader.by_ref().find_map(Result::err).unwrap();
    assert!(error.to_string().contains("000001.ndjson"), "{error}");
    assert_eq!(reader.flatten().count(), 3, "what follows the damage can still be read");
}
