//! Masks secrets in a body while it streams: card numbers, tokens, API keys, private keys (OWASP API3:2023, PCI DSS 3.4).
//!
//! Each masked byte becomes `*`, so that the length stays what `Content-Length` says; of a card number the last four digits and the
//! separators stay. What is masked depends on the bytes alone, not on how they were cut into chunks: where a chunk ends in something
//! that could become a secret, that tail (at most [`token::MAX_JOSE_HEADER`] bytes and a few) is held back for the next one.
//!
//! A chunk without a secret passes without a copy, but for what was held back before it. Compressed bodies cannot be looked into: the
//! caller asks the upstream for `identity`. A digest or strong validator of the upstream's no longer fits a masked body.

use std::ops::Range;

use aho_corasick::BuildError;
use bytes::{Bytes, BytesMut};

use token::{Run, Triggers};

mod card;
#[cfg(test)]
mod tests;
mod token;

/// What is masked in a route's answers; by default nothing, since a masked body is a changed one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MaskKinds {
    /// Card numbers of 13 to 19 digits with a valid check digit (ISO/IEC 7812-1).
    pub card_numbers: bool,
    /// JSON Web Tokens, whatever follows `Bearer`, and the gate's own API keys.
    pub tokens: bool,
    /// PEM private keys.
    pub private_keys: bool,
}

impl MaskKinds {
    /// Everything that can be recognized.
    pub const ALL: Self = Self { card_numbers: true, tokens: true, private_keys: true };

    /// Whether anything is masked at all.
    pub fn any(self) -> bool {
        self.card_numbers || self.tokens || self.private_keys
    }
}

/// [`MaskKinds`] compiled, once for each route. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Mask {
    cards: bool,
    triggers: Option<Triggers>,
}

impl Mask {
    /// Compiles the search.
    ///
    /// # Errors
    /// When the automaton cannot be built, which for these few words means that memory is out.
    pub(crate) fn compile(kinds: MaskKinds) -> Result<Self, BuildError> {
        Ok(Self { cards: kinds.card_numbers, triggers: Triggers::compile(kinds)? })
    }
}

/// The masking of one body.
#[derive(Debug)]
pub(crate) struct Masker {
    mask: Mask,
    held: Vec<u8>,
    /// The last two bytes that went out, as they were.
    before: [u8; 2],
    /// The secret that the last chunk ended in.
    within: Option<Run>,
    masked: usize,
}

/// Whether more bytes can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum More {
    Possible,
    Ended,
}

/// What a search found from a place on.
#[derive(Debug, Clone)]
enum Found<T> {
    Secret(T),
    /// From here on, it depends on bytes that have not come yet.
    Undecided(usize),
    Nothing,
}

/// A stretch to be starred, but for the bytes that are spared.
struct Stars {
    range: Range<usize>,
    spares: fn(u8) -> bool,
}

impl Masker {
    /// Begins a body.
    pub(crate) fn new(mask: Mask) -> Self {
        Self { mask, held: Vec::new(), before: [0; 2], within: None, masked: 0 }
    }

    /// Takes the next chunk; gives back what is decided, which may be nothing yet.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Bytes {
        if self.held.is_empty() {
            return self.advance(chunk, More::Possible);
        }
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(&chunk);
        self.advance(bytes.into(), More::Possible)
    }

    /// Gives back what is held, at a place where nothing goes on that was begun. A secret that was recognized goes on being masked.
    pub(crate) fn flush(&mut self) -> Bytes {
        let held = std::mem::take(&mut self.held);
        self.advance(held.into(), More::Ended)
    }

    /// Ends the body; gives back what was held.
    pub(crate) fn finish(mut self) -> Bytes {
        let held = std::mem::take(&mut self.held);
        self.advance(held.into(), More::Ended)
    }

    /// How many secrets were masked so far.
    #[cfg_attr(not(test), expect(dead_code, reason = "an answer's closing event will count it"))]
    pub(crate) fn masked(&self) -> usize {
        self.masked
    }

    fn advance(&mut self, bytes: Bytes, more: More) -> Bytes {
        let mut stars = Vec::new();
        let decided = self.scan(&bytes, more, &mut stars);
        let mut out = bytes;
        self.held = out.split_off(decided.min(out.len())).to_vec();
        for &byte in out.iter().rev().take(2).rev() {
            self.before = [self.before[1], byte];
        }
        if stars.is_empty() { out } else { starred(out, &stars) }
    }

    /// Finds what to star; returns up to where that is decided.
    fn scan(&mut self, data: &[u8], more: More, stars: &mut Vec<Stars>) -> usize {
        let view = View { data, before: self.before, more };
        let mut position = 0;
        let mut card = None;
        let mut token = None;
        loop {
            if let Some(run) = &mut self.within {
                let length = run.take(data.get(position..).unwrap_or_default());
                stars.push(Stars { range: position..position + length, spares: run.spares() });
                position += length;
                if position == data.len() && more == More::Possible {
                    return position;
                }
                self.within = None;
            }
            let next_card = recall(&mut card, position, || self.next_card(&view, position));
            let next_token = recall(&mut token, position, || self.next_token(&view, position));
            if next_card.place() <= next_token.place() {
                match next_card {
                    Found::Nothing => return data.len(),
                    Found::Undecided(at) => return at,
                    Found::Secret(card) => {
                        stars.push(Stars { range: card.start..card.last_four, spares: |byte| !byte.is_ascii_digit() });
                        position = card.end;
                    }
                }
            } else {
                match next_token {
                    Found::Nothing => return data.len(),
                    Found::Undecided(at) => return at,
                    Found::Secret(token) => {
                        position = token.secret;
                        self.within = Some(token.run);
                    }
                }
            }
            self.masked += 1;
        }
    }

    fn next_card(&self, view: &View<'_>, from: usize) -> Found<card::Card> {
        if self.mask.cards { card::next(view, from) } else { Found::Nothing }
    }

    fn next_token(&self, view: &View<'_>, from: usize) -> Found<token::Token> {
        self.mask.triggers.as_ref().map_or(Found::Nothing, |triggers| triggers.next(view, from))
    }
}

/// The bytes at hand, with what went before them and what may follow.
struct View<'a> {
    data: &'a [u8],
    before: [u8; 2],
    more: More,
}

impl View<'_> {
    fn at(&self, index: usize) -> Option<u8> {
        self.data.get(index).copied()
    }

    /// The byte `back` places before `index`, which may have gone out with an earlier chunk.
    fn preceding(&self, index: usize, back: usize) -> Option<u8> {
        match index.checked_sub(back) {
            Some(index) => self.at(index),
            None => self.before.get((index + 2).checked_sub(back)?).copied(),
        }
    }

    /// How many bytes from `start` on satisfy a test, up to `most`; `None` when the answer depends on bytes to come.
    fn run(&self, start: usize, most: usize, is_member: impl Fn(u8) -> bool) -> Option<usize> {
        let rest = self.data.get(start..).unwrap_or_default();
        let length = rest.iter().take(most).take_while(|&&byte| is_member(byte)).count();
        (length == most || length < rest.len() || self.more == More::Ended).then_some(length)
    }
}

/// Where something is found.
trait Place {
    fn place(&self) -> usize;
}

impl<T: Place> Place for Found<T> {
    fn place(&self) -> usize {
        match self {
            Self::Secret(secret) => secret.place(),
            Self::Undecided(at) => *at,
            Self::Nothing => usize::MAX,
        }
    }
}

/// Searches again only when the position has gone past what was found last.
fn recall<T: Place + Clone>(
    known: &mut Option<Found<T>>,
    position: usize,
    search: impl FnOnce() -> Found<T>,
) -> Found<T> {
    let still = known.take().filter(|found| found.place() >= position);
    known.insert(still.unwrap_or_else(search)).clone()
}

/// Stars in place where nobody else holds the chunk, in a copy otherwise.
fn starred(bytes: Bytes, stars: &[Stars]) -> Bytes {
    let mut bytes = bytes.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    for Stars { range, spares } in stars {
        let stretch = bytes.get_mut(range.clone()).unwrap_or_default();
        stretch.iter_mut().filter(|byte| !spares(**byte)).for_each(|byte| *byte = b'*');
    }
    bytes.freeze()
}
