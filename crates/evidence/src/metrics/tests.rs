use std::collections::HashSet;
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::event::{ConnectionEvent, ConnectionFault, RequestEvent};
use crate::{
    Method, NodeEvent, Outcome, Protocol, Reason, RequestId, SpanId, Stage, Timings, TlsVersion, Trace, TraceId,
};

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
        operation: None,
        trace: None,
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
        r#"bartizan_refusals_total{stage="authorize",control="",reason="missing-role"} 2"#,
        r#"bartizan_stage_duration_seconds_bucket{stage="admit",le="0.000001"} 5"#,
        r#"bartizan_upstream_duration_seconds_bucket{upstream="shop",le="0.0025"} 0"#,
        r#"bartizan_upstream_duration_seconds_bucket{upstream="shop",le="0.005"} 2"#,
        r#"bartizan_request_duration_seconds_count{route="shop",outcome="answered"} 2"#,
        r#"bartizan_failures_total{stage="authorize",upstream="",reason="unspecified"} 1"#,
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

#[test]
fn a_sampled_request_is_the_exemplar_of_its_bucket_in_openmetrics_alone() {
    let mut event = request(Some("shop"), 200, Outcome::Answered);
    if let Event::Request(request) = &mut event {
        let (id, span) = (TraceId::new([0xab; 16]).unwrap(), SpanId::new([0xcd; 8]).unwrap());
        request.trace =
            Some(Box::new(Trace { id, span, upstream_span: span, parent: None, link: None, sampled: true }));
    }
    let metrics = observed(&[event]);
    let page = metrics.render_as(Format::OpenMetrics);
    let bucket = r#"bartizan_request_duration_seconds_bucket{route="shop",outcome="answered",le="0.005"} 1 # "#;
    let exemplar = format!(r#"{{trace_id="{}",span_id="{}"}} 0.0030008 0.000"#, "ab".repeat(16), "cd".repeat(8));
    assert!(page.contains(&format!("{bucket}{exemplar}\n")), "{page}");
    assert!(page.ends_with("# EOF\n") && page.contains("# UNIT bartizan_request_duration_seconds seconds\n"));
    assert!(page.contains("# TYPE bartizan_requests counter\n") && page.contains("\nbartizan_requests_total{"));
    assert!(!metrics.render().contains("trace_id"));
}

#[test]
fn a_scraper_gets_the_format_that_it_asks_for() {
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                      text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    assert_eq!(Format::negotiate(prometheus), Format::OpenMetrics);
    for plain in [
        "",
        "*/*",
        "text/plain",
        "application/openmetrics-text; version=2.0.0",
        "text/plain, application/openmetrics-text;q=0.5",
        "application/openmetrics-text;q=0",
        ";;;=,q",
    ] {
        assert_eq!(Format::negotiate(plain), Format::Prometheus, "{plain}");
    }
}

/// `UPDATE_REFERENCE=1` writes the list anew.
#[test]
fn the_list_of_metrics_in_the_documentation_is_the_one_of_the_code() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/metrics.md");
    let reference = Metrics::new(UNIX_EPOCH).reference();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&file, &reference).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(kept, reference, "run `UPDATE_REFERENCE=1 cargo test -p bartizan-evidence --lib metrics`");
}
