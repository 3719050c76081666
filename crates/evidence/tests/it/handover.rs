//! One log, two processes after each other (here: two recorders), and the requests that outlive the first.

use std::os::unix::net::UnixStream;

use bartizan_evidence::Recorder;

use crate::{actions, block_on, config, numbered, records, sequences};

#[test]
fn what_the_old_process_records_after_the_handover_stands_in_the_new_ones_log_once_and_in_one_sequence() {
    let state = tempfile::tempdir().unwrap();
    let (old, old_writer) = Recorder::start(config(state.path())).unwrap();
    block_on(old.durable(numbered(1))).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    old_writer.hand_over(ours).unwrap();
    // The new process is not there yet; the old one serves on.
    old.record_important(numbered(2));

    let (new, new_writer) = Recorder::start(config(state.path())).unwrap();
    new.take_over(theirs).unwrap();
    block_on(new.durable(numbered(3))).unwrap();
    block_on(old.durable(numbered(4))).unwrap();
    for number in 5..2005 {
        old.record_important(numbered(number));
        new.record_important(numbered(number + 2000));
    }
    old_writer.shutdown().unwrap();
    new_writer.shutdown().unwrap();

    let kept = sequences(state.path());
    assert_eq!(kept, (1..=kept.len() as u64).collect::<Vec<_>>(), "one sequence without holes");
    let mut numbers: Vec<u64> = records(state.path())
        .iter()
        .filter_map(|record| record["bartizan"]["issuer"].as_str()?.split(['-', '.']).nth(1)?.parse().ok())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..4005).collect::<Vec<_>>(), "each event once");
    let closed = actions(state.path()).iter().filter(|action| *action == "audit-closed").count();
    assert_eq!((closed, actions(state.path()).contains(&"audit-gap".to_owned())), (2, false));
}

#[test]
fn a_new_process_that_ends_at_once_leaves_the_log_to_the_old_one_with_nothing_lost() {
    let state = tempfile::tempdir().unwrap();
    let (old, old_writer) = Recorder::start(config(state.path())).unwrap();
    let (ours, theirs) = UnixStream::pair().unwrap();
    old_writer.hand_over(ours).unwrap();
    old.record_important(numbered(1));
    drop(theirs);
    block_on(old.durable(numbered(2))).or_else(|_| block_on(old.durable(numbered(2)))).unwrap();
    old_writer.shutdown().unwrap();
    let actions = actions(state.path());
    assert_eq!(actions.iter().filter(|action| *action == "keys-fetched").count(), 2, "{actions:?}");
    assert_eq!(actions.first().zip(actions.last()), Some((&"audit-closed".to_owned(), &"audit-closed".to_owned())));
}
