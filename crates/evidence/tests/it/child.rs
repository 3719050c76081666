//! Parts that run in a process of their own, so that they can be killed or limited: this same binary, started with one
//! ignored test and the state directory in its environment.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bartizan_evidence::{Config, EvidenceError, Recorder, Sink};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{block_on, config, numbered, request};

const STATE: &str = "BARTIZAN_TEST_STATE";

/// The command that runs one of the ignored tests below on a state directory.
pub(crate) fn command(test: &str, state: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    on_state(
        command.args(["--ignored", "--exact", &format!("child::{test}"), "--nocapture", "--test-threads=1"]),
        state,
    );
    command
}

/// As [`command`], but with SIGXFSZ ignored, so that a file that reaches its limit gives an error as a full disk does.
pub(crate) fn command_without_file_size_signal(test: &str, state: &Path) -> Command {
    let mut command = Command::new("sh");
    let binary = std::env::current_exe().unwrap();
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(binary);
    on_state(
        command.args(["--ignored", "--exact", &format!("child::{test}"), "--nocapture", "--test-threads=1"]),
        state,
    );
    command
}

fn on_state(command: &mut Command, state: &Path) {
    command.env(STATE, state).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
}

/// None when the test was asked for by hand, without a parent.
pub(crate) fn state() -> Option<PathBuf> {
    std::env::var_os(STATE).map(PathBuf::from)
}

/// Past the test harness's capture, in one write.
pub(crate) fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    output.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    output.flush().unwrap();
}

#[test]
#[ignore = "a part of `an_acknowledged_event_survives_kill_9`"]
fn writes_until_it_is_killed() {
    let Some(state) = state() else { return };
    let (recorder, _writer) = Recorder::start(config(&state)).unwrap();
    let first: u64 = std::fs::read_to_string(state.join("next")).unwrap().parse().unwrap();
    let flood = recorder.clone();
    std::thread::spawn(move || {
        loop {
            if let Some(slot) = flood.reserve() {
                slot.record(request("/flood"));
            }
            std::thread::yield_now();
        }
    });
    for number in first.. {
        block_on(recorder.durable(numbered(number))).unwrap();
        say(&format!("acknowledged {number}"));
    }
}

#[test]
#[ignore = "a part of `a_full_disk_refuses_requests_and_heals_by_itself`"]
fn meets_a_full_disk() {
    let Some(state) = state() else { return };
    let (recorder, writer) = Recorder::start(Config { queue: places(64), ..config(&state) }).unwrap();
    limit_file_size(Some(100_000));
    let mut recorded = record_until_refused(&recorder);

    let error = block_on(recorder.durable(numbered(1))).unwrap_err().to_string();
    for part in ["cannot write", "000001.ndjson", "File too large", "free space"] {
        assert!(error.contains(part), "{error}");
    }
    assert!(recorder.fault().is_some());
    assert!(recorder.metrics().render().contains("\nbartizan_audit_failing 1\n"));

    limit_file_size(None);
    wait_until(|| recorder.fault().is_none());
    wait_until(|| recorder.reserve().map(|slot| slot.record(request("/after"))).is_some());
    recorded += 1;
    block_on(recorder.durable(numbered(2))).unwrap();
    writer.shutdown().unwrap();
    std::fs::write(state.join("recorded"), recorded.to_string()).unwrap();
}

#[test]
#[ignore = "a part of `a_disk_that_stays_full_does_not_hold_up_the_shutdown`"]
fn shuts_down_on_a_full_disk() {
    let Some(state) = state() else { return };
    let shutdown_within = Duration::from_millis(200);
    let config = Config { queue: places(64), shutdown_within, ..config(&state) };
    let (recorder, writer) = Recorder::start(config).unwrap();
    limit_file_size(Some(10_000));
    let recorded = record_until_refused(&recorder);
    let error = writer.shutdown().unwrap_err();
    let EvidenceError::NotDurable { events, .. } = error else { panic!("{error}") };
    // The writer's own gaps and its last record are among them.
    assert!(events > 0 && events <= recorded + 16, "{events} of {recorded}");
}

#[test]
#[ignore = "a part of `a_slow_standard_output_loses_records_says_so_and_holds_up_nothing`"]
fn prints_to_a_reader_that_does_not_read() {
    let Some(state) = state() else { return };
    let (recorder, _writer) = Recorder::start(Config { sinks: vec![Sink::Stdout], ..config(&state) }).unwrap();
    for number in 0..100 {
        for _ in 0..20 {
            recorder.reserve().unwrap().record(request("/flood"));
        }
        block_on(recorder.durable(numbered(number))).unwrap();
    }
    std::fs::write(state.join("metrics.part"), recorder.metrics().render()).unwrap();
    std::fs::rename(state.join("metrics.part"), state.join("metrics")).unwrap();
    for number in 100.. {
        block_on(recorder.durable(numbered(number))).unwrap();
    }
}

fn places(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

/// Files may grow to so many bytes; with None, to any size again.
fn limit_file_size(bytes: Option<u64>) {
    setrlimit(Resource::Fsize, Rlimit { current: bytes, maximum: getrlimit(Resource::Fsize).maximum }).unwrap();
}

/// Records requests until the writer has been stuck for a while. Gives back how many were recorded.
fn record_until_refused(recorder: &Recorder) -> u64 {
    let mut recorded = 0;
    let mut refused_since = Instant::now();
    while refused_since.elapsed() < Duration::from_millis(500) {
        if let Some(slot) = recorder.reserve() {
            slot.record(request("/before"));
            recorded += 1;
            refused_since = Instant::now();
        }
        std::thread::yield_now();
    }
    recorded
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain");
        std::thread::sleep(Duration::from_millis(1));
    }
}
