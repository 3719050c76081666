use std::cmp::Ordering;
use std::fmt;

/// A number as it can be held without loss: a whole number of 64 bits, or what a `double` makes of it.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A whole number from -2^63 to 2^63 - 1.
    Integer(i64),
    /// A whole number from 2^63 to 2^64 - 1.
    Unsigned(u64),
    /// Any other, finite.
    Float(f64),
}

impl Number {
    /// Reads a number that has the form of JSON. `None` where 64 bits cannot hold it: gate and upstream would each round it in a way
    /// of their own.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
            return text.parse().map(Self::Integer).or_else(|_| text.parse().map(Self::Unsigned)).ok();
        }
        text.parse().ok().filter(|number: &f64| number.is_finite()).map(Self::Float)
    }

    /// The same, but a whole number beyond 64 bits is the nearest `double`.
    pub(super) fn parse_nearest(text: &str) -> Option<Self> {
        Self::parse(text).or_else(|| text.parse().ok().filter(|number: &f64| number.is_finite()).map(Self::Float))
    }

    /// The nearest `double`.
    #[expect(clippy::cast_precision_loss, reason = "that is what is asked for")]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Unsigned(number) => number as f64,
            Self::Float(number) => number,
        }
    }

    /// The number, if it is whole: `1.0` is (`JSON Schema Core §4.2.3`).
    pub fn as_whole(self) -> Option<i128> {
        match self {
            Self::Integer(number) => Some(number.into()),
            Self::Unsigned(number) => Some(number.into()),
            // Beyond 2^127 there is no telling 1e40 from its neighbours; it is whole all the same.
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 1e38 => {
                #[expect(clippy::cast_possible_truncation, reason = "below 2^127")]
                let whole = number as i128;
                Some(whole)
            }
            Self::Float(_) => None,
        }
    }

    /// The number, if it can count something.
    pub fn as_count(self) -> Option<u64> {
        self.as_whole().and_then(|number| u64::try_from(number).ok())
    }

    /// Whether it has no fraction.
    pub fn is_whole(self) -> bool {
        match self {
            Self::Integer(_) | Self::Unsigned(_) => true,
            Self::Float(number) => number.fract() == 0.0,
        }
    }

    /// Whether it is a multiple of `divisor`, by the decimal digits of both: 0.3 is a multiple of 0.1, though no `double` divides so.
    pub fn is_multiple_of(self, divisor: Self) -> bool {
        let (Some(number), Some(divisor)) = (Decimal::of(self), Decimal::of(divisor)) else { return false };
        number.is_multiple_of(divisor)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(out, "{number}"),
            Self::Unsigned(number) => write!(out, "{number}"),
            Self::Float(number) => write!(out, "{number:?}"),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.as_whole(), other.as_whole()) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => self.as_f64().partial_cmp(&other.as_f64()),
        }
    }
}

/// `digits × 10^exponent`
#[derive(Clone, Copy)]
struct Decimal {
    digits: u128,
    exponent: i32,
}

impl Decimal {
    fn of(number: Number) -> Option<Self> {
        let float = match number {
            Number::Integer(number) => return Some(Self { digits: number.unsigned_abs().into(), exponent: 0 }),
            Number::Unsigned(number) => return Some(Self { digits: number.into(), exponent: 0 }),
            Number::Float(number) => number.abs(),
        };
        // The shortest digits that name this `double`: at most 17 of them.
        let text = format!("{float:e}");
        let (digits, exponent) = text.split_once('e')?;
        let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let exponent = exponent.parse::<i32>().ok()?.checked_sub(i32::try_from(fraction).ok()?)?;
        Some(Self { digits: digits.replace('.', "").parse().ok()?, exponent })
    }

    fn is_multiple_of(self, divisor: Self) -> bool {
        if divisor.digits == 0 {
            return false;
        }
        if self.digits == 0 {
            return true;
        }
        let shift = self.exponent - divisor.exponent;
        if shift >= 0 {
            // 64 bits each: no product passes 128.
            return multiply(self.digits % divisor.digits, power_of_ten(shift, divisor.digits), divisor.digits) == 0;
        }
        // A divisor too large for 128 bits is larger than any number that is held here, and divides none but zero.
        let scaled = 10_u128.checked_pow(shift.unsigned_abs()).and_then(|power| power.checked_mul(divisor.digits));
        scaled.is_some_and(|divisor| self.digits.is_multiple_of(divisor))
    }
}

fn multiply(one: u128, other: u128, modulus: u128) -> u128 {
    one.wrapping_mul(other) % modulus
}

/// `10^exponent mod modulus`
fn power_of_ten(exponent: i32, modulus: u128) -> u128 {
    let (mut result, mut base, mut left) = (1 % modulus, 10 % modulus, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result = multiply(result, base, modulus);
        }
        base = multiply(base, base, modulus);
        left >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_are_those_of_the_written_decimals() {
        let multiple = |number: &str, divisor: &str| {
            Number::parse(number).unwrap().is_multiple_of(Number::parse(divisor).unwrap())
        };
        assert!(multiple("0.3", "0.1") && multiple("19.99", "0.01") && multiple("1e300", "0.5") && multiple("0", "7"));
        assert!(multiple("-7.5", "2.5") && multiple("12391239123", "1e-8"));
        assert!(!multiple("0.35", "0.1") && !multiple("1e308", "0.123456789") && !multiple("1", "0"));
        assert!(!multiple("1e-300", "1e300"));
    }

    #[test]
    fn whole_numbers_beyond_a_double_keep_their_last_digit() {
        assert_ne!(Number::parse("9007199254740993"), Number::parse("9007199254740992"));
        assert_eq!(Number::parse("1.0"), Number::parse("1"));
        assert!(Number::parse("18446744073709551616").is_none());
        assert!(Number::parse("1e400").is_none());
    }
}
