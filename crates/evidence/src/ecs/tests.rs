use std::time::Duration;

use bartizan_controls::{authz, gate};
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{
    CloseCause, ConnectionFault, Method, NodeEvent, Observed, Outcome, Protocol, Reason, RequestEvent, RequestId,
    Stage, StreamKind, Timings, TlsVersion,
};

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(1_795_363_325_000_042)
}

fn refused() -> RequestEvent {
    let mut timings = Timings::default();
    timings.add(Stage::Admit, Duration::from_nanos(900));
    timings.add(Stage::Authorize, Duration::from_micros(3));
    RequestEvent {
        time: now(),
        request_id: RequestId::new(now(), [7; 10]),
        client: "2001:db8::7".parse().unwrap(),
        peer: "192.0.2.1:40123".parse().unwrap(),
        protocol: Protocol::Http2,
        tls: Some(TlsVersion::Tls13),
        method: Method::new("PUT"),
        path: "/api/orders/42".into(),
        has_query: true,
        route: Some("orders".into()),
        subject: Some("alice".into()),
        issuer: Some("https://login.example.com".into()),
        credential: Some("bearer"),
        status: 403,
        outcome: Outcome::Refused,
        stage: Stage::Authorize,
        control: Some(authz::OWNERSHIP.id),
        reason: Some(Reason::new("not-the-owner", "order 42 belongs to somebody else")),
        timings,
        upstream: None,
        request_bytes: Some(120),
        user_agent: Some("curl/8.14".into()),
        operation: None,
        observed: vec![Observed {
            stage: Stage::LimitAddress,
            control: gate::RATE_LIMIT_ADDRESS.id,
            reason: Reason::new("rate-exceeded", "61 in a minute"),
        }],
        trace: None,
    }
}

fn line(event: &Event) -> String {
    let mut out = Vec::new();
    Encoder::default().encode(&mut out, Some(7), now(), event);
    String::from_utf8(out).unwrap()
}

fn pretty(event: &Event) -> String {
    serde_json::to_string_pretty(&serde_json::from_str::<Value>(&line(event)).unwrap()).unwrap()
}

#[test]
fn a_refused_request_names_the_stage_the_control_and_the_reason() {
    insta::assert_snapshot!(pretty(&Event::Request(refused())));
}

#[test]
fn an_answered_request_on_a_plain_listener_holds_only_what_is_known() {
    let answered = RequestEvent {
        protocol: Protocol::Http1,
        tls: None,
        has_query: false,
        subject: None,
        issuer: None,
        credential: None,
        status: 200,
        outcome: Outcome::Answered,
        stage: Stage::Answer,
        control: None,
        reason: None,
        upstream: Some("shop".into()),
        user_agent: None,
        request_bytes: None,
        observed: Vec::new(),
        ..refused()
    };
    insta::assert_snapshot!(pretty(&Event::Request(answered)));
}

#[test]
fn a_failed_connection_names_its_peer_and_its_cause() {
    insta::assert_snapshot!(pretty(&Event::Connection(ConnectionEvent {
        time: now(),
        peer: "192.0.2.1:40123".parse().unwrap(),
        fault: ConnectionFault::TlsHandshake,
        control: Some(gate::TLS.id),
        detail: "no version of TLS in common".into(),
    })));
}

#[test]
fn the_end_of_a_stream_is_linked_to_its_request() {
    insta::assert_snapshot!(pretty(&Event::Closed(ClosedEvent {
        time: now(),
        request_id: RequestId::new(now(), [7; 10]),
        bytes_received: 12,
        bytes_sent: 3456,
        duration: Duration::from_secs(90),
        kind: StreamKind::WebSocket,
        messages_received: Some(3),
        messages_sent: Some(4),
        cause: CloseCause::ClientGone,
        reason: None,
    })));
}

#[test]
fn a_gap_says_how_many_and_why() {
    insta::assert_snapshot!(pretty(&Event::Gap { lost: Some(12), cause: GapCause::NoRoom }));
}

#[test]
fn every_change_of_the_node_has_its_record() {
    let path = || "/etc/bartizan/bartizan.toml".into();
    let records: Vec<_> = [
        NodeEvent::Started { version: "0.1.0" },
        NodeEvent::Draining,
        NodeEvent::Stopped,
        NodeEvent::ConfigurationLoaded { digest: "9f86d081884c7d65".into(), path: path() },
        NodeEvent::ConfigurationRefused { path: path(), faults: vec!["line 3: unknown key `lisen`".into(); 40] },
        NodeEvent::CertificateLoaded {
            names: vec!["api.example.com".into()],
            fingerprint: "ab12".into(),
            not_after: now(),
        },
        NodeEvent::CertificateRefused { path: path(), cause: "the key does not match".into() },
        NodeEvent::KeysFetched { issuer: "https://login.example.com".into() },
        NodeEvent::KeysFailed { issuer: "https://login.example.com".into(), cause: "timed out".into() },
        NodeEvent::UpstreamDown { upstream: "shop".into(), cause: "connection refused".into() },
        NodeEvent::UpstreamUp { upstream: "shop".into() },
        NodeEvent::SegmentRemoved { segment: "000001.ndjson".into(), bytes: 67_108_864 },
        NodeEvent::AuditClosed,
    ]
    .into_iter()
    .map(|node| line(&Event::Node(node)).replace("\"line 3: unknown key `lisen`\",", ""))
    .collect();
    insta::assert_snapshot!(records.concat());
}

#[test]
fn a_clock_out_of_any_range_still_gives_a_record() {
    let mut out = Vec::new();
    for time in [UNIX_EPOCH - Duration::from_secs(9), UNIX_EPOCH + Duration::from_secs(1 << 60)] {
        Encoder::default().encode(&mut out, Some(1), time, &Event::Node(NodeEvent::Draining));
    }
    let lines = String::from_utf8(out).unwrap();
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert!(lines.contains("1970-01-01T00:00:00.000000Z") && lines.contains("9999-"));
}

#[test]
fn secrets_in_every_field_from_outside_are_masked() {
    let secret = "btz_live_0123456789 4111-1111-1111-1111";
    let mut request = refused();
    request.path = secret.into();
    request.subject = Some(secret.into());
    request.user_agent = Some(secret.into());
    request.reason = Some(Reason::new("code", secret));
    request.observed[0].reason.detail = secret.into();
    let line = line(&Event::Request(request));
    assert!(!line.contains("0123456789") && !line.contains("1111"), "{line}");
    assert_eq!(line.matches("[api key] [card]").count(), 5);
}

proptest! {
    #[test]
    fn whatever_comes_from_outside_gives_one_parsable_line(
        path in "\\PC*|[\\x00-\\xff]*", agent: Vec<u8>, subject: String, detail: String, method: String, status: u16,
    ) {
        let mut request = refused();
        request.path = path.as_str().into();
        request.user_agent = Some(crate::UserAgent::from_bytes(&agent));
        request.subject = Some(subject.into());
        request.reason = Some(Reason::new("code", detail));
        request.method = Method::new(&method);
        request.status = status;
        let line = line(&Event::Request(request));
        prop_assert_eq!(line.matches('\n').count(), 1);
        prop_assert!(serde_json::from_str::<Value>(&line).is_ok(), "{}", line);
    }
}

#[test]
fn an_operation_of_graphql_is_told_by_its_names_and_never_by_its_values() {
    let name = |text: &str| crate::Name::new(text);
    let operation = crate::GraphqlOperation {
        kind: "mutation",
        name: Some(name("Rename")),
        fields: vec![name("rename"), name("delete")],
        cost: 3,
    };
    let request = RequestEvent { operation: Some(Box::new(operation)), ..refused() };
    let told: serde_json::Value = serde_json::from_str(&pretty(&Event::Request(request))).unwrap();
    let expected =
        serde_json::json!({ "kind": "mutation", "name": "Rename", "fields": ["rename", "delete"], "cost": 3 });
    assert_eq!(told["bartizan"]["graphql"], expected);
}
