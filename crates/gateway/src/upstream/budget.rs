//! How many repetitions an upstream's requests have earned.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::endpoint::Millis;
use crate::config::Retry;

/// One repetition, in the unit that requests earn.
const ONE: u64 = 100;
/// Repetitions that can be saved up: a burst of failures after a long calm must not double the load.
const MOST_SAVED: u64 = 100 * ONE;

/// The budget of an upstream. A request pays in with one addition; only a repetition takes the lock.
#[derive(Default)]
pub(super) struct Budget {
    earned: AtomicU64,
    bucket: Mutex<Bucket>,
}

#[derive(Debug, Default)]
struct Bucket {
    saved: u64,
    /// What is there for every second, whatever was earned; refilled with time.
    floor: u64,
    refilled: Option<Millis>,
}

impl Budget {
    /// A request was sent for the first time.
    pub(super) fn earn(&self, rules: &Retry) {
        self.earned.fetch_add(u64::from(rules.budget_percent), Relaxed);
    }

    /// Takes one repetition, if there is one.
    pub(super) fn spend(&self, rules: &Retry, now: Millis) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let earned = self.earned.swap(0, Relaxed);
        bucket.spend(earned, u64::from(rules.least_per_second), now)
    }
}

impl Bucket {
    fn spend(&mut self, earned: u64, least_per_second: u64, now: Millis) -> bool {
        self.saved = self.saved.saturating_add(earned).min(MOST_SAVED);
        let full = least_per_second.saturating_mul(ONE);
        let refill = match self.refilled {
            None => full,
            Some(then) => now.saturating_sub(then).saturating_mul(full) / 1000,
        };
        if refill > 0 || self.refilled.is_none() {
            self.floor = self.floor.saturating_add(refill).min(full);
            self.refilled = Some(now);
        }
        for pot in [&mut self.floor, &mut self.saved] {
            if let Some(left) = pot.checked_sub(ONE) {
                *pot = left;
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_fifth_of_the_requests_may_be_repeated_and_no_more() {
        let mut bucket = Bucket::default();
        let spent = (0..50).filter(|_| bucket.spend(20, 0, 0)).count();
        assert_eq!(spent, 10);
    }

    #[test]
    fn a_quiet_upstream_still_has_its_least_rate() {
        let mut bucket = Bucket::default();
        let spent = |bucket: &mut Bucket, now| (0..100).filter(|_| bucket.spend(0, 10, now)).count();
        assert_eq!(spent(&mut bucket, 0), 10);
        assert_eq!(spent(&mut bucket, 0), 0);
        assert_eq!(spent(&mut bucket, 500), 5);
        assert_eq!(spent(&mut bucket, 60_000), 10, "it is not saved up");
    }

    proptest! {
        #[test]
        fn no_order_of_requests_and_failures_spends_more_than_was_earned(
            steps in prop::collection::vec((0..5_u64, 0..50_u64), 1..300),
            percent in 0..=100_u64,
            least in 0..20_u64,
        ) {
            let mut bucket = Bucket::default();
            let (mut now, mut requests, mut spent) = (0, 0, 0);
            for (arrived, pause) in steps {
                now += pause;
                requests += arrived;
                spent += u64::from(bucket.spend(arrived * percent, least, now));
            }
            prop_assert!(spent * ONE <= requests * percent + least * ONE + least * ONE * now / 1000 + ONE);
        }
    }
}
