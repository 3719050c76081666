use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// How often something may happen: `count` times in `period`, all at once if need be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    count: NonZeroU32,
    period: Duration,
}

/// What the limit says to one attempt, and the figures for the `RateLimit` fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the attempt passes.
    pub allowed: bool,
    /// How many more would pass at once.
    pub remaining: u32,
    /// How long until the whole count is available again.
    pub reset_after: Duration,
    /// How long until one more attempt passes; zero if one would pass now.
    pub retry_after: Duration,
}

/// The only thing a counter has to remember: the theoretical arrival time, in nanoseconds on the caller's monotonic clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tat(pub u64);

impl Rate {
    /// `count` attempts in `period`; `None` if the period is zero or so long or short that the arithmetic would not be exact.
    pub fn new(count: NonZeroU32, period: Duration) -> Option<Self> {
        let rate = Self { count, period };
        let in_bounds = period <= Duration::from_hours(366 * 24) && rate.interval() > 0;
        in_bounds.then_some(rate)
    }

    /// `count` attempts a minute: exact for every count.
    pub const fn per_minute(count: NonZeroU32) -> Self {
        Self { count, period: Duration::from_mins(1) }
    }

    /// Attempts in a period.
    pub const fn count(self) -> NonZeroU32 {
        self.count
    }

    /// The period.
    pub const fn period(self) -> Duration {
        self.period
    }

    /// Judges `cost` attempts at `now` by the generic cell rate algorithm (ITU-T I.371): one number per counter, no window edges
    /// at which a burst could be doubled. Returns what to remember; a refused attempt costs nothing.
    pub fn judge(self, tat: Tat, now: u64, cost: NonZeroU32) -> (Tat, Verdict) {
        let interval = self.interval();
        let tolerance = interval.saturating_mul(u64::from(self.count.get()));
        let start = tat.0.max(now);
        let next = start.saturating_add(interval.saturating_mul(u64::from(cost.get())));
        let allowed = next.saturating_sub(now) <= tolerance;
        let held = if allowed { next } else { start };
        let debt = held.saturating_sub(now);
        let remaining = u32::try_from(tolerance.saturating_sub(debt) / interval).unwrap_or(u32::MAX);
        let wait = if allowed { 0 } else { next.saturating_sub(now).saturating_sub(tolerance) };
        let verdict = Verdict {
            allowed,
            remaining,
            reset_after: Duration::from_nanos(debt),
            retry_after: Duration::from_nanos(wait),
        };
        (Tat(held), verdict)
    }

    /// Nanoseconds that one attempt takes up.
    fn interval(self) -> u64 {
        u64::try_from(self.period.as_nanos() / u128::from(self.count.get())).unwrap_or(0)
    }
}

/// A rate that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rate: write a count and a period, such as `60/minute`, `5/second` or `100/10s`")]
pub struct RateError(String);

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let fault = || RateError(text.to_owned());
        let (count, period) = text.split_once('/').ok_or_else(fault)?;
        let count: NonZeroU32 = count.trim().parse().map_err(|_| fault())?;
        let period = period.trim();
        let digits = period.find(|c: char| !c.is_ascii_digit()).unwrap_or(period.len());
        let (number, unit) = period.split_at(digits);
        let number: u64 = if number.is_empty() { 1 } else { number.parse().map_err(|_| fault())? };
        let unit = match unit {
            "s" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 24 * 3600,
            _ => return Err(fault()),
        };
        let period = number.checked_mul(unit).map(Duration::from_secs).ok_or_else(fault)?;
        Self::new(count, period).ok_or_else(fault)
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.period.as_secs();
        match seconds {
            1 => write!(out, "{}/second", self.count),
            60 => write!(out, "{}/minute", self.count),
            3600 => write!(out, "{}/hour", self.count),
            86_400 => write!(out, "{}/day", self.count),
            _ => write!(out, "{}/{seconds}s", self.count),
        }
    }
}
