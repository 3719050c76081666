use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::counter::{SHARDS, shard};
use crate::{SpanId, TraceId};

/// What a histogram's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds, shown as seconds.
    Time,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// A number in the base unit.
    #[expect(clippy::cast_precision_loss, reason = "a metric; exact up to 2^53")]
    pub(crate) fn shown(self, raw: u64) -> f64 {
        match self {
            Self::Time => raw as f64 / 1e9,
            Self::Bytes => raw as f64,
        }
    }
}

/// Upper bounds of the buckets, ascending; what is beyond the last is counted too.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) unit: Unit,
    pub(crate) values: &'static [u64],
}

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// The advised buckets of OpenTelemetry's `http.server.request.duration`, and three below them: a gate answers in less.
pub(super) static REQUEST: Bounds = Bounds {
    unit: Unit::Time,
    values: &[
        500 * MICROSECOND,
        MILLISECOND,
        2_500 * MICROSECOND,
        5 * MILLISECOND,
        10 * MILLISECOND,
        25 * MILLISECOND,
        50 * MILLISECOND,
        75 * MILLISECOND,
        100 * MILLISECOND,
        250 * MILLISECOND,
        500 * MILLISECOND,
        750 * MILLISECOND,
        SECOND,
        2_500 * MILLISECOND,
        5 * SECOND,
        7_500 * MILLISECOND,
        10 * SECOND,
    ],
};

/// From a stage that only compares to an upstream that hardly answers.
pub(super) static FINE: Bounds = Bounds {
    unit: Unit::Time,
    values: &[
        MICROSECOND,
        10 * MICROSECOND,
        50 * MICROSECOND,
        100 * MICROSECOND,
        250 * MICROSECOND,
        500 * MICROSECOND,
        MILLISECOND,
        2_500 * MICROSECOND,
        5 * MILLISECOND,
        10 * MILLISECOND,
        25 * MILLISECOND,
        50 * MILLISECOND,
        100 * MILLISECOND,
        250 * MILLISECOND,
        500 * MILLISECOND,
        SECOND,
        2_500 * MILLISECOND,
        10 * SECOND,
    ],
};

/// Sizes of bodies, from none to a large upload.
pub(super) static SIZES: Bounds = Bounds {
    unit: Unit::Bytes,
    values: &[0, 1 << 8, 1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26],
};

/// A request that stands for its bucket: where to look for why it took so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exemplar {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    /// In the unit of the bounds.
    pub(crate) value: u64,
    pub(crate) time: SystemTime,
}

/// Observations by bucket, of one thread. Counts are per bucket here and summed up when they are shown.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    pub(crate) bounds: &'static Bounds,
    /// One for each bound, and one for what is beyond.
    pub(crate) buckets: Box<[u64]>,
    pub(crate) sum: u64,
    /// The last sampled request of each bucket; empty until there is one.
    pub(crate) exemplars: Vec<Option<Exemplar>>,
}

impl Histogram {
    pub(super) fn new(bounds: &'static Bounds) -> Self {
        Self { bounds, buckets: vec![0; bounds.values.len() + 1].into(), sum: 0, exemplars: Vec::new() }
    }

    pub(super) fn observe(&mut self, took: Duration) {
        self.record(nanos(took), None);
    }

    pub(super) fn record(&mut self, value: u64, exemplar: Option<Exemplar>) {
        let place = self.bounds.place(value);
        if let Some(bucket) = self.buckets.get_mut(place) {
            *bucket += 1;
        }
        self.sum = self.sum.saturating_add(value);
        if exemplar.is_some() {
            self.exemplars.resize(self.buckets.len(), None);
            if let Some(kept) = self.exemplars.get_mut(place) {
                *kept = exemplar;
            }
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Each bound with the number of observations up to it, and the exemplar of its bucket.
    pub(crate) fn cumulative(&self) -> impl Iterator<Item = (Option<f64>, u64, Option<Exemplar>)> {
        let bounds = self.bounds.values.iter().map(|bound| Some(self.bounds.unit.shown(*bound))).chain([None]);
        let exemplars = self.exemplars.iter().copied().chain(std::iter::repeat(None));
        bounds.zip(&self.buckets).zip(exemplars).scan(0, |sum, ((bound, count), exemplar)| {
            *sum += count;
            Some((bound, *sum, exemplar))
        })
    }
}

impl Bounds {
    fn place(&self, value: u64) -> usize {
        self.values.partition_point(|bound| *bound < value)
    }
}

pub(super) fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

/// Observations that the data plane makes itself: a few atomic additions on lines of this thread's own.
pub struct SharedHistogram {
    bounds: &'static Bounds,
    shards: Box<[Shard]>,
}

#[repr(align(64))]
struct Shard {
    /// The buckets, the one beyond, and the sum.
    numbers: Box<[AtomicU64]>,
}

impl SharedHistogram {
    /// Durations, from a microsecond to ten seconds.
    pub fn of_time() -> Self {
        Self::new(&FINE)
    }

    /// Sizes in bytes, up to 64 MiB.
    pub fn of_sizes() -> Self {
        Self::new(&SIZES)
    }

    fn new(bounds: &'static Bounds) -> Self {
        let numbers = || (0..bounds.values.len() + 2).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, shards: (0..SHARDS).map(|_| Shard { numbers: numbers() }).collect() }
    }

    /// Counts a duration.
    pub fn observe(&self, took: Duration) {
        self.record(nanos(took));
    }

    /// Counts a number of the histogram's own unit: nanoseconds or bytes.
    pub fn record(&self, value: u64) {
        let Some(Shard { numbers }) = self.shards.get(shard()) else { return };
        if let Some(bucket) = numbers.get(self.bounds.place(value)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(sum) = numbers.last() {
            sum.fetch_add(value, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> Histogram {
        let mut whole = Histogram::new(self.bounds);
        for shard in &self.shards {
            for (bucket, number) in whole.buckets.iter_mut().zip(&shard.numbers) {
                *bucket += number.load(Ordering::Relaxed);
            }
            let sum = shard.numbers.last().map_or(0, |sum| sum.load(Ordering::Relaxed));
            whole.sum = whole.sum.saturating_add(sum);
        }
        whole
    }
}

impl fmt::Debug for SharedHistogram {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SharedHistogram({} observations)", self.read().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_on_a_bound_belongs_to_it_and_one_beyond_all_is_counted_too() {
        let shared = SharedHistogram::of_sizes();
        for size in [0, 256, 257, u64::MAX / 4] {
            shared.record(size);
        }
        let read = shared.read();
        let upto: Vec<_> = read.cumulative().map(|(bound, count, _)| (bound, count)).collect();
        assert_eq!(upto.first(), Some(&(Some(0.0), 1)));
        assert_eq!(upto.get(1), Some(&(Some(256.0), 2)));
        assert_eq!(upto.get(2), Some(&(Some(1024.0), 3)));
        assert_eq!(upto.last(), Some(&(None, 4)));
        assert_eq!(read.count(), 4);
    }

    #[test]
    fn bounds_ascend() {
        assert!([&REQUEST, &FINE, &SIZES].iter().all(|bounds| bounds.values.is_sorted()));
    }
}
