//! One endpoint, and what all workers of the node know of it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::RemoteTls;
use super::breaker::{Circuit, Position};
use super::resolve::Name;
use crate::config::Breaker;

/// Milliseconds since the gate began: what atomics can hold of a clock.
pub(super) type Millis = u64;

pub(super) fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// One place that requests are sent to.
pub(crate) struct Endpoint {
    /// How events and metrics name it.
    pub(super) label: Arc<str>,
    pub(super) place: Place,
    pub(super) weight: u32,
    pub(super) tls: Option<RemoteTls>,
    pub(super) health: Health,
    pub(super) load: Load,
    circuit: Option<(Breaker, Mutex<Circuit>)>,
}

/// Where an endpoint is.
pub(super) enum Place {
    Address(SocketAddr),
    Name(Name),
    Unix(PathBuf),
}

/// Requests of an endpoint, counted where its group has a use for the figure: with one plain endpoint no worker writes here.
#[derive(Default)]
pub(super) struct Load {
    pub(super) in_flight: AtomicU32,
    pub(super) answered: AtomicU64,
    pub(super) failed: AtomicU64,
}

/// Whether an endpoint is thought well. Written when something changes, only read otherwise.
#[derive(Default)]
pub(super) struct Health {
    checked: AtomicU8,
    pub(super) failures: AtomicU32,
    pub(super) ejected_until: AtomicU64,
    pub(super) ejections: AtomicU32,
    /// When it came back, for the slow start; 0 if it was never away.
    pub(super) back_since: AtomicU64,
}

/// What the gate's own questions say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Checked {
    /// Nothing yet: it gets requests, since refusing all of them at the start helps nobody.
    Unknown = 0,
    Healthy = 1,
    Unhealthy = 2,
}

impl Endpoint {
    pub(super) fn new(
        label: Arc<str>,
        place: Place,
        weight: u32,
        tls: Option<RemoteTls>,
        breaker: Option<Breaker>,
    ) -> Self {
        let circuit = breaker.map(|rules| (rules, Mutex::default()));
        Self { label, place, weight, tls, health: Health::default(), load: Load::default(), circuit }
    }

    /// Whether it may get a request now; a circuit that is half open lets one through at a time.
    pub(super) fn is_available(&self, now: Millis) -> bool {
        self.health.is_well(now) && self.circuit_position(now) != Position::Open
    }

    /// Which of its connections may be used again: those of the same generation.
    pub(super) fn generation(&self) -> u64 {
        match &self.place {
            Place::Name(name) => name.generation(),
            Place::Address(_) | Place::Unix(_) => 0,
        }
    }

    pub(super) fn circuit_position(&self, now: Millis) -> Position {
        self.with_circuit(|rules, circuit| circuit.position(rules, now)).unwrap_or(Position::Closed)
    }

    /// Takes the place of a probe where the circuit is half open; false if somebody else has it.
    pub(super) fn enter(&self, now: Millis) -> bool {
        self.with_circuit(|rules, circuit| circuit.enter(rules, now)).unwrap_or(true)
    }

    /// Counts how a request ended; returns true when that opened the circuit.
    pub(super) fn ended(&self, outcome: Outcome, now: Millis) -> bool {
        match outcome {
            Outcome::Answered => drop(self.load.answered.fetch_add(1, Relaxed)),
            Outcome::Failed => drop(self.load.failed.fetch_add(1, Relaxed)),
            Outcome::Abandoned => {}
        }
        self.with_circuit(|rules, circuit| circuit.ended(rules, outcome, now)).unwrap_or(false)
    }

    fn with_circuit<T>(&self, act: impl FnOnce(&Breaker, &mut Circuit) -> T) -> Option<T> {
        let (rules, circuit) = self.circuit.as_ref()?;
        Some(act(rules, &mut circuit.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Its weight, in thousandths; less while it starts slowly.
    pub(super) fn effective_weight(&self, slow_start: Option<Duration>, now: Millis) -> u64 {
        let full = u64::from(self.weight) * 1000;
        let Some(slow_start) = slow_start.map(millis).filter(|time| *time > 0) else { return full };
        let since = self.health.back_since.load(Relaxed);
        if since == 0 {
            return full;
        }
        ramp(full, now.saturating_sub(since), slow_start)
    }
}

/// The part of a weight that an endpoint gets so long after it came back: a tenth at first, so that it gets warm at all.
fn ramp(full: u64, away_for: Millis, slow_start: Millis) -> u64 {
    if away_for >= slow_start {
        return full;
    }
    let grown = u128::from(full) * u128::from(away_for) / u128::from(slow_start);
    u64::try_from(grown).unwrap_or(full).max(full / 10).max(1)
}

/// How a request ended, as its endpoint's health sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An answer that is no server error.
    Answered,
    /// No connection, no answer in time, a broken one, or 5xx.
    Failed,
    /// The client left, or its body was at fault: says nothing about the endpoint.
    Abandoned,
}

impl Health {
    pub(super) fn checked(&self) -> Checked {
        match self.checked.load(Relaxed) {
            1 => Checked::Healthy,
            2 => Checked::Unhealthy,
            _ => Checked::Unknown,
        }
    }

    /// Notes what a check found. Coming back from unhealthy begins the slow start.
    pub(super) fn set_checked(&self, checked: Checked, now: Millis) {
        let was = self.checked.swap(checked as u8, Relaxed);
        if was == Checked::Unhealthy as u8 && checked == Checked::Healthy {
            self.back_since.store(now.max(1), Relaxed);
        }
    }

    pub(super) fn is_ejected(&self, now: Millis) -> bool {
        self.ejected_until.load(Relaxed) > now
    }

    pub(super) fn is_well(&self, now: Millis) -> bool {
        self.checked() != Checked::Unhealthy && !self.is_ejected(now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_slow_start_grows_to_the_full_weight_and_never_beyond(
            full in 1..u64::from(u16::MAX) * 1000,
            slow_start in 1..86_400_000_u64,
            at in any::<u32>(),
            later in any::<u32>(),
        ) {
            let (at, later) = (u64::from(at), u64::from(at) + u64::from(later));
            prop_assert!(ramp(full, at, slow_start) <= ramp(full, later, slow_start));
            prop_assert!((1..=full).contains(&ramp(full, at, slow_start)));
            prop_assert_eq!(ramp(full, slow_start, slow_start), full);
        }
    }
}
