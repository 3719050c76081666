/// A natural number of any size: dates and build numbers stand in versions, and attackers write longer ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Natural {
    // The order of the fields is the order of numbers: without leading zeros, more digits are more.
    length: usize,
    digits: Box<str>,
}

impl Natural {
    /// Reads a text of ASCII digits, at least one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits = text.trim_start_matches('0');
        Some(Self { length: digits.len(), digits: digits.into() })
    }

    pub(super) const fn is_zero(&self) -> bool {
        self.length == 0
    }

    /// The next number: what `^` and `~` of npm stop before.
    pub(super) fn next(&self) -> Self {
        let mut digits: Vec<u8> = std::iter::once(b'0').chain(self.digits.bytes()).collect();
        for digit in digits.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                break;
            }
            *digit = b'0';
        }
        Self::parse(&String::from_utf8_lossy(&digits)).unwrap_or_default()
    }
}

/// Splits a text after its leading ASCII digits.
pub(super) fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}
