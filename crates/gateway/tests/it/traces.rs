//! W3C Trace Context across the gate: continued from who is trusted, begun anew for everybody else, and in the audit log.

use bartizan_gateway::config::{SampleRatio, TraceAccept, TracePolicy};
use bartizan_testkit::Upstream;
use http::{Method, StatusCode};

use crate::harness::{Gated, config, route};

const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_trusted_proxys_trace_reaches_the_upstream_and_the_audit_log() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let mut config = config(vec![route("/", upstream.address())]);
    config.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    config.trace = Some(TracePolicy { accept: TraceAccept::Trusted, sample: SampleRatio::new(0.0).unwrap() });
    let gate = Gated::start(config);
    gate.send(Method::GET, "/", &[("traceparent", CALLER), ("tracestate", "vendor=1")], "").await;
    let sent = upstream.only_request().headers;
    let event = gate.only_event();
    let onward = sent["traceparent"].to_str().unwrap();
    assert_eq!((&onward[..36], &onward[52..]), (&CALLER[..36], "-01"));
    assert_ne!(onward[36..52], CALLER[36..52], "the upstream's parent is the gate");
    assert_eq!(sent["tracestate"], "vendor=1");
    assert_eq!(event["trace"]["id"], CALLER[3..35]);
    assert_ne!(event["span"]["id"], CALLER[36..52]);
}

#[tokio::test]
async fn a_stranger_gets_a_trace_of_its_own_and_forces_no_sampling() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let mut config = config(vec![route("/", upstream.address())]);
    config.trace = Some(TracePolicy { accept: TraceAccept::Trusted, sample: SampleRatio::new(0.0).unwrap() });
    let gate = Gated::start(config);
    let fields = [("traceparent", CALLER), ("tracestate", "vendor=1"), ("x-b3-flags", "1")];
    gate.send(Method::GET, "/", &fields, "").await;
    let sent = upstream.only_request().headers;
    let onward = sent["traceparent"].to_str().unwrap();
    assert!(onward.ends_with("-00") && onward[3..35] != CALLER[3..35], "{onward}");
    assert!(!sent.contains_key("tracestate") && !sent.contains_key("x-b3-flags"));
    assert_eq!(gate.only_event()["trace"]["id"], onward[3..35]);
}

#[tokio::test]
async fn a_refused_request_has_its_place_in_a_trace_too() {
    let mut config = config(Vec::new());
    config.trace = Some(TracePolicy { accept: TraceAccept::None, sample: SampleRatio::new(1.0).unwrap() });
    let gate = Gated::start(config);
    assert_eq!(gate.get("/undeclared").await.status, StatusCode::NOT_FOUND);
    assert!(gate.only_event()["trace"]["id"].is_string());
}

#[tokio::test]
async fn a_gate_that_takes_no_part_in_traces_passes_their_fields_on() {
    let upstream = Upstream::answering(StatusCode::OK, "");
    let gate = Gated::start(config(vec![route("/", upstream.address())]));
    gate.send(Method::GET, "/", &[("traceparent", CALLER)], "").await;
    assert_eq!(upstream.only_request().headers["traceparent"], CALLER);
    assert!(gate.only_event()["trace"].is_null());
}
