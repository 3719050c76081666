use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use bartizan_evidence::{Config, Recorder};

use crate::{actions, block_on, config, numbered, records, request, sequences};

fn small(state: &std::path::Path, places: usize) -> Config {
    Config { queue: NonZeroUsize::new(places).unwrap(), ..config(state) }
}

#[test]
fn a_full_queue_gives_no_slot_and_a_dropped_slot_frees_its_place() {
    let state = tempfile::tempdir().unwrap();
    let (recorder, _writer) = Recorder::start(small(state.path(), 2)).unwrap();
    let first = recorder.reserve().unwrap();
    let _second = recorder.reserve().unwrap();
    assert!(recorder.reserve().is_none());
    drop(first);
    assert!(recorder.reserve().is_some());
}

#[test]
fn requests_refused_for_want_of_room_are_counted_in_a_gap() {
    let state = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(small(state.path(), 1)).unwrap();
    let held = recorder.reserve().unwrap();
    for _ in 0..5 {
        assert!(recorder.reserve().is_none());
    }
    held.record(request("/"));
    writer.shutdown().unwrap();
    let lost: u64 = records(state.path()).iter().filter_map(|record| record["bartizan"]["lost"].as_u64()).sum();
    assert_eq!(lost, 5);
    assert!(recorder.metrics().render().contains("\nbartizan_audit_unrecorded_total 5\n"));
}

#[test]
fn a_flood_of_requests_does_not_keep_out_what_the_node_says() {
    let state = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(small(state.path(), 1)).unwrap();
    let held = recorder.reserve().unwrap();
    recorder.record_important(numbered(1));
    block_on(recorder.durable(numbered(2))).unwrap();
    drop(held);
    writer.shutdown().unwrap();
    assert_eq!(actions(state.path()), ["keys-fetched", "keys-fetched", "audit-closed"]);
}

#[test]
fn every_slot_gives_exactly_one_record_from_however_many_threads() {
    let state = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(small(state.path(), 256)).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let recorder = recorder.clone();
            scope.spawn(move || {
                for number in 0..500 {
                    let slot = loop {
                        match recorder.reserve() {
                            Some(slot) => break slot,
                            None => std::thread::sleep(Duration::from_millis(1)),
                        }
                    };
                    if number % 5 == 4 {
                        drop(slot);
                    } else {
                        slot.record(request(&format!("/{thread}/{number}")));
                    }
                }
            });
        }
    });
    writer.shutdown().unwrap();
    let mut paths: Vec<_> = records(state.path())
        .into_iter()
        .filter_map(|record| record["url"]["path"].as_str().map(ToOwned::to_owned))
        .collect();
    assert_eq!(paths.len(), 4 * 400);
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), 4 * 400, "no event is there twice");
    assert!(sequences(state.path()).into_iter().zip(1..).all(|(sequence, expected)| sequence == expected));
    assert!(recorder.metrics().render().contains("\nbartizan_audit_queue_length 0\n"));
}

#[test]
fn a_quiet_writer_wakes_for_the_next_event() {
    let state = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(config(state.path())).unwrap();
    for number in 1..=3 {
        // Long enough for the writer to go to sleep.
        std::thread::sleep(Duration::from_millis(120));
        recorder.reserve().unwrap().record(request("/"));
        let begun = Instant::now();
        while records(state.path()).len() < number {
            assert!(begun.elapsed() < Duration::from_millis(900), "only the writer's longest sleep ended it");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    writer.shutdown().unwrap();
}

#[test]
fn after_shutdown_nothing_is_taken_any_more() {
    let state = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(config(state.path())).unwrap();
    writer.shutdown().unwrap();
    assert!(recorder.reserve().is_none());
    assert!(block_on(recorder.durable(numbered(1))).is_err());
    recorder.record_important(numbered(2));
    assert_eq!(actions(state.path()), ["audit-closed"]);
}

#[test]
fn a_slot_that_is_used_during_shutdown_is_still_recorded() {
    let state = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(config(state.path())).unwrap();
    let slot = recorder.reserve().unwrap();
    let late = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        slot.record(request("/late"));
    });
    writer.shutdown().unwrap();
    late.join().unwrap();
    assert_eq!(actions(state.path()), ["request", "audit-closed"]);
}
