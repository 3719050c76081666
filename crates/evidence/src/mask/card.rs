//! Primary account numbers (ISO/IEC 7812-1): 13 to 19 digits, the last of which is Luhn's check digit.

/// The fewest digits of a card number.
pub(super) const SHORTEST: u32 = 13;
const LONGEST: u32 = 19;
/// Separators in a row that still join groups of digits.
const MAX_SEPARATORS: u32 = 4;

/// Luhn's sum, digit by digit from the left: both parities at once, as the length is known only at the end.
#[derive(Clone, Copy, Default)]
struct Luhn {
    digits: u32,
    /// The sum if the last digit so far is the check digit, and the sum if one more follows.
    as_last: u32,
    as_next_to_last: u32,
}

impl Luhn {
    fn add(self, digit: u32) -> Self {
        let doubled = if digit > 4 { 2 * digit - 9 } else { 2 * digit };
        Self { digits: self.digits + 1, as_last: self.as_next_to_last + digit, as_next_to_last: self.as_last + doubled }
    }

    fn is_card(self) -> bool {
        (SHORTEST..=LONGEST).contains(&self.digits) && self.as_last.is_multiple_of(10)
    }
}

/// How many bytes of `rest`, which begins with a number, are a card number: of whole groups of digits, the most that are.
pub(super) fn length(rest: &[u8]) -> Option<usize> {
    let unbroken = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if unbroken > LONGEST as usize {
        return Some(unbroken);
    }
    let mut luhn = Luhn::default();
    let mut at = 0;
    let mut card = None;
    loop {
        while let Some(digit @ b'0'..=b'9') = rest.get(at) {
            luhn = luhn.add(u32::from(digit - b'0'));
            at += 1;
            if luhn.digits > LONGEST {
                return card;
            }
        }
        if luhn.is_card() {
            card = Some(at);
        }
        match separators(rest.get(at..).unwrap_or_default()) {
            Some(skipped) => at += skipped,
            None => return card,
        }
    }
}

/// The bytes of separators up to the next digit, if there is one.
fn separators(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    for _ in 0..=MAX_SEPARATORS {
        let after = rest.get(at..)?;
        if at > 0 && after.first()?.is_ascii_digit() {
            return Some(at);
        }
        at += separator(after)?;
    }
    None
}

/// What people, browsers and those who would hide a number put between its digits: also what a screen does not show.
fn separator(rest: &[u8]) -> Option<usize> {
    match rest {
        [b'-' | b'.' | b'_' | b'+' | 0..=0x20 | 0x7f, ..] => Some(1),
        // U+0080 to U+00A0, U+00AD: control characters, no-break space, soft hyphen.
        [0xC2, 0x80..=0xA0 | 0xAD, ..] => Some(2),
        // Percent-encoded white space, hyphens and control characters.
        [b'%', b'0' | b'1', _, ..]
        | [b'%', b'2', b'0' | b'd' | b'D', ..]
        // U+2000 to U+2015: spaces, zero-width and direction marks, dashes; U+2028 to U+202F and U+2060 to U+206F; U+FEFF.
        | [0xE2, 0x80, 0x80..=0x95 | 0xA8..=0xAF, ..]
        | [0xE2, 0x81, 0xA0..=0xAF, ..]
        | [0xEF, 0xBB, 0xBF, ..] => Some(3),
        _ => None,
    }
}
