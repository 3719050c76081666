//! The circuit of an endpoint: open, it spares a backend that drowns; half open, it asks with one request whether it swims.

use super::endpoint::{Millis, Outcome, millis};
use crate::config::Breaker;

/// Where a circuit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// Requests pass.
    Closed,
    /// None passes: it is too early, or a probe is under way.
    Open,
    /// One may pass.
    HalfOpen,
}

/// What is counted to decide that.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    window_began: Millis,
    requests: u32,
    failures: u32,
    /// When it opened, if it is open.
    opened: Option<Millis>,
    /// When the probe that is under way began. A probe that never ends would keep the circuit open for ever: it gives up its place
    /// after as long as the circuit stays open.
    probing: Option<Millis>,
}

impl Circuit {
    pub(super) fn position(&self, rules: &Breaker, now: Millis) -> Position {
        let open_for = millis(rules.open);
        let has_passed = |since: Millis| now.saturating_sub(since) >= open_for;
        match (self.opened, self.probing) {
            (None, _) => Position::Closed,
            (Some(opened), None) if has_passed(opened) => Position::HalfOpen,
            (Some(_), Some(began)) if has_passed(began) => Position::HalfOpen,
            (Some(_), _) => Position::Open,
        }
    }

    /// Whether a request may pass; in a half-open circuit it becomes the probe.
    pub(super) fn enter(&mut self, rules: &Breaker, now: Millis) -> bool {
        match self.position(rules, now) {
            Position::Closed => true,
            Position::Open => false,
            Position::HalfOpen => {
                self.probing = Some(now);
                true
            }
        }
    }

    /// Counts how a request ended; true when that opened the circuit.
    pub(super) fn ended(&mut self, rules: &Breaker, outcome: Outcome, now: Millis) -> bool {
        if self.opened.is_some() {
            return self.probe_ended(outcome, now);
        }
        if now.saturating_sub(self.window_began) >= millis(rules.window) {
            (self.window_began, self.requests, self.failures) = (now, 0, 0);
        }
        match outcome {
            Outcome::Abandoned => return false,
            Outcome::Answered => self.requests = self.requests.saturating_add(1),
            Outcome::Failed => {
                self.requests = self.requests.saturating_add(1);
                self.failures = self.failures.saturating_add(1);
            }
        }
        let failed_percent = u64::from(self.failures) * 100;
        let is_too_much = failed_percent >= u64::from(self.requests) * u64::from(rules.failure_percent.get());
        if self.failures > 0 && is_too_much && self.requests >= rules.least_requests.get() {
            self.opened = Some(now);
            return true;
        }
        false
    }

    /// Requests from before the circuit opened end here too; only while a probe is under way does an end say something.
    fn probe_ended(&mut self, outcome: Outcome, now: Millis) -> bool {
        if self.probing.is_none() {
            return false;
        }
        match outcome {
            Outcome::Answered => *self = Self { window_began: now, ..Self::default() },
            Outcome::Failed => (self.opened, self.probing) = (Some(now), None),
            Outcome::Abandoned => self.probing = None,
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::num::{NonZeroU8, NonZeroU32};
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn rules() -> Breaker {
        Breaker {
            failure_percent: NonZeroU8::new(50).unwrap(),
            window: Duration::from_secs(10),
            least_requests: NonZeroU32::new(4).unwrap(),
            open: Duration::from_secs(5),
        }
    }

    #[test]
    fn a_circuit_opens_on_the_rate_of_failures_and_not_on_a_single_one() {
        let (mut circuit, rules) = (Circuit::default(), rules());
        assert!(!circuit.ended(&rules, Outcome::Failed, 0));
        assert!(!circuit.ended(&rules, Outcome::Answered, 1));
        assert!(!circuit.ended(&rules, Outcome::Answered, 2));
        assert_eq!(circuit.position(&rules, 3), Position::Closed);
        assert!(circuit.ended(&rules, Outcome::Failed, 4), "two of four");
        assert_eq!(circuit.position(&rules, 5), Position::Open);
    }

    #[test]
    fn failures_of_an_earlier_window_are_forgotten() {
        let (mut circuit, rules) = (Circuit::default(), rules());
        for at in 0..3 {
            circuit.ended(&rules, Outcome::Failed, at);
        }
        assert!(!circuit.ended(&rules, Outcome::Failed, 10_000));
        assert_eq!(circuit.position(&rules, 10_001), Position::Closed);
    }

    #[test]
    fn a_half_open_circuit_lets_one_probe_through_and_its_end_decides() {
        let (mut circuit, rules) = (Circuit::default(), rules());
        for at in 0..4 {
            circuit.ended(&rules, Outcome::Failed, at);
        }
        assert!(!circuit.enter(&rules, 5_002));
        assert!(circuit.enter(&rules, 5_003), "five seconds later");
        assert!(!circuit.enter(&rules, 5_004), "one at a time");
        circuit.ended(&rules, Outcome::Failed, 5_010);
        assert!(!circuit.enter(&rules, 5_011));
        assert!(circuit.enter(&rules, 10_010));
        circuit.ended(&rules, Outcome::Answered, 10_020);
        assert_eq!(circuit.position(&rules, 10_021), Position::Closed);
    }

    proptest! {
        #[test]
        fn a_circuit_never_stays_shut_for_ever(ends in prop::collection::vec((0..3_u8, 0..4000_u64, any::<bool>()), 0..200)) {
            let (mut circuit, rules) = (Circuit::default(), rules());
            let mut now = 0;
            for (end, pause, enters) in ends {
                now += pause;
                if enters {
                    circuit.enter(&rules, now);
                }
                let outcome = [Outcome::Answered, Outcome::Failed, Outcome::Abandoned][usize::from(end)];
                circuit.ended(&rules, outcome, now);
            }
            prop_assert!(circuit.enter(&rules, now + 5_000));
        }
    }
}
