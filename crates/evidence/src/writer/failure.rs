use std::time::{Duration, Instant};

use crate::EvidenceError;

const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(1);

/// The audit log cannot be written at present.
#[derive(Debug)]
pub(super) struct Failure {
    error: EvidenceError,
    delay: Duration,
    retry_at: Instant,
}

impl Failure {
    /// A first failure, or one more after `previous`: the next attempt is made after twice the time.
    pub(super) fn next(previous: Option<Self>, error: EvidenceError, now: Instant) -> Self {
        let delay = previous.map_or(FIRST_DELAY, |previous| (previous.delay * 2).min(LONGEST_DELAY));
        Self { error, delay, retry_at: now + delay }
    }

    pub(super) fn may_retry(&self, now: Instant) -> bool {
        now >= self.retry_at
    }

    pub(super) fn retry_at(&self) -> Instant {
        self.retry_at
    }

    pub(super) fn error(&self) -> &EvidenceError {
        &self.error
    }
}
