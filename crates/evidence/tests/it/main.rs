//! The recorder as the node uses it: real files, real processes, real signals.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may fail by panic")]

mod child;
mod crash;
mod disk;
mod files;
mod handover;
mod otlp;
mod queue;
mod sinks;

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use bartizan_evidence::{
    Config, Event, Method, NodeEvent, Outcome, Protocol, RequestEvent, RequestId, Stage, Timings, TlsVersion, read,
};
use serde_json::Value;

/// A configuration whose log stands in `state`, and which syncs often enough for a test.
fn config(state: &Path) -> Config {
    Config { sync_every: Duration::from_millis(2), ..Config::in_state(state) }
}

fn records(state: &Path) -> Vec<Value> {
    read(&state.join("audit")).unwrap().map(Result::unwrap).collect()
}

fn actions(state: &Path) -> Vec<String> {
    records(state).iter().map(|record| record["event"]["action"].as_str().unwrap().to_owned()).collect()
}

fn sequences(state: &Path) -> Vec<u64> {
    records(state).iter().map(|record| record["event"]["sequence"].as_u64().unwrap()).collect()
}

/// An event that tells which one it is.
fn numbered(number: u64) -> Event {
    Event::Node(NodeEvent::KeysFetched { issuer: format!("https://issuer-{number}.example").into() })
}

fn request(path: &str) -> Event {
    let mut timings = Timings::default();
    for stage in [Stage::Wire, Stage::Admit, Stage::Route, Stage::Authenticate, Stage::Forward, Stage::Answer] {
        timings.add(stage, Duration::from_nanos(1234));
    }
    Event::Request(RequestEvent {
        time: UNIX_EPOCH + Duration::from_secs(1_795_363_325),
        request_id: RequestId::new(UNIX_EPOCH, [1; 10]),
        client: [192, 0, 2, 7].into(),
        peer: ([192, 0, 2, 1], 40123).into(),
        protocol: Protocol::Http1,
        tls: Some(TlsVersion::Tls13),
        method: Method::new("GET"),
        path: path.into(),
        has_query: false,
        route: Some("shop".into()),
        subject: Some("alice".into()),
        issuer: Some("https://login.example.com".into()),
        credential: Some("bearer"),
        status: 200,
        outcome: Outcome::Answered,
        stage: Stage::Answer,
        control: None,
        reason: None,
        timings,
        upstream: Some("shop".into()),
        request_bytes: Some(0),
        user_agent: Some(
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0".into(),
        ),
        observed: Vec::new(),
        operation: None,
        trace: None,
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
