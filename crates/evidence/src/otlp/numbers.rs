//! Metrics as OTLP has them: cumulative since the start. Names are those of `/metrics` without `_total`, so that a receiver that writes
//! them for Prometheus gives them the same names again.

use std::time::SystemTime;

use super::logs::unix_nanos;
use super::messages::{Data, Exemplar, Gauge, Histogram, HistogramPoint, KeyValue, Metric, Number, NumberPoint, Sum};
use crate::metrics::family::{Collected, Family, Kind, Series, Snapshot, Value};
use crate::metrics::histogram;

const CUMULATIVE: i32 = 2;

/// All metrics that have a value, as they are at `now`.
pub(super) fn metrics(snapshot: &Snapshot, started: SystemTime, now: SystemTime) -> Vec<Metric> {
    let moment = Moment { start: unix_nanos(started), now: unix_nanos(now) };
    let with_values = snapshot.0.iter().filter(|collected| !collected.series.is_empty());
    with_values.map(|collected| metric(collected, moment)).collect()
}

#[derive(Clone, Copy)]
struct Moment {
    start: u64,
    now: u64,
}

fn metric(collected: &Collected, moment: Moment) -> Metric {
    let Collected { family, series } = collected;
    let data = match family.kind {
        Kind::Counter => Data::Sum(Sum {
            data_points: numbers(family, series, moment),
            aggregation_temporality: CUMULATIVE,
            is_monotonic: true,
        }),
        Kind::Gauge => Data::Gauge(Gauge { data_points: numbers(family, series, moment) }),
        Kind::Histogram => Data::Histogram(Histogram {
            data_points: series.iter().filter_map(|series| histogram_point(family, series, moment)).collect(),
            aggregation_temporality: CUMULATIVE,
        }),
    };
    let unit = match family.unit() {
        Some("seconds") => "s",
        Some("bytes") => "By",
        _ => "1",
    };
    Metric {
        name: family.base_name().to_owned(),
        description: family.help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
    }
}

fn attributes(family: &Family, series: &Series) -> Vec<KeyValue> {
    family.labels.iter().zip(&series.labels).map(|(name, value)| KeyValue::text(name, value.as_ref())).collect()
}

fn numbers(family: &Family, series: &[Series], moment: Moment) -> Vec<NumberPoint> {
    let number = |series: &Series| match series.value {
        Value::Whole(number) => Some(Number::Whole(i64::try_from(number).unwrap_or(i64::MAX))),
        Value::Fraction(number) => Some(Number::Fraction(number)),
        Value::Histogram(_) => None,
    };
    let point = |series: &Series| NumberPoint {
        start_time_unix_nano: moment.start,
        time_unix_nano: moment.now,
        value: number(series),
        attributes: attributes(family, series),
    };
    series.iter().map(point).collect()
}

fn histogram_point(family: &Family, series: &Series, moment: Moment) -> Option<HistogramPoint> {
    let Value::Histogram(histogram) = &series.value else { return None };
    let unit = histogram.bounds.unit;
    let exemplar = |exemplar: &histogram::Exemplar| Exemplar {
        time_unix_nano: unix_nanos(exemplar.time),
        value: Some(unit.shown(exemplar.value)),
        span_id: exemplar.span.bytes().to_vec(),
        trace_id: exemplar.trace.bytes().to_vec(),
    };
    Some(HistogramPoint {
        start_time_unix_nano: moment.start,
        time_unix_nano: moment.now,
        count: histogram.count(),
        sum: Some(unit.shown(histogram.sum)),
        bucket_counts: histogram.buckets.to_vec(),
        explicit_bounds: histogram.bounds.values.iter().map(|bound| unit.shown(*bound)).collect(),
        exemplars: histogram.exemplars.iter().flatten().map(exemplar).collect(),
        attributes: attributes(family, series),
    })
}
