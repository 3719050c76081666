//! Nonces that the gate gives out for proofs of possession (`RFC 9449 §9`). They are computed, not stored: who has one can use it
//! until it is over, and a proof with it still counts once.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use bartizan_policy::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A new one begins this often; the one before still counts.
const PERIOD: i64 = 5 * 60;

/// The nonces of one process. A restart makes those before worthless, and with them every proof made before it.
pub(crate) struct DpopNonces(Option<hmac::Key>);

impl DpopNonces {
    pub(crate) fn new() -> Self {
        // Without randomness there is no nonce, and a proof that needs one is refused.
        Self(hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok())
    }

    /// The one to give out now.
    pub(crate) fn current(&self, now: Timestamp) -> Option<String> {
        self.of(now.as_unix().div_euclid(PERIOD))
    }

    /// Whether it is one of those that count now.
    pub(crate) fn counts(&self, nonce: &str, now: Timestamp) -> bool {
        let period = now.as_unix().div_euclid(PERIOD);
        [period, period.saturating_sub(1)].into_iter().filter_map(|period| self.of(period)).any(|ours| ours == nonce)
    }

    fn of(&self, period: i64) -> Option<String> {
        let tag = hmac::sign(self.0.as_ref()?, &period.to_be_bytes());
        let short = tag.as_ref().first_chunk::<16>()?;
        Some(URL_SAFE_NO_PAD.encode(short))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_counts_for_its_period_and_the_next_and_in_no_other_process() {
        let (ours, other) = (DpopNonces::new(), DpopNonces::new());
        let at = |period: i64| Timestamp::from_unix(period * PERIOD + 7);
        let nonce = ours.current(at(10)).unwrap();
        assert_eq!([9, 10, 11, 12].map(|period| ours.counts(&nonce, at(period))), [false, true, true, false]);
        assert!(!other.counts(&nonce, at(10)) && !ours.counts("", at(10)));
    }
}
