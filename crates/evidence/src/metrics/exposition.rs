use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use super::credentials;
use super::histogram::Histogram;
use super::process::Process;
use super::{Derived, Registry, STATUS_CLASSES};
use crate::{Outcome, Stage};

/// Writes all families in Prometheus' text format 0.0.4: `# HELP` and `# TYPE` once, then the series of one family together.
pub(super) fn render(registry: &Registry) -> String {
    let mut page = Page(String::with_capacity(16 * 1024));
    page.gauge("bartizan_build_info", "What runs; always 1.");
    page.sample("bartizan_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    // The lock ends before the operating system is asked: the writer waits for no file of /proc.
    {
        let derived = registry.derived();
        requests(&mut page, &derived);
        credentials::render(&mut page, &derived.authenticated, &registry.introspections);
        connections(&mut page, registry, &derived);
        audit(&mut page, registry, &derived);
        configuration(&mut page, &derived);
    }
    process(&mut page, registry.started);
    page.0
}

fn requests(page: &mut Page, derived: &Derived) {
    page.counter("bartizan_requests_total", "Requests by route, class of status and outcome.");
    for (route, counts) in sorted(&derived.requests) {
        for (class, outcomes) in STATUS_CLASSES.iter().zip(counts) {
            for (outcome, count) in Outcome::ALL.iter().zip(outcomes).filter(|(_, count)| **count > 0) {
                let labels = [("route", route), ("status_class", class), ("outcome", outcome.as_str())];
                page.sample("bartizan_requests_total", &labels, *count);
            }
        }
    }
    page.counter("bartizan_refusals_total", "Requests refused, by the stage that decided and its reason.");
    for ((stage, reason), count) in &derived.refusals {
        page.sample("bartizan_refusals_total", &[("stage", stage.as_str()), ("reason", reason)], *count);
    }
    page.counter(
        "bartizan_observed_refusals_total",
        "What would have been refused, had the control not been in observe mode.",
    );
    for ((stage, reason), count) in &derived.observed {
        page.sample("bartizan_observed_refusals_total", &[("stage", stage.as_str()), ("reason", reason)], *count);
    }
    page.histogram_head(
        "bartizan_request_duration_seconds",
        "From the head of the request to the head of the response.",
    );
    page.histogram("bartizan_request_duration_seconds", &[], &derived.request_duration);
    page.histogram_head("bartizan_stage_duration_seconds", "Time in each stage of the gate.");
    for (stage, histogram) in Stage::ALL.iter().zip(&derived.stage_duration) {
        page.histogram("bartizan_stage_duration_seconds", &[("stage", stage.as_str())], histogram);
    }
    page.histogram_head("bartizan_upstream_duration_seconds", "Time until the head of the upstream's answer.");
    for (upstream, histogram) in sorted(&derived.upstream_duration) {
        page.histogram("bartizan_upstream_duration_seconds", &[("upstream", upstream)], histogram);
    }
}

fn connections(page: &mut Page, registry: &Registry, derived: &Derived) {
    page.gauge("bartizan_connections", "Open client connections.");
    page.sample("bartizan_connections", &[], registry.connections.load(Ordering::Relaxed));
    page.counter("bartizan_connection_faults_total", "Connections that failed apart from any request.");
    for (fault, count) in &derived.connection_faults {
        page.sample("bartizan_connection_faults_total", &[("fault", fault)], *count);
    }
    page.counter("bartizan_tls_handshakes_total", "TLS handshakes by version and outcome.");
    let succeeded = [("1.2", &registry.handshakes_tls12), ("1.3", &registry.handshakes_tls13)];
    for (version, count) in succeeded {
        let labels = [("version", version), ("outcome", "success")];
        page.sample("bartizan_tls_handshakes_total", &labels, count.load(Ordering::Relaxed));
    }
    let labels = [("version", ""), ("outcome", "failure")];
    page.sample("bartizan_tls_handshakes_total", &labels, derived.handshakes_failed);
}

fn audit(page: &mut Page, registry: &Registry, derived: &Derived) {
    page.gauge("bartizan_audit_queue_length", "Places taken in the audit queue.");
    page.sample("bartizan_audit_queue_length", &[], crate::recorder::in_use(&registry.places));
    page.counter("bartizan_audit_records_total", "Records handed to the audit log.");
    page.sample("bartizan_audit_records_total", &[], derived.audit_records);
    page.counter("bartizan_audit_unrecorded_total", "Requests refused because there was no room to record them.");
    page.sample("bartizan_audit_unrecorded_total", &[], registry.unrecorded.load(Ordering::Relaxed));
    page.counter(
        "bartizan_audit_dropped_total",
        "Records left out of a sink that was too slow; the audit log has them.",
    );
    page.sample("bartizan_audit_dropped_total", &[], derived.audit_dropped);
    page.counter("bartizan_audit_write_failures_total", "Attempts to write or sync the audit log that failed.");
    page.sample("bartizan_audit_write_failures_total", &[], derived.audit_write_failures);
    page.gauge("bartizan_audit_failing", "1 while the audit log cannot be written.");
    page.sample("bartizan_audit_failing", &[], u8::from(derived.audit_failing));
    page.histogram_head("bartizan_audit_sync_seconds", "Time of each sync of the audit log.");
    page.histogram("bartizan_audit_sync_seconds", &[], &derived.audit_sync);
}

fn configuration(page: &mut Page, derived: &Derived) {
    page.gauge("bartizan_config_loaded_timestamp_seconds", "When the configuration in force was loaded.");
    if let Some(loaded) = derived.config_loaded {
        page.sample("bartizan_config_loaded_timestamp_seconds", &[], unix_seconds(loaded));
    }
    page.counter("bartizan_config_reload_failures_total", "Changed configurations that were refused.");
    page.sample("bartizan_config_reload_failures_total", &[], derived.config_reload_failures);
}

fn process(page: &mut Page, started: SystemTime) {
    let process = Process::read();
    page.counter("process_cpu_seconds_total", "User and system CPU time.");
    page.sample("process_cpu_seconds_total", &[], process.cpu_seconds);
    page.gauge("process_start_time_seconds", "When the process began to record.");
    page.sample("process_start_time_seconds", &[], unix_seconds(started));
    let gauges = [
        ("process_virtual_memory_bytes", "Virtual memory.", process.virtual_bytes),
        ("process_resident_memory_bytes", "Resident memory.", process.resident_bytes),
        ("process_open_fds", "Open file descriptors.", process.open_files),
        ("process_max_fds", "File descriptors that may be open.", process.max_files),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            page.gauge(name, help);
            page.sample(name, &[], value);
        }
    }
}

fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Series in the order of their names, so that two scrapes differ in numbers only.
fn sorted<T>(map: &std::collections::HashMap<std::sync::Arc<str>, T>) -> BTreeMap<&str, &T> {
    map.iter().map(|(name, value)| (&**name, value)).collect()
}

pub(super) struct Page(String);

/// Writing to a `String` cannot fail; this spares every line an error that cannot happen.
macro_rules! line {
    ($page:expr, $($arg:tt)*) => { let _ = writeln!($page.0, $($arg)*); };
}

impl Page {
    pub(super) fn counter(&mut self, name: &str, help: &str) {
        line!(self, "# HELP {name} {help}\n# TYPE {name} counter");
    }

    fn gauge(&mut self, name: &str, help: &str) {
        line!(self, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn histogram_head(&mut self, name: &str, help: &str) {
        line!(self, "# HELP {name} {help}\n# TYPE {name} histogram");
    }

    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels = Labels(labels, None);
        line!(self, "{name}{labels} {value}");
    }

    fn histogram(&mut self, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
        let count = histogram.count();
        for (bound, up_to) in histogram.cumulative() {
            let labels = Labels(labels, Some(bound));
            line!(self, "{name}_bucket{labels} {up_to}");
        }
        let beyond = Labels(labels, Some("+Inf"));
        line!(self, "{name}_bucket{beyond} {count}");
        let labels = Labels(labels, None);
        line!(self, "{name}_sum{labels} {}", histogram.sum_seconds());
        line!(self, "{name}_count{labels} {count}");
    }
}

/// The labels of one series, and the bound of a bucket.
struct Labels<'a>(&'a [(&'a str, &'a str)], Option<&'a str>);

impl std::fmt::Display for Labels<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bound = self.1.map(|bound| ("le", bound));
        let mut separator = '{';
        for (name, value) in self.0.iter().copied().chain(bound) {
            write!(out, "{separator}{name}=\"")?;
            for character in value.chars() {
                match character {
                    '\\' => out.write_str("\\\\")?,
                    '"' => out.write_str("\\\"")?,
                    '\n' => out.write_str("\\n")?,
                    other => out.write_char(other)?,
                }
            }
            out.write_char('"')?;
            separator = ',';
        }
        if separator == ',' { out.write_char('}') } else { Ok(()) }
    }
}
