use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Names one request in every log, header and problem document: a `UUIDv7` (RFC 9562 §5.7), so that ids sort by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId([u8; 16]);

/// A [`RequestId`] as its 36 characters, on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestIdText([u8; TEXT_LENGTH]);

/// The text is not a `UUIDv7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request id has the form of a version 7 UUID, `01932c5e-7a3b-7cde-8f01-23456789abcd`")]
pub struct ParseRequestIdError;

const TEXT_LENGTH: usize = 36;
/// Where in the text the two digits of each byte stand.
const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const HEX: &[u8; 16] = b"0123456789abcdef";

impl RequestId {
    /// Makes an id from the time, to the millisecond, and 74 of the random bits. A clock before 1970 counts as 1970.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "RFC 9562 §5.7 keeps 48 bits of milliseconds: until the year 10889"
    )]
    pub fn new(now: SystemTime, random: [u8; 10]) -> Self {
        let millis = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let [_, _, t0, t1, t2, t3, t4, t5] = millis.to_be_bytes();
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = random;
        let version = 0x70 | (r0 & 0x0f);
        let variant = 0x80 | (r2 & 0x3f);
        Self([t0, t1, t2, t3, t4, t5, version, r1, variant, r3, r4, r5, r6, r7, r8, r9])
    }

    /// The 36 characters of the id, without allocating.
    pub fn as_text(&self) -> RequestIdText {
        let mut text = [b'-'; TEXT_LENGTH];
        for (byte, at) in self.0.iter().zip(PLACES) {
            for (place, digit) in text.iter_mut().skip(at).zip([byte >> 4, byte & 0x0f]) {
                *place = HEX.get(usize::from(digit)).copied().unwrap_or(b'0');
            }
        }
        RequestIdText(text)
    }
}

fn is_hyphen(index: usize) -> bool {
    matches!(index, 8 | 13 | 18 | 23)
}

impl RequestIdText {
    /// The text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Deref for RequestIdText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for RequestIdText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_text().as_str())
    }
}

impl FromStr for RequestId {
    type Err = ParseRequestIdError;

    fn from_str(text: &str) -> Result<Self, ParseRequestIdError> {
        if text.len() != TEXT_LENGTH {
            return Err(ParseRequestIdError);
        }
        let mut id = [0_u8; 16];
        let mut place = 0_usize;
        for (index, byte) in text.bytes().enumerate() {
            if is_hyphen(index) {
                if byte != b'-' {
                    return Err(ParseRequestIdError);
                }
                continue;
            }
            let digit =
                char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(ParseRequestIdError)?;
            let target = id.get_mut(place / 2).ok_or(ParseRequestIdError)?;
            *target = (*target << 4) | digit;
            place += 1;
        }
        let [_, _, _, _, _, _, version, _, variant, ..] = id;
        if version >> 4 != 7 || variant >> 6 != 2 {
            return Err(ParseRequestIdError);
        }
        Ok(Self(id))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_rfc_9562_appendix_a6_is_built_bit_for_bit() {
        let now = UNIX_EPOCH + Duration::from_secs(0x6215_37EE);
        let random = [0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F];
        assert_eq!(RequestId::new(now, random).to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    }

    #[test]
    fn ids_of_later_milliseconds_sort_later_as_text() {
        let at = |millis| RequestId::new(UNIX_EPOCH + Duration::from_millis(millis), [0xff; 10]).to_string();
        assert!(at(1) < at(2) && at(255) < at(256) && at(0xffff_ffff) < at(0x1_0000_0000));
    }

    #[test]
    fn a_clock_before_1970_does_not_stop_the_gate() {
        let id = RequestId::new(UNIX_EPOCH - Duration::from_secs(1), [0; 10]);
        assert_eq!(id.to_string(), "00000000-0000-7000-8000-000000000000");
    }

    #[test]
    fn other_uuids_and_near_misses_are_refused() {
        for text in [
            "",
            "017f22e2-79b0-4cc3-98c4-dc0c0c07398f",
            "017f22e2-79b0-7cc3-18c4-dc0c0c07398f",
            "017f22e279b0-7cc3-98c4-dc0c0c07398f-",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
            "+17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398é",
        ] {
            assert_eq!(text.parse::<RequestId>(), Err(ParseRequestIdError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same_id(millis in 0_u64..1 << 48, random: [u8; 10]) {
            let id = RequestId::new(UNIX_EPOCH + Duration::from_millis(millis), random);
            prop_assert_eq!(id.as_text().parse(), Ok(id));
            prop_assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        }

        #[test]
        fn any_text_is_answered_without_a_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<RequestId>();
        }
    }
}
