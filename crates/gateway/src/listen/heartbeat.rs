use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Workers tick once a second; one that has been silent for so long hangs.
const SILENCE: Duration = Duration::from_secs(10);

/// One worker's sign of life: a counter that its housekeeping moves, so that requests pay nothing for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulse(Arc<AtomicU64>);

/// Tells whether every worker of the data plane still runs its loop.
#[derive(Debug)]
pub struct Heartbeat {
    workers: Vec<Seen>,
}

#[derive(Debug)]
struct Seen {
    pulse: Pulse,
    beats: u64,
    at: Instant,
}

impl Pulse {
    pub(super) fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Heartbeat {
    pub(super) fn of(pulses: &[Pulse], now: Instant) -> Self {
        let seen = |pulse: &Pulse| Seen { pulse: pulse.clone(), beats: pulse.0.load(Ordering::Relaxed), at: now };
        Self { workers: pulses.iter().map(seen).collect() }
    }

    /// Whether each worker has beaten in the last ten seconds. To be asked more often than that.
    pub fn is_alive(&mut self, now: Instant) -> bool {
        let mut all = true;
        for worker in &mut self.workers {
            let beats = worker.pulse.0.load(Ordering::Relaxed);
            if beats != worker.beats {
                (worker.beats, worker.at) = (beats, now);
            }
            all &= now.duration_since(worker.at) < SILENCE;
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_silent_worker_among_many_is_noticed_and_forgiven_when_it_goes_on() {
        let pulses = [Pulse::default(), Pulse::default()];
        let begin = Instant::now();
        let mut heartbeat = Heartbeat::of(&pulses, begin);
        let [lively, silent] = &pulses;
        lively.beat();
        assert!(heartbeat.is_alive(begin + Duration::from_secs(9)));
        lively.beat();
        assert!(!heartbeat.is_alive(begin + Duration::from_secs(10)));
        silent.beat();
        assert!(heartbeat.is_alive(begin + Duration::from_secs(11)));
    }
}
