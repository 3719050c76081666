use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bartizan_policy::Timestamp;

use super::Malformed;

/// A duration as written: `"10s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(Duration);

impl Period {
    const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    /// A year: whatever is longer was not meant, and sums of two still fit every clock.
    const LONGEST: Duration = Duration::from_hours(366 * 24);

    /// A duration known to be short enough.
    pub const fn new(duration: Duration) -> Self {
        Self(duration)
    }

    /// The duration.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for Period {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let remedy = "write a whole number and a unit, such as `\"500ms\"`, `\"10s\"`, `\"5m\"`, `\"2h\"` or `\"30d\"`";
        let (number, unit) = number_and_unit(text).ok_or_else(|| Malformed::new(not(text, "a duration"), remedy))?;
        let (_, scale) = Self::UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| {
            let problem =
                if unit.is_empty() { "has no unit".to_owned() } else { format!("has the unknown unit `{unit}`") };
            Malformed::new(format!("the duration `{text}` {problem}"), remedy)
        })?;
        let duration = number.checked_mul(*scale).map(Duration::from_millis).filter(|it| *it <= Self::LONGEST);
        duration.map(Self).ok_or_else(|| {
            Malformed::new(format!("the duration `{text}` is longer than a year"), "write at most `\"366d\"`")
        })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let fits = |scale: u64| millis > 0 && millis.is_multiple_of(u128::from(scale));
        let (unit, scale) = Self::UNITS.into_iter().rev().find(|(_, scale)| fits(*scale)).unwrap_or(("s", 1000));
        write!(out, "{}{unit}", millis / u128::from(scale))
    }
}

/// A size as written: `"1MiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u64);

impl Size {
    const UNITS: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

    /// So many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// In bytes.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let remedy = "write a whole number and a unit, such as `\"512B\"`, `\"64KiB\"`, `\"1MiB\"` or `\"2GiB\"`";
        let (number, unit) = number_and_unit(text).ok_or_else(|| Malformed::new(not(text, "a size"), remedy))?;
        let Some((_, scale)) = Self::UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(Malformed::new(
                format!("the size `{text}` {}", wrong_unit(unit)),
                size_remedy(number, unit, remedy),
            ));
        };
        let bytes = number.checked_mul(*scale).filter(|bytes| *bytes <= 1 << 40);
        bytes.map(Self).ok_or_else(|| {
            Malformed::new(format!("the size `{text}` is larger than 1024 GiB"), "write at most `\"1024GiB\"`")
        })
    }
}

fn wrong_unit(unit: &str) -> String {
    if unit.is_empty() { "has no unit".to_owned() } else { format!("has the unknown unit `{unit}`") }
}

/// `1MB` is a thousand thousands to some and 1 MiB to others: the unit that says which is asked for.
fn size_remedy(number: u64, unit: &str, otherwise: &str) -> String {
    match unit.to_ascii_lowercase().as_str() {
        "k" | "kb" | "kib" => format!("write `\"{number}KiB\"`"),
        "m" | "mb" | "mib" => format!("write `\"{number}MiB\"`"),
        "g" | "gb" | "gib" => format!("write `\"{number}GiB\"`"),
        _ => otherwise.to_owned(),
    }
}

impl fmt::Display for Size {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |scale: u64| self.0 > 0 && self.0.is_multiple_of(scale);
        let (unit, scale) = Self::UNITS.into_iter().rev().find(|(_, scale)| fits(*scale)).unwrap_or(("B", 1));
        write!(out, "{}{unit}", self.0 / scale)
    }
}

/// A rate as written: `"60/minute"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(bartizan_policy::Rate);

impl Rate {
    /// What the limit is told.
    pub const fn get(self) -> bartizan_policy::Rate {
        self.0
    }
}

impl From<bartizan_policy::Rate> for Rate {
    fn from(rate: bartizan_policy::Rate) -> Self {
        Self(rate)
    }
}

impl FromStr for Rate {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        text.parse().map(Self).map_err(|_| {
            Malformed::new(
                not(text, "a rate"),
                "write a count and a period, such as `\"60/minute\"`, `\"5/second\"` or `\"100/10s\"`",
            )
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A point in time as written (RFC 3339).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(Timestamp);

impl Time {
    /// The point.
    pub const fn get(self) -> Timestamp {
        self.0
    }

    /// This point, written as a day and time in UTC.
    pub(crate) fn written(at: Timestamp) -> String {
        jiff::Timestamp::from_second(at.as_unix()).map_or_else(|_| at.as_unix().to_string(), |time| time.to_string())
    }
}

impl FromStr for Time {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        text.parse::<jiff::Timestamp>().map(|time| Self(Timestamp::from_unix(time.as_second()))).map_err(|_| {
            let date: Option<jiff::civil::Date> = text.get(..10).and_then(|date| date.parse().ok());
            let remedy = match date {
                Some(date) => format!("write date, time and zone: `\"{date}T00:00:00Z\"`"),
                None => "write date, time and zone as RFC 3339 has them, such as `\"2027-01-31T00:00:00Z\"`".to_owned(),
            };
            Malformed::new(not(text, "a point in time"), remedy)
        })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&Self::written(self.0))
    }
}

/// When a key ends. There is no default: a key that nobody has to renew is one that nobody remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It has to be said.
    Never,
    /// At this point.
    At(Time),
}

impl FromStr for Expiry {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text {
            "never" => Ok(Self::Never),
            _ => text.parse().map(Self::At),
        }
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => out.write_str("never"),
            Self::At(time) => time.fmt(out),
        }
    }
}

/// A daily window in UTC, in minutes since midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// First minute that passes.
    pub start: u16,
    /// First minute that no longer passes.
    pub end: u16,
}

impl FromStr for Hours {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let window = text
            .split_once('-')
            .and_then(|(start, end)| Some(Self { start: minutes(start.trim())?, end: minutes(end.trim())? }));
        window.ok_or_else(|| {
            Malformed::new(not(text, "a daily window"), "write two times of day in UTC, such as `\"08:00-18:00\"`")
        })
    }
}

fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| (part.len() == 2).then(|| part.parse::<u16>().ok()).flatten();
    let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

impl fmt::Display for Hours {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (self.start, self.end);
        write!(out, "{:02}:{:02}-{:02}:{:02}", start / 60, start % 60, end / 60, end % 60)
    }
}

/// `10s` → 10 and `s`.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit.trim_start()))
}

pub(super) fn not(text: &str, form: &str) -> String {
    if text.is_empty() { format!("the text is empty, not {form}") } else { format!("`{text}` is not {form}") }
}
