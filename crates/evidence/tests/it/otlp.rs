//! The exporter against a receiver that is well, busy, wrong or gone. What the messages say is held against the protocol's own
//! decoder in `examples/telemetry`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bartizan_evidence::{Compression, Config, Metrics, Otlp, Recorder};
use bartizan_testkit::{Answer, Upstream};
use bartizan_vault::Secret;
use http::{HeaderName, Response};

use crate::{block_on, config, numbered, records, request};

fn exporting(state: &Path, receiver: &Upstream, change: impl FnOnce(&mut Otlp)) -> Config {
    let mut otlp = Otlp {
        endpoint: format!("{}/base/", receiver.url()).parse().unwrap(),
        logs: true,
        traces: false,
        metrics: false,
        interval: Duration::from_secs(10),
        headers: Vec::new(),
        authorities: None,
        compression: Compression::None,
        service: "bartizan".to_owned(),
    };
    change(&mut otlp);
    Config { otlp: Some(Arc::new(otlp)), ..config(state) }
}

fn respond(status: u16, body: &'static [u8]) -> Answer {
    Answer::Respond(Response::builder().status(status).header("retry-after", "0").body(body.into()).unwrap())
}

#[expect(clippy::expect_used, reason = "what the page does not show fails the test")]
fn count(metrics: &Metrics, series: &str) -> u64 {
    let page = metrics.render();
    let line = page.lines().find_map(|line| line.strip_prefix(series)).expect(series);
    line.trim().parse().unwrap()
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_busy_receiver_gets_the_same_records_again() {
    let tries = AtomicUsize::new(0);
    let receiver = Upstream::start(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => respond(503, b""),
        _ => respond(200, b""),
    });
    let state = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(exporting(state.path(), &receiver, |_| {})).unwrap();
    recorder.reserve().unwrap().record(request("/orders"));
    let exported = "bartizan_otlp_exported_total{signal=\"logs\"}";
    eventually("the records are taken", || count(recorder.metrics(), exported) == 1);
    let received = receiver.received();
    assert_eq!((received.len(), &*received[0].target), (2, "/base/v1/logs"));
    assert_eq!(received[0].body, received[1].body);
    assert_eq!(received[0].headers["content-type"], "application/x-protobuf");
    assert_eq!(count(recorder.metrics(), "bartizan_otlp_failures_total{signal=\"logs\"}"), 1);
    writer.shutdown().unwrap();
}

#[test]
fn what_a_receiver_refuses_is_not_sent_again_and_is_counted() {
    let state = tempfile::tempdir().unwrap();
    let receiver = Upstream::start(|_| respond(400, b"no"));
    let (recorder, writer) = Recorder::start(exporting(state.path(), &receiver, |_| {})).unwrap();
    recorder.reserve().unwrap().record(request("/orders"));
    let dropped = "bartizan_otlp_dropped_total{signal=\"logs\",reason=\"undeliverable\"}";
    eventually("the loss is counted", || count(recorder.metrics(), dropped) == 1);
    assert_eq!(receiver.received().len(), 1);
    writer.shutdown().unwrap();
}

#[test]
fn a_partial_success_counts_what_was_rejected() {
    let state = tempfile::tempdir().unwrap();
    // ExportLogsServiceResponse { partial_success { rejected_log_records: 1, error_message: "old" } }
    let receiver = Upstream::start(|_| respond(200, b"\x0a\x07\x08\x01\x12\x03old"));
    let (recorder, writer) = Recorder::start(exporting(state.path(), &receiver, |_| {})).unwrap();
    recorder.reserve().unwrap().record(request("/orders"));
    recorder.reserve().unwrap().record(request("/orders"));
    let rejected = "bartizan_otlp_dropped_total{signal=\"logs\",reason=\"rejected\"}";
    eventually("the rejection is counted", || count(recorder.metrics(), rejected) == 1);
    assert_eq!(count(recorder.metrics(), "bartizan_otlp_exported_total{signal=\"logs\"}"), 1);
    writer.shutdown().unwrap();
}

#[test]
fn secrets_go_into_the_fields_and_nowhere_else_and_bodies_may_be_compressed() {
    let state = tempfile::tempdir().unwrap();
    let receiver = Upstream::start(|_| respond(200, b""));
    let config = exporting(state.path(), &receiver, |otlp| {
        let secret = Secret::new(b"Bearer hunter2".to_vec());
        otlp.headers = vec![(HeaderName::from_static("authorization"), secret)];
        otlp.compression = Compression::Gzip;
        otlp.metrics = true;
    });
    assert!(!format!("{config:?}").contains("hunter2"));
    let (recorder, writer) = Recorder::start(config).unwrap();
    recorder.reserve().unwrap().record(request("/orders"));
    // The end sends what waits, and the metrics once more.
    writer.shutdown().unwrap();
    let received = receiver.received();
    let targets: Vec<_> = received.iter().map(|request| &*request.target).collect();
    assert_eq!(targets, ["/base/v1/logs", "/base/v1/metrics"]);
    assert!(received.iter().all(|request| request.headers["authorization"] == "Bearer hunter2"));
    assert!(received.iter().all(|request| request.headers["content-encoding"] == "gzip"));
    assert!(received.iter().all(|request| request.body.starts_with(&[0x1f, 0x8b])));
}

#[test]
fn a_receiver_that_hangs_holds_up_nothing_and_the_loss_is_counted() {
    let state = tempfile::tempdir().unwrap();
    let receiver = Upstream::start(|_| Answer::Hang);
    let (recorder, writer) = Recorder::start(exporting(state.path(), &receiver, |_| {})).unwrap();
    for number in 0..12_000 {
        recorder.reserve().unwrap().record(request(&format!("/{number}")));
    }
    block_on(recorder.durable(numbered(1))).unwrap();
    let dropped = "bartizan_otlp_dropped_total{signal=\"logs\",reason=\"queue-full\"}";
    assert!(count(recorder.metrics(), dropped) > 2_000);
    let begun = Instant::now();
    writer.shutdown().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "the end waits a bounded time for the receiver");
    assert_eq!(records(state.path()).len(), 12_002);
}
