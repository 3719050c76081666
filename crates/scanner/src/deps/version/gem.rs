use std::cmp::Ordering;

use super::Natural;
use super::natural::split_digits;

/// `Gem::Version`: numbers and words; a version with a word is a pre-release and comes before the one without.
#[derive(Clone, Debug)]
pub(super) struct Gem {
    /// Without the zeros that end the leading numbers, and those that end the whole.
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Text(Box<str>),
    Number(Natural),
}

impl Gem {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let dashed = text.replace('-', ".pre.");
        let mut segments = Vec::new();
        for part in dashed.split('.') {
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return None;
            }
            split(part, &mut segments);
        }
        // The first part is a number (`Gem::Version::VERSION_PATTERN`).
        Natural::parse(dashed.split('.').next()?)?;
        let is_number = |segment: &Segment| matches!(segment, Segment::Number(_));
        let mut words =
            segments.split_off(segments.iter().position(|segment| !is_number(segment)).unwrap_or(segments.len()));
        drop_trailing_zeros(&mut segments);
        drop_trailing_zeros(&mut words);
        segments.append(&mut words);
        Some(Self { segments })
    }

    pub(super) fn is_prerelease(&self) -> bool {
        self.segments.iter().any(|segment| matches!(segment, Segment::Text(_)))
    }
}

/// Digits and letters are segments of their own: `rc1` is `rc` and `1`.
fn split(mut part: &str, segments: &mut Vec<Segment>) {
    while !part.is_empty() {
        let (digits, rest) = split_digits(part);
        if let Some(number) = Natural::parse(digits) {
            segments.push(Segment::Number(number));
        }
        let (letters, rest) = rest.split_at(rest.bytes().take_while(u8::is_ascii_alphabetic).count());
        if !letters.is_empty() {
            segments.push(Segment::Text(letters.into()));
        }
        part = rest;
    }
}

fn drop_trailing_zeros(segments: &mut Vec<Segment>) {
    while segments.last().is_some_and(|segment| matches!(segment, Segment::Number(number) if number.is_zero())) {
        segments.pop();
    }
}

impl Ord for Gem {
    fn cmp(&self, other: &Self) -> Ordering {
        let zero = Segment::Number(Natural::default());
        (0..self.segments.len().max(other.segments.len()))
            .map(|index| {
                let left = self.segments.get(index).unwrap_or(&zero);
                left.cmp(other.segments.get(index).unwrap_or(&zero))
            })
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Gem {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Gem {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Gem {}
