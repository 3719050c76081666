//! What a metric is called and what it says, apart from how it is written down.

use super::histogram::{Histogram, SharedHistogram};

/// A metric family, in Prometheus' terms.
#[derive(Debug)]
pub(crate) struct Family {
    /// As Prometheus' text format shows it: a counter's ends in `_total`, a unit is a base unit.
    pub(crate) name: &'static str,
    /// One sentence.
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
    /// The names of its labels, in the order in which [`Samples`] gets their values.
    pub(crate) labels: &'static [&'static str],
}

/// What its numbers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// They only grow.
    Counter,
    /// They go up and down.
    Gauge,
    /// They are counted by bucket.
    Histogram,
}

impl Family {
    pub(super) const fn counter(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, help, kind: Kind::Counter, labels }
    }

    pub(super) const fn gauge(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, help, kind: Kind::Gauge, labels }
    }

    pub(super) const fn histogram(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, help, kind: Kind::Histogram, labels }
    }

    /// The name without the suffix of a counter, as OpenMetrics and OpenTelemetry know the family.
    pub(crate) fn base_name(&self) -> &'static str {
        match self.kind {
            Kind::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            Kind::Gauge | Kind::Histogram => self.name,
        }
    }

    /// The base unit that ends its name, if there is one.
    pub(crate) fn unit(&self) -> Option<&'static str> {
        ["seconds", "bytes"]
            .into_iter()
            .find(|unit| self.base_name().strip_suffix(unit).is_some_and(|before| before.ends_with('_')))
    }
}

/// All families with their numbers at one moment.
#[derive(Debug, Default)]
pub(crate) struct Snapshot(pub(crate) Vec<Collected>);

/// A family with its series.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) family: &'static Family,
    pub(crate) series: Vec<Series>,
}

/// One series.
#[derive(Debug)]
pub(crate) struct Series {
    /// As many as the family has labels.
    pub(crate) labels: Vec<Box<str>>,
    pub(crate) value: Value,
}

/// What a series says.
#[derive(Debug)]
pub(crate) enum Value {
    Whole(u64),
    Fraction(f64),
    Histogram(Box<Histogram>),
}

impl Snapshot {
    /// Begins a family. A family without samples is shown all the same: its name can be relied on.
    pub(super) fn family(&mut self, family: &'static Family) -> Samples<'_> {
        let at = self.0.len();
        self.0.push(Collected { family, series: Vec::new() });
        Samples(self.0.get_mut(at))
    }
}

/// Takes the samples of one family.
pub(super) struct Samples<'s>(Option<&'s mut Collected>);

impl Samples<'_> {
    pub(super) fn whole(&mut self, labels: &[&str], value: u64) {
        self.push(labels, Value::Whole(value));
    }

    pub(super) fn fraction(&mut self, labels: &[&str], value: f64) {
        self.push(labels, Value::Fraction(value));
    }

    /// Goes below zero only while two threads count at the same moment.
    pub(super) fn level(&mut self, labels: &[&str], value: i64) {
        self.whole(labels, u64::try_from(value).unwrap_or_default());
    }

    pub(super) fn histogram(&mut self, labels: &[&str], histogram: &Histogram) {
        self.push(labels, Value::Histogram(Box::new(histogram.clone())));
    }

    pub(super) fn shared(&mut self, labels: &[&str], histogram: &SharedHistogram) {
        self.push(labels, Value::Histogram(Box::new(histogram.read())));
    }

    fn push(&mut self, labels: &[&str], value: Value) {
        let Some(collected) = &mut self.0 else { return };
        debug_assert_eq!(labels.len(), collected.family.labels.len(), "{}", collected.family.name);
        collected.series.push(Series { labels: labels.iter().map(|label| (*label).into()).collect(), value });
    }
}
