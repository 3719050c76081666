//! Endpoints that fail requests are left out for a while: how long, and how many at once.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::endpoint::{Endpoint, Millis, millis};
use crate::config::Outlier;

/// Counts one failure; returns true when the endpoint is left out because of it. The caller holds the group's lock, so that two
/// workers cannot each take out the last but one.
pub(super) fn failed(endpoint: &Endpoint, all: &[Arc<Endpoint>], rules: &Outlier, now: Millis) -> bool {
    let failures = endpoint.health.failures.fetch_add(1, Relaxed).saturating_add(1);
    if failures < rules.consecutive_failures.get() || endpoint.health.is_ejected(now) {
        return false;
    }
    let ejected = all.iter().filter(|other| other.health.is_ejected(now)).count();
    if !may_eject(ejected, all.len(), rules.most_ejected_percent) {
        return false;
    }
    let health = &endpoint.health;
    // Whoever stayed well for as long as an ejection may last begins anew.
    let ended = health.ejected_until.load(Relaxed);
    let times =
        if now.saturating_sub(ended) >= millis(rules.longest_ejection) { 0 } else { health.ejections.load(Relaxed) };
    let until = now.saturating_add(ejection(rules, times)).max(1);
    health.ejections.store(times.saturating_add(1), Relaxed);
    health.failures.store(0, Relaxed);
    health.back_since.store(until, Relaxed);
    health.ejected_until.store(until, Relaxed);
    true
}

/// Notes an answer. The usual case only reads.
pub(super) fn answered(endpoint: &Endpoint) {
    if endpoint.health.failures.load(Relaxed) != 0 {
        endpoint.health.failures.store(0, Relaxed);
    }
}

/// Whether one more may be left out; never the last one.
fn may_eject(ejected: usize, all: usize, most_percent: u8) -> bool {
    let most = (all.saturating_mul(usize::from(most_percent)) / 100).max(1).min(all.saturating_sub(1));
    ejected < most
}

/// How long, the first time and each time after.
fn ejection(rules: &Outlier, times: u32) -> Millis {
    let factor = 1_u64.checked_shl(times.min(32)).unwrap_or(u64::MAX);
    millis(rules.ejection).saturating_mul(factor).min(millis(rules.longest_ejection))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::super::endpoint::Place;
    use super::*;

    fn endpoints(count: usize) -> Vec<Arc<Endpoint>> {
        let endpoint =
            |_| Arc::new(Endpoint::new("x".into(), Place::Address("127.0.0.1:1".parse().unwrap()), 1, None, None));
        (0..count).map(endpoint).collect()
    }

    fn rules() -> Outlier {
        Outlier {
            consecutive_failures: NonZeroU32::new(3).unwrap(),
            ejection: Duration::from_secs(30),
            longest_ejection: Duration::from_secs(100),
            most_ejected_percent: 50,
        }
    }

    #[test]
    fn failures_in_a_row_take_an_endpoint_out_and_an_answer_between_them_does_not() {
        let (all, rules) = (endpoints(3), rules());
        let [first, ..] = all.as_slice() else { panic!() };
        assert!(!failed(first, &all, &rules, 0) && !failed(first, &all, &rules, 1));
        answered(first);
        assert!(!failed(first, &all, &rules, 2) && !failed(first, &all, &rules, 3));
        assert!(failed(first, &all, &rules, 4));
        assert!(!first.is_available(30_003) && first.is_available(30_004));
    }

    #[test]
    fn each_ejection_is_twice_as_long_up_to_the_longest() {
        let rules = rules();
        let times: Vec<_> = (0..5).map(|times| ejection(&rules, times)).collect();
        assert_eq!(times, [30_000, 60_000, 100_000, 100_000, 100_000]);
        assert_eq!(ejection(&rules, u32::MAX), 100_000);
    }

    proptest! {
        #[test]
        fn the_last_endpoint_is_never_taken_out(count in 1..20_usize, percent in 0..=100_u8, failures in prop::collection::vec(0..20_usize, 0..300)) {
            let all = endpoints(count);
            let rules = Outlier { most_ejected_percent: percent, ..rules() };
            for which in failures {
                failed(&all[which % count], &all, &rules, 1);
            }
            let out = all.iter().filter(|endpoint| endpoint.health.is_ejected(2)).count();
            prop_assert!(out < count);
            prop_assert!(out <= (count * usize::from(percent) / 100).max(1));
        }
    }
}
