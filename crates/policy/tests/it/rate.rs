use std::num::NonZeroU32;
use std::time::Duration;

use bartizan_policy::{Rate, Tat};
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

#[test]
fn a_burst_of_the_whole_count_passes_and_then_one_at_a_time() {
    let rate: Rate = "3/minute".parse().unwrap();
    let mut tat = Tat::default();
    let mut try_at = |now: u64| {
        let (next, verdict) = rate.judge(tat, now, one());
        tat = next;
        (verdict.allowed, verdict.remaining, verdict.retry_after)
    };
    let start = 1000 * SECOND;
    assert_eq!(try_at(start), (true, 2, Duration::ZERO));
    assert_eq!(try_at(start), (true, 1, Duration::ZERO));
    assert_eq!(try_at(start), (true, 0, Duration::ZERO));
    assert_eq!(try_at(start), (false, 0, Duration::from_secs(20)));
    assert_eq!(try_at(start + 20 * SECOND), (true, 0, Duration::ZERO));
    assert_eq!(try_at(start + 30 * SECOND), (false, 0, Duration::from_secs(10)));
}

#[test]
fn rates_are_read_as_they_are_written() {
    for (text, written) in
        [("60/minute", "60/minute"), ("5/s", "5/second"), ("100/10s", "100/10s"), ("1/2h", "1/7200s")]
    {
        assert_eq!(text.parse::<Rate>().unwrap().to_string(), written);
    }
    for wrong in
        ["", "60", "0/minute", "-1/minute", "60/", "60/fortnight", "1/0s", "1/99999999999999999999s", "5000000000/s"]
    {
        assert!(wrong.parse::<Rate>().is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_window_of_a_period_lets_more_than_twice_the_count_pass(
        count in 1_u32..50,
        gaps in proptest::collection::vec(0_u64..2 * SECOND, 1..300),
    ) {
        let rate = Rate::new(NonZeroU32::new(count).unwrap(), Duration::from_secs(10)).unwrap();
        let (mut tat, mut now, mut passed) = (Tat::default(), SECOND, Vec::new());
        for gap in gaps {
            now += gap;
            let (next, verdict) = rate.judge(tat, now, one());
            tat = next;
            if verdict.allowed {
                passed.push(now);
            }
        }
        for (index, begin) in passed.iter().enumerate() {
            let within = passed[index..].iter().take_while(|&&at| at < begin + 10 * SECOND).count();
            prop_assert!(within <= 2 * usize::try_from(count).unwrap());
        }
    }

    #[test]
    fn whoever_waits_as_long_as_told_passes(count in 1_u32..1000, seconds in 1_u64..4000, now in 0..u64::MAX / 4) {
        let rate = Rate::new(NonZeroU32::new(count).unwrap(), Duration::from_secs(seconds)).unwrap();
        let mut tat = Tat::default();
        let wait = loop {
            let (next, verdict) = rate.judge(tat, now, one());
            tat = next;
            if !verdict.allowed {
                break u64::try_from(verdict.retry_after.as_nanos()).unwrap();
            }
        };
        prop_assert!(rate.judge(tat, now + wait, one()).1.allowed);
        prop_assert!(wait == 0 || !rate.judge(tat, now + wait - 1, one()).1.allowed);
    }

    #[test]
    fn no_arithmetic_overflows(tat: u64, now: u64, cost in 1_u32.., count in 1_u32.., seconds in 1_u64..31_000_000) {
        if let Some(rate) = Rate::new(NonZeroU32::new(count).unwrap(), Duration::from_secs(seconds)) {
            let _ = rate.judge(Tat(tat), now, NonZeroU32::new(cost).unwrap());
        }
    }

    #[test]
    fn no_text_panics_the_parser(text in ".{0,40}") {
        let _ = text.parse::<Rate>();
    }
}
