//! What an answer of the receiver means (OTLP 1.x, "OTLP/HTTP Response" and "Throttling"), and how long to wait before the next try.

use std::time::Duration;

use http::StatusCode;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A receiver cannot put the exporter to sleep for longer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(2);
/// Tries of one batch: about three minutes. A receiver that is gone for longer has a gap.
const MOST_TRIES: u32 = 10;

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Taken; some of it perhaps not.
    Taken,
    /// Worth another try, no sooner than that.
    Again(Option<Duration>),
    /// Never.
    Refused,
}

/// The verdict of a status: of 4xx and 5xx, only these four are worth another try.
pub(super) fn verdict(status: StatusCode, retry_after: Option<&str>) -> Verdict {
    match status.as_u16() {
        200..=299 => Verdict::Taken,
        429 | 502..=504 => Verdict::Again(retry_after.and_then(seconds)),
        _ => Verdict::Refused,
    }
}

/// `Retry-After` in seconds; a date is not worth a parser here.
fn seconds(retry_after: &str) -> Option<Duration> {
    retry_after.trim().parse().ok().map(Duration::from_secs)
}

/// How long to wait before try number `tries + 1`; none if there is to be no other. `chance` spreads the nodes of a fleet: they
/// would all come back at once.
pub(super) fn wait(tries: u32, asked: Option<Duration>, chance: u8) -> Option<Duration> {
    if tries >= MOST_TRIES {
        return None;
    }
    let doubled = FIRST_WAIT.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(LONGEST_WAIT);
    let spread = doubled.mul_f64(0.5 + f64::from(chance) / 512.0);
    Some(asked.map_or(spread, |asked| asked.max(spread).min(LONGEST_RETRY_AFTER)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_protocol_calls_retryable_is_tried_again() {
        let of = |status: u16| verdict(StatusCode::from_u16(status).unwrap(), None);
        assert_eq!(of(200), Verdict::Taken);
        for again in [429, 502, 503, 504] {
            assert_eq!(of(again), Verdict::Again(None));
        }
        for never in [301, 400, 401, 404, 413, 500, 501] {
            assert_eq!(of(never), Verdict::Refused, "{never}");
        }
    }

    #[test]
    fn a_receiver_says_when_to_come_back_but_not_for_ever() {
        let asked = |text| verdict(StatusCode::SERVICE_UNAVAILABLE, Some(text));
        assert_eq!(asked("7"), Verdict::Again(Some(Duration::from_secs(7))));
        assert_eq!(asked("Wed, 21 Oct 2026 07:28:00 GMT"), Verdict::Again(None));
        assert_eq!(wait(1, Some(Duration::from_secs(7)), 0), Some(Duration::from_secs(7)));
        assert_eq!(wait(1, Some(Duration::from_secs(1 << 40)), 0), Some(LONGEST_RETRY_AFTER));
    }

    #[test]
    fn waits_grow_up_to_a_bound_and_end() {
        assert_eq!(wait(1, None, 0), Some(Duration::from_millis(250)));
        assert!(wait(2, None, 128).unwrap() > wait(1, None, 128).unwrap());
        assert!((1..MOST_TRIES).all(|tries| wait(tries, None, 255).unwrap() <= LONGEST_WAIT));
        assert_eq!(wait(MOST_TRIES, None, 0), None);
    }
}
