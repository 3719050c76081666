//! Card numbers (ISO/IEC 7812-1) in running bytes.
//!
//! Shapes: 13 to 19 digits in a row, or in groups of four as printed on cards, or 4-6-5 and 4-6-4 (American Express, Diners), with
//! single spaces or dashes between. The first digit has to be one that cards of that length have: it keeps times in milli-, micro- and
//! nanoseconds (13, 16 and 19 digits that begin with 1) and product codes (978…) as they are. The digits of a fraction, as floating point
//! numbers have them, are no card either.

use super::{Found, Place, View};

const FEWEST: usize = 13;
const MOST: usize = 19;
/// Longest printed form has five groups; a group of seven digits is none.
const MOST_GROUPS: usize = 5;
const NO_GROUP: usize = 7;

/// Where a card number stands.
#[derive(Debug, Clone)]
pub(super) struct Card {
    pub(super) start: usize,
    /// The first of the last four digits.
    pub(super) last_four: usize,
    pub(super) end: usize,
}

impl Place for Card {
    fn place(&self) -> usize {
        self.start
    }
}

/// Finds the next card number.
///
/// Whatever is at least 13 bytes long covers one of any 13 bytes in a row: so it is enough to look at every thirteenth byte, and
/// only around those that could be part of a card. Most bodies are passed over at that pace.
pub(super) fn next(view: &View<'_>, from: usize) -> Found<Card> {
    let Some(last) = view.data.len().checked_sub(1).filter(|&last| last >= from) else { return Found::Nothing };
    let mut probe = from + FEWEST - 1;
    loop {
        let place = probe.min(last);
        if could_be_inside(view, place) {
            let start = region_start(view, place, from);
            match view.run(start, FEWEST, is_part) {
                // Too short for a card, and complete.
                Some(length) if length < FEWEST => probe = start + length,
                _ => match first_in(view, start) {
                    Ok(found) => return found,
                    Err(end) => probe = end,
                },
            }
        }
        if probe >= last {
            return Found::Nothing;
        }
        probe += FEWEST;
    }
}

/// A digit, or a separator between digits.
fn could_be_inside(view: &View<'_>, place: usize) -> bool {
    let is_digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    match view.at(place) {
        Some(b' ' | b'-') => {
            is_digit(view.preceding(place, 1)) && (place + 1 == view.data.len() || is_digit(view.at(place + 1)))
        }
        byte => is_digit(byte),
    }
}

fn region_start(view: &View<'_>, place: usize, from: usize) -> usize {
    let before = view.data.get(from..place).unwrap_or_default();
    place - before.iter().rev().take_while(|&&byte| is_part(byte)).count()
}

/// The first card among the digit groups from `start` on, or where these end.
///
/// Goes no further than it has to: a body of nothing but cards would otherwise be read to its end for each of them.
fn first_in(view: &View<'_>, start: usize) -> Result<Found<Card>, usize> {
    let mut at = start;
    let mut is_within_group = view.preceding(start, 1).is_some_and(|byte| byte.is_ascii_digit());
    while let Some(byte) = view.at(at).filter(|&byte| is_part(byte)) {
        if byte.is_ascii_digit() && !is_within_group {
            match read(view, at) {
                Found::Nothing => {}
                found => return Ok(found),
            }
        }
        is_within_group = byte.is_ascii_digit();
        at += 1;
    }
    Err(at)
}

fn read(view: &View<'_>, start: usize) -> Found<Card> {
    let Some(length) = view.run(start, MOST + 1, |byte| byte.is_ascii_digit()) else { return Found::Undecided(start) };
    match length {
        4 => read_groups(view, start),
        FEWEST..=MOST if !is_fraction(view, start) => {
            checked(view, start, start + length).map_or(Found::Nothing, Found::Secret)
        }
        _ => Found::Nothing,
    }
}

fn read_groups(view: &View<'_>, start: usize) -> Found<Card> {
    let mut lengths = [0; MOST_GROUPS];
    let mut ends = [start; MOST_GROUPS];
    let mut at = start;
    for (length, end) in lengths.iter_mut().zip(&mut ends) {
        let Some(digits) = view.run(at, NO_GROUP, |byte| byte.is_ascii_digit()) else { return Found::Undecided(start) };
        *length = digits;
        *end = at + digits;
        let Some(separators) = view.run(*end, 2, |byte| matches!(byte, b' ' | b'-')) else {
            return Found::Undecided(start);
        };
        if digits == 0 || separators != 1 {
            break;
        }
        at = *end + 1;
    }
    let [_, _, third, fourth, fifth] = ends;
    let card = match lengths {
        [4, 4, 4, 4, 1..=3] => checked(view, start, fifth).or_else(|| checked(view, start, fourth)),
        [4, 4, 4, 1..=4, _] => checked(view, start, fourth),
        [4, 6, 4 | 5, ..] => checked(view, start, third),
        _ => None,
    };
    card.map_or(Found::Nothing, Found::Secret)
}

/// `0.4111111111111111`
fn is_fraction(view: &View<'_>, start: usize) -> bool {
    view.preceding(start, 1) == Some(b'.') && view.preceding(start, 2).is_some_and(|byte| byte.is_ascii_digit())
}

fn checked(view: &View<'_>, start: usize, end: usize) -> Option<Card> {
    let text = view.data.get(start..end)?;
    let count = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_card = begins_like_a_card(*text.first()?, count) && passes_luhn(text);
    let (from_end, _) = text.iter().rev().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).nth(3)?;
    is_card.then_some(Card { start, last_four: end - from_end - 1, end })
}

const fn begins_like_a_card(first: u8, count: usize) -> bool {
    match count {
        13 => matches!(first, b'4'..=b'6'),
        14 => matches!(first, b'3' | b'5' | b'6'),
        15 => matches!(first, b'1'..=b'3' | b'5' | b'6'),
        16..=MOST => matches!(first, b'2'..=b'6'),
        _ => false,
    }
}

/// The check digit (ISO/IEC 7812-1, annex B).
fn passes_luhn(text: &[u8]) -> bool {
    let digits = text.iter().rev().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits
        .zip([false, true].into_iter().cycle())
        .map(|(digit, is_doubled)| match (is_doubled, digit * 2) {
            (false, _) => digit,
            (true, doubled @ 0..=9) => doubled,
            (true, doubled) => doubled - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

const fn is_part(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b' ' | b'-')
}
