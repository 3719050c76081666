//! Prometheus' text format 0.0.4 and OpenMetrics 1.0, which differ in few places.

use std::fmt::{Display, Formatter, Result, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use super::family::{Collected, Kind, Series, Snapshot, Value};
use super::histogram::{Exemplar, Histogram};

/// A way to write metrics down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0: the only one with exemplars.
    OpenMetrics,
}

impl Format {
    /// What a scraper's `Accept` asks for: OpenMetrics only if it is named, and not less wanted than plain text.
    pub fn negotiate(accept: &str) -> Self {
        let mut open_metrics = 0.0;
        let mut plain = 0.0;
        for wanted in accept.split(',') {
            let mut parts = wanted.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default();
            let (mut quality, mut version) = (1.0_f64, None);
            for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
                match name.trim() {
                    "q" => quality = value.trim().parse().unwrap_or(0.0),
                    "version" => version = Some(value.trim()),
                    _ => {}
                }
            }
            if media_type.eq_ignore_ascii_case("application/openmetrics-text")
                && matches!(version, None | Some("1.0.0"))
            {
                open_metrics = quality.max(open_metrics);
            } else if media_type.eq_ignore_ascii_case("text/plain") {
                plain = quality.max(plain);
            }
        }
        if open_metrics > 0.0 && open_metrics >= plain { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The `Content-Type` of a page in this format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Writing to a `String` cannot fail; this spares every line an error that cannot happen.
macro_rules! line {
    ($page:expr, $($arg:tt)*) => {{
        let _ = writeln!($page, $($arg)*);
    }};
}

/// Writes `# HELP`, `# TYPE` and `# UNIT` once, then the series of one family together.
pub(super) fn render(snapshot: &Snapshot, format: Format) -> String {
    let mut page = String::with_capacity(16 * 1024);
    for collected in &snapshot.0 {
        head(&mut page, collected, format);
        for series in &collected.series {
            samples(&mut page, collected, series, format);
        }
    }
    if format == Format::OpenMetrics {
        page.push_str("# EOF\n");
    }
    page
}

fn head(page: &mut String, collected: &Collected, format: Format) {
    let family = collected.family;
    let name = match format {
        Format::Prometheus => family.name,
        Format::OpenMetrics => family.base_name(),
    };
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    line!(page, "# HELP {name} {}\n# TYPE {name} {kind}", family.help);
    if let Some(unit) = family.unit().filter(|_| format == Format::OpenMetrics) {
        line!(page, "# UNIT {name} {unit}");
    }
}

fn samples(page: &mut String, collected: &Collected, series: &Series, format: Format) {
    let name = collected.family.name;
    let labels = Labels { names: collected.family.labels, values: &series.labels, bound: None };
    match &series.value {
        Value::Whole(number) => {
            line!(page, "{name}{labels} {number}");
        }
        Value::Fraction(number) => {
            line!(page, "{name}{labels} {number}");
        }
        Value::Histogram(histogram) => buckets(page, name, &labels, histogram, format),
    }
}

fn buckets(page: &mut String, name: &str, labels: &Labels<'_>, histogram: &Histogram, format: Format) {
    for (bound, up_to, exemplar) in histogram.cumulative() {
        let labels = Labels { bound: Some(Bound(bound, format)), ..*labels };
        let exemplar = exemplar.filter(|_| format == Format::OpenMetrics).map(|it| ExemplarText(it, histogram));
        match exemplar {
            Some(exemplar) => line!(page, "{name}_bucket{labels} {up_to}{exemplar}"),
            None => line!(page, "{name}_bucket{labels} {up_to}"),
        }
    }
    line!(page, "{name}_sum{labels} {}", histogram.bounds.unit.shown(histogram.sum));
    line!(page, "{name}_count{labels} {}", histogram.count());
}

pub(super) fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// The labels of one series, and the bound of a bucket.
#[derive(Clone, Copy)]
struct Labels<'a> {
    names: &'static [&'static str],
    values: &'a [Box<str>],
    bound: Option<Bound>,
}

/// The bound of a bucket; none is infinity.
#[derive(Clone, Copy)]
struct Bound(Option<f64>, Format);

impl Display for Bound {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match (self.0, self.1) {
            (None, _) => out.write_str("+Inf"),
            // OpenMetrics writes every bound as a float: `1.0`.
            (Some(bound), Format::OpenMetrics) if bound.fract() == 0.0 => write!(out, "{bound:.1}"),
            (Some(bound), _) => write!(out, "{bound}"),
        }
    }
}

impl Display for Labels<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let mut separator = '{';
        for (name, value) in self.names.iter().zip(self.values) {
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
        if let Some(bound) = self.bound {
            write!(out, "{separator}le=\"{bound}\"")?;
            separator = ',';
        }
        if separator == ',' { out.write_char('}') } else { Ok(()) }
    }
}

/// An exemplar as OpenMetrics writes it behind its bucket.
struct ExemplarText<'a>(Exemplar, &'a Histogram);

impl Display for ExemplarText<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let Self(Exemplar { trace, span, value, time }, histogram) = self;
        let value = histogram.bounds.unit.shown(*value);
        write!(out, " # {{trace_id=\"{trace}\",span_id=\"{span}\"}} {value} {:.3}", unix_seconds(*time))
    }
}
