use std::time::Duration;

/// Upper bounds of the buckets: from a stage that only compares to an upstream that hardly answers.
pub(super) const BOUNDS: [(u64, &str); 18] = [
    (1_000, "0.000001"),
    (10_000, "0.00001"),
    (50_000, "0.00005"),
    (100_000, "0.0001"),
    (250_000, "0.00025"),
    (500_000, "0.0005"),
    (1_000_000, "0.001"),
    (2_500_000, "0.0025"),
    (5_000_000, "0.005"),
    (10_000_000, "0.01"),
    (25_000_000, "0.025"),
    (50_000_000, "0.05"),
    (100_000_000, "0.1"),
    (250_000_000, "0.25"),
    (500_000_000, "0.5"),
    (1_000_000_000, "1"),
    (2_500_000_000, "2.5"),
    (10_000_000_000, "10"),
];

/// Durations by bucket. Counts are per bucket here and summed up when they are shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    buckets: [u64; BOUNDS.len()],
    beyond: u64,
    sum: Duration,
}

impl Histogram {
    pub(super) fn observe(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let place = BOUNDS.partition_point(|(bound, _)| *bound < nanos);
        *self.buckets.get_mut(place).unwrap_or(&mut self.beyond) += 1;
        self.sum = self.sum.saturating_add(took);
    }

    /// Each bound with the number of observations up to it.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = (&'static str, u64)> {
        BOUNDS.iter().zip(self.buckets).scan(0, |sum, ((_, bound), count)| {
            *sum += count;
            Some((*bound, *sum))
        })
    }

    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().sum::<u64>() + self.beyond
    }

    pub(super) fn sum_seconds(&self) -> f64 {
        self.sum.as_secs_f64()
    }
}
