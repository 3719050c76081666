use std::collections::HashSet;
use std::time::UNIX_EPOCH;

use super::*;
use crate::{Method, Protocol, Reason, RequestId, Timings};

fn request(route: Option<&str>, status: u16, outcome: Outcome) -> Event {
    let mut timings = Timings::default();
    timings.add(Stage::Admit, Duration::from_nanos(800));
    timings.add(Stage::Forward, Duration::from_millis(3));
    Event::Request(RequestEvent {
        time: UNIX_EPOCH,
        request_id: RequestId::new(UNIX_EPOCH, [0; 10]),
        client: [127, 0, 0, 1].into(),
        peer: ([127, 0, 0, 1], 1).into(),
        protocol: Protocol::Http1,
        tls: None,
        method: Method::new("GET"),
        path: "/".into(),
        has_query: false,
        route: route.map(Into::into),
        subject: None,
        issuer: None,
        credential: None,
        status,
        outcome,
        stage: Stage::Authorize,
        control: None,
        reason: (outcome == Outcome::Refused).then(|| Reason::new("missing-role", "")),
        timings,
        upstream: (outcome == Outcome::Answered).then(|| "shop".into()),
        request_bytes: None,
        user_agent: None,
        observed: Vec::new(),
    })
}

fn observed(events: &[Event]) -> Metrics {
    let metrics = Metrics::new(UNIX_EPOCH);
    for event in events {
        metrics.derived().observe(event, UNIX_EPOCH + Duration::from_secs(5));
    }
    metrics
}

#[test]
fn requests_are_counted_by_route_class_and_outcome() {
    let metrics = observed(&[
        request(Some("shop"), 200, Outcome::Answered),
        request(Some("shop"), 204, Outcome::Answered),
        request(Some("shop"), 403, Outcome::Refused),
        request(None, 404, Outcome::Refused),
        request(Some("odd\"\\\n"), 65535, Outcome::Failed),
    ]);
    let page = metrics.render();
    for line in [
        r#"bartizan_requests_total{route="shop",status_class="2xx",outcome="answered"} 2"#,
        r#"bartizan_requests_total{route="shop",status_class="4xx",outcome="refused"} 1"#,
        r#"bartizan_requests_total{route="",status_class="4xx",outcome="refused"} 1"#,
        r#"bartizan_requests_total{route="odd\"\\\n",status_class="other",outcome="failed"} 1"#,
        r#"bartizan_refusals_total{stage="authorize",reason="missing-role"} 2"#,
        r#"bartizan_stage_duration_seconds_bucket{stage="admit",le="0.000001"} 5"#,
        r#"bartizan_upstream_duration_seconds_bucket{upstream="shop",le="0.0025"} 0"#,
        r#"bartizan_upstream_duration_seconds_bucket{upstream="shop",le="0.005"} 2"#,
        "bartizan_request_duration_seconds_count 5",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\nis not in\n{page}");
    }
}

#[test]
fn reloads_and_handshakes_are_counted() {
    let failed = ConnectionEvent {
        time: UNIX_EPOCH,
        peer: ([127, 0, 0, 1], 1).into(),
        fault: ConnectionFault::TlsHandshake,
        control: None,
        detail: "".into(),
    };
    let metrics = observed(&[
        Event::Node(NodeEvent::ConfigurationLoaded { digest: "".into(), path: "".into() }),
        Event::Node(NodeEvent::ConfigurationRefused { path: "".into(), faults: Vec::new() }),
        Event::Connection(failed),
    ]);
    metrics.tls_handshake(TlsVersion::Tls13);
    let open = metrics.connection_opened();
    drop(metrics.connection_opened());
    let page = metrics.render();
    drop(open);
    for line in [
        "bartizan_config_loaded_timestamp_seconds 5",
        "bartizan_config_reload_failures_total 1",
        r#"bartizan_tls_handshakes_total{version="1.3",outcome="success"} 1"#,
        r#"bartizan_tls_handshakes_total{version="",outcome="failure"} 1"#,
        "bartizan_connections 1",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\nis not in\n{page}");
    }
    assert!(metrics.render().contains("\nbartizan_connections 0\n"));
}

#[test]
fn a_flood_of_names_does_not_grow_the_series_without_bound() {
    let mut map: HashMap<Arc<str>, u64> = HashMap::new();
    for number in 0..MAX_SERIES + 50 {
        *series(&mut map, Some(&number.to_string().into())) += 1;
    }
    *series(&mut map, Some(&"7".into())) += 1;
    assert_eq!(map.len(), MAX_SERIES + 1);
    assert_eq!((map[OVERFLOW], map["7"]), (50, 2));
}

/// The rules of the text format 0.0.4 that `promtool check metrics` knows: `# HELP` and `# TYPE` once and before the family's
/// samples, families in one piece, no series twice, counters named `_total`, buckets cumulative and complete.
#[test]
fn the_page_keeps_the_rules_of_the_text_format() {
    let page =
        observed(&[request(Some("shop"), 200, Outcome::Answered), request(None, 403, Outcome::Refused)]).render();
    assert!(page.ends_with('\n'));
    let (mut families, mut series) = (HashSet::new(), HashSet::new());
    let (mut family, mut kind, mut last_bucket) = (String::new(), String::new(), 0_u64);
    for line in page.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').unwrap();
            assert!(families.insert(name.to_owned()) && text.ends_with('.'), "{line}");
            family = name.to_owned();
        } else if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, of_kind) = typed.split_once(' ').unwrap();
            assert_eq!(name, family);
            assert_eq!(of_kind == "counter", name.ends_with("_total"), "{line}");
            kind = of_kind.to_owned();
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap();
            assert!(series.insert(name.to_owned()) && value >= 0.0, "{line}");
            let bare = name.split('{').next().unwrap();
            let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(suffixes.iter().any(|suffix| bare == format!("{family}{suffix}")), "{line}");
            if bare.ends_with("_bucket") {
                let count = line.rsplit_once(' ').unwrap().1.parse().unwrap();
                assert!(count >= last_bucket, "{line}");
                last_bucket = if name.contains("le=\"+Inf\"") { 0 } else { count };
            }
        }
    }
}
