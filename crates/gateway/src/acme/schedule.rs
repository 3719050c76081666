//! When a certificate is renewed, and when a failed attempt is made again: pure arithmetic.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use x509_parser::asn1_rs::FromDer;
use x509_parser::prelude::X509Certificate;

/// From when until when a certificate may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
}

/// A random share, from 0 to just under 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dice(f64);

/// The first attempt after a failed one.
const FIRST: Duration = Duration::from_mins(1);
/// The longest wait between two attempts: three of them fit into a day in which somebody looks.
const LONGEST: Duration = Duration::from_hours(6);
/// Authorities count by the hour.
const AFTER_RATE_LIMIT: Duration = Duration::from_hours(1);

impl Dice {
    /// Draws one. Without randomness there is no spread, which is no reason to let a certificate end.
    pub(super) fn throw<E>(fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Self {
        let mut bytes = [0; 2];
        let _ = fill(&mut bytes);
        Self(f64::from(u16::from_be_bytes(bytes)) / 65536.0)
    }
}

impl Validity {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let moment =
            |seconds: i64| u64::try_from(seconds).ok().map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
        let validity = certificate.validity();
        Some(Self {
            not_before: moment(validity.not_before.timestamp())?,
            not_after: moment(validity.not_after.timestamp())?,
        })
    }

    fn lifetime(self) -> Duration {
        self.not_after.duration_since(self.not_before).unwrap_or_default()
    }
}

/// With a third of the lifetime left, and up to a twentieth earlier; or when the authority suggests, but not in the last tenth, whatever
/// it suggests.
pub(super) fn renew_at(validity: Validity, suggested: Option<SystemTime>, dice: Dice) -> SystemTime {
    let lifetime = validity.lifetime();
    let before_the_end = |time: Duration| validity.not_after.checked_sub(time).unwrap_or(UNIX_EPOCH);
    match suggested {
        Some(suggested) => suggested.min(before_the_end(lifetime / 10)),
        None => before_the_end(lifetime / 3 + (lifetime / 20).mul_f64(dice.0)),
    }
}

/// A time within the authority's window (`RFC 9773 §4.2`).
pub(super) fn within(start: SystemTime, end: SystemTime, dice: Dice) -> SystemTime {
    start + end.duration_since(start).unwrap_or_default().mul_f64(dice.0)
}

/// How long to wait after so many failures in a row, a quarter more or less.
pub(super) fn back_off(failures: u32, is_rate_limit: bool, dice: Dice) -> Duration {
    let factor = 4_u32.saturating_pow(failures.saturating_sub(1).min(8));
    let wait = FIRST.saturating_mul(factor).min(LONGEST);
    let wait = if is_rate_limit { wait.max(AFTER_RATE_LIMIT) } else { wait };
    wait.mul_f64(0.75 + dice.0 / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: Dice = Dice(0.0);
    const HIGH: Dice = Dice(0.999);
    const DAY: Duration = Duration::from_hours(24);

    fn ninety_days() -> Validity {
        let not_before = UNIX_EPOCH + DAY * 20_000;
        Validity { not_before, not_after: not_before + DAY * 90 }
    }

    #[test]
    fn a_certificate_is_renewed_with_a_third_of_its_life_left_or_a_little_earlier() {
        let validity = ninety_days();
        assert_eq!(renew_at(validity, None, LOW), validity.not_before + DAY * 60);
        let early = renew_at(validity, None, HIGH);
        assert!(early > validity.not_before + DAY * 55 && early < validity.not_before + DAY * 56, "{early:?}");
    }

    #[test]
    fn an_authority_that_asks_for_an_early_renewal_gets_it_and_a_late_one_cannot_let_it_end() {
        let validity = ninety_days();
        let at = |days| validity.not_before + DAY * days;
        assert_eq!(renew_at(validity, Some(at(2)), LOW), at(2));
        assert_eq!(renew_at(validity, Some(at(100)), LOW), at(81));
        assert_eq!(within(at(2), at(4), Dice(0.5)), at(3));
        assert_eq!(within(at(4), at(2), HIGH), at(4), "a window that ends before it begins");
    }

    #[test]
    fn failures_are_tried_again_less_and_less_often_but_thrice_a_day_at_least() {
        let waits: Vec<u64> = (1..=8).map(|failures| back_off(failures, false, Dice(0.5)).as_secs() / 60).collect();
        assert_eq!(waits, [1, 4, 16, 64, 256, 360, 360, 360]);
        assert!(back_off(1, true, LOW) >= Duration::from_mins(45), "a rate limit is respected");
        assert!(back_off(u32::MAX, false, HIGH) < Duration::from_hours(8));
    }
}
