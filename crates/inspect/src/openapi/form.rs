//! `application/x-www-form-urlencoded` (WHATWG URL §5.1), read as one object.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::BuildHasher;

use percent_encoding::percent_decode;

use super::shape::Shape;
use super::style::{Pair, object};
use crate::json::Json;

/// Names and values of one form.
const MOST_PAIRS: usize = 1_000;

/// The pairs of a form, in order.
///
/// # Errors
/// The rule that it breaks.
pub(super) fn pairs(bytes: &[u8]) -> Result<Vec<Pair<'_>>, &'static str> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let pieces = bytes.split(|byte| *byte == b'&');
    let pairs: Vec<_> = pieces.take(MOST_PAIRS + 1).map(pair).collect::<Result<_, _>>()?;
    if pairs.len() > MOST_PAIRS { Err("too-many") } else { Ok(pairs) }
}

/// A name and its value, decoded.
pub type Pairing = (String, String);

/// The pairs of a query; none where it cannot be read in one way.
pub fn query_pairs(query: &str) -> Vec<Pairing> {
    let pairs = pairs(query.as_bytes()).unwrap_or_default();
    pairs.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn pair(piece: &[u8]) -> Result<Pair<'_>, &'static str> {
    let (name, value) = match piece.iter().position(|byte| *byte == b'=') {
        Some(at) => (piece.get(..at).unwrap_or_default(), piece.get(at + 1..).unwrap_or_default()),
        None => (piece, &[][..]),
    };
    Ok((text(name)?, text(value)?))
}

/// A `%` that escapes nothing is read as itself by one parser and dropped by another.
fn text(piece: &[u8]) -> Result<Cow<'_, str>, &'static str> {
    let is_escape = |rest: &[u8]| rest.get(..2).is_some_and(|it| it.iter().all(u8::is_ascii_hexdigit));
    if piece.split(|byte| *byte == b'%').skip(1).any(|rest| !is_escape(rest)) {
        return Err("form-escape");
    }
    if piece.contains(&b'+') {
        let spaced: Vec<u8> = piece.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        let text = percent_decode(&spaced).decode_utf8().map_err(|_| "form-encoding")?;
        return Ok(Cow::Owned(text.into_owned()));
    }
    percent_decode(piece).decode_utf8().map_err(|_| "form-encoding")
}

/// The form as an object of the given shape.
pub(super) fn read(bytes: &[u8], shape: &Shape) -> Result<Json, &'static str> {
    let pairs = pairs(bytes)?;
    let named: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
    object(&named, shape)
}

/// The form without the pairs of some names; the others stay as they were written.
pub fn without(bytes: &[u8], names: &HashSet<String, impl BuildHasher>) -> Vec<u8> {
    let is_kept = |piece: &&[u8]| pair(piece).is_ok_and(|(name, _)| !names.contains(&*name));
    let kept: Vec<&[u8]> = bytes.split(|byte| *byte == b'&').filter(is_kept).collect();
    kept.join(&b'&')
}
