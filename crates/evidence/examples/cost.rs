//! What evidence costs, in nanoseconds of CPU: for the caller of `reserve` and `record`, and for the thread that writes.
//!
//! `cargo run --release -p bartizan-evidence --example cost [-- THREADS]`
#![expect(clippy::unwrap_used, reason = "a measurement by hand")]

use std::io::Write;
use std::time::{Duration, SystemTime};

use bartizan_evidence::{
    Config, Event, Method, Outcome, Protocol, Recorder, RequestEvent, RequestId, Stage, Timings, TlsVersion,
};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: u32 = 1_000;
const EVENTS: u32 = 100;

fn main() {
    let threads: u32 = std::env::args().nth(1).map_or(1, |number| number.parse().unwrap());
    let state = tempfile::tempdir().unwrap();
    let (recorder, writer) = Recorder::start(Config::in_state(state.path())).unwrap();
    let before = cpu(ClockId::ProcessCPUTime);
    let callers: Vec<_> = (0..threads)
        .map(|_| {
            let recorder = recorder.clone();
            std::thread::spawn(move || call(&recorder))
        })
        .collect();
    let costs: Vec<_> = callers.into_iter().map(|caller| caller.join().unwrap()).collect();
    writer.shutdown().unwrap();
    let whole = cpu(ClockId::ProcessCPUTime).checked_sub(before).unwrap();

    let calls: Duration = costs.iter().map(|cost| cost.calls).sum();
    let in_callers: Duration = costs.iter().map(|cost| cost.cpu).sum();
    let events = threads * ROUNDS * EVENTS;
    let each = |time: Duration| (time / events).as_nanos();
    let mut output = std::io::stdout();
    writeln!(output, "threads {threads}, events {events}, an event takes {} bytes", size_of::<Event>()).unwrap();
    writeln!(output, "reserve + record, CPU of the caller: {} ns", each(calls)).unwrap();
    writeln!(output, "writer, CPU for each event: {} ns", each(whole.saturating_sub(in_callers))).unwrap();
}

struct Cost {
    calls: Duration,
    cpu: Duration,
}

/// Records 20,000 events a second, in bursts; making the events is not counted.
fn call(recorder: &Recorder) -> Cost {
    let begun = cpu(ClockId::ThreadCPUTime);
    let mut calls = Duration::ZERO;
    for _ in 0..ROUNDS {
        let events: Vec<_> = (0..EVENTS).map(|_| event()).collect();
        let burst = cpu(ClockId::ThreadCPUTime);
        for event in events {
            recorder.reserve().unwrap().record(event);
        }
        calls += cpu(ClockId::ThreadCPUTime).checked_sub(burst).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    Cost { calls, cpu: cpu(ClockId::ThreadCPUTime).checked_sub(begun).unwrap() }
}

fn cpu(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap()
}

fn event() -> Event {
    let mut timings = Timings::default();
    for stage in [Stage::Wire, Stage::Admit, Stage::Route, Stage::Authenticate, Stage::Authorize, Stage::Forward] {
        timings.add(stage, Duration::from_nanos(12_345));
    }
    Event::Request(RequestEvent {
        time: SystemTime::now(),
        request_id: RequestId::new(SystemTime::now(), [1; 10]),
        client: [192, 0, 2, 7].into(),
        peer: ([192, 0, 2, 1], 40123).into(),
        protocol: Protocol::Http1,
        tls: Some(TlsVersion::Tls13),
        method: Method::new("GET"),
        path: "/api/users/42/orders".into(),
        has_query: false,
        route: Some("orders".into()),
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
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
                .into(),
        ),
        observed: Vec::new(),
        operation: None,
        trace: None,
    })
}
