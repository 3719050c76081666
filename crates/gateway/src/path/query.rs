//! The query of a request target: checked, then forwarded exactly as it came.

use std::borrow::Cow;

use thiserror::Error;

use super::split_escape;

/// Longest query that is read, in bytes.
pub(crate) const MAX_QUERY_BYTES: usize = 16 * 1024;
/// Most parameters that are read: a bound on what later stages do with each of them.
pub(crate) const MAX_QUERY_PAIRS: usize = 512;

/// Why a query was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum QueryFault {
    /// Longer than [`MAX_QUERY_BYTES`].
    #[error("the query is longer than {MAX_QUERY_BYTES} bytes")]
    TooLong,
    /// More than [`MAX_QUERY_PAIRS`] parameters.
    #[error("the query has more than {MAX_QUERY_PAIRS} parameters")]
    TooManyPairs,
    /// `#`: a fragment is never sent (RFC 9110 §4.2.5).
    #[error("the request target contains a fragment")]
    Fragment,
    /// White space or a control character that is not escaped, or an escaped NUL.
    #[error("the query contains a control character")]
    ControlCharacter,
    /// A byte beyond ASCII that is not escaped.
    #[error("the query contains a character beyond ASCII that is not percent-encoded")]
    NonAscii,
    /// `%` without two hex digits.
    #[error("the query contains a malformed percent-encoding")]
    MalformedEscape,
    /// Escaped bytes that are no UTF-8, overlong forms among them.
    #[error("the percent-encoded bytes of the query are not UTF-8")]
    InvalidUtf8,
    /// A parameter that decides something is there twice, or ends in two places.
    #[error("a parameter of the query can be read in two ways")]
    Ambiguous,
}

impl QueryFault {
    /// Stable name, for events and refusals.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::TooLong => "query-too-long",
            Self::TooManyPairs => "query-too-many-parameters",
            Self::Fragment => "query-fragment",
            Self::ControlCharacter => "query-control-character",
            Self::NonAscii => "query-non-ascii",
            Self::MalformedEscape => "query-malformed-escape",
            Self::InvalidUtf8 => "query-invalid-utf8",
            Self::Ambiguous => "query-ambiguous-parameter",
        }
    }
}

/// A query whose every byte is visible ASCII and whose escapes are whole and UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    /// Checks a query, without its `?`.
    ///
    /// Escaped control characters other than NUL pass: text of several lines is data, and for the inspection to judge. NUL is
    /// refused because what a C string reads ends there.
    ///
    /// # Errors
    /// A [`QueryFault`] that names what is wrong.
    pub(crate) fn parse(raw: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, QueryFault> {
        let raw = raw.as_ref();
        if raw.len() > MAX_QUERY_BYTES {
            return Err(QueryFault::TooLong);
        }
        if raw.split(|&byte| byte == b'&').count() > MAX_QUERY_PAIRS {
            return Err(QueryFault::TooManyPairs);
        }
        raw.iter().try_for_each(|&byte| check_raw(byte))?;
        // A character spelled partly plain and partly escaped cannot be UTF-8, since plain bytes are ASCII here: so each
        // piece between separators can be judged alone.
        for piece in raw.split(|&byte| matches!(byte, b'&' | b'=')).filter(|piece| piece.contains(&b'%')) {
            check_escapes(piece)?;
        }
        std::str::from_utf8(raw).map(Self).map_err(|_| QueryFault::NonAscii)
    }

    /// The query as it came, and as it is forwarded.
    #[cfg_attr(not(test), expect(dead_code, reason = "what an OpenAPI document says of parameters is judged with it"))]
    pub(crate) fn as_str(&self) -> &'a str {
        self.0
    }

    /// Names and values in order, decoded as `application/x-www-form-urlencoded` (`+` is a space). A parameter without
    /// `=` has an empty value.
    #[cfg_attr(not(test), expect(dead_code, reason = "what an OpenAPI document says of parameters is judged with it"))]
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        self.0.split('&').filter(|pair| !pair.is_empty()).map(split_pair)
    }

    /// The value of a parameter on which a decision hangs.
    ///
    /// Frameworks differ in which of several equal parameters they take, and some still split at `;` (parameter
    /// pollution): a parameter that two of them could read differently is refused instead of chosen.
    ///
    /// # Errors
    /// [`QueryFault::Ambiguous`].
    #[cfg_attr(not(test), expect(dead_code, reason = "what an OpenAPI document says of parameters is judged with it"))]
    pub(crate) fn sole(&self, name: &str) -> Result<Option<Cow<'a, str>>, QueryFault> {
        let by_standard = sole_value(self.0.split('&'), name)?;
        let by_legacy = sole_value(self.0.split(['&', ';']), name)?;
        if by_standard == by_legacy { Ok(by_standard) } else { Err(QueryFault::Ambiguous) }
    }
}

fn check_raw(byte: u8) -> Result<(), QueryFault> {
    match byte {
        b'#' => Err(QueryFault::Fragment),
        0x21..=0x7e => Ok(()),
        _ if byte.is_ascii() => Err(QueryFault::ControlCharacter),
        _ => Err(QueryFault::NonAscii),
    }
}

fn check_escapes(piece: &[u8]) -> Result<(), QueryFault> {
    let mut decoded = Vec::with_capacity(piece.len());
    let mut rest = piece;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let (value, after) = split_escape(tail).ok_or(QueryFault::MalformedEscape)?;
            if value == 0 {
                return Err(QueryFault::ControlCharacter);
            }
            decoded.push(value);
            rest = after;
        } else {
            decoded.push(byte);
            rest = tail;
        }
    }
    std::str::from_utf8(&decoded).map(drop).map_err(|_| QueryFault::InvalidUtf8)
}

fn sole_value<'a>(pairs: impl Iterator<Item = &'a str>, name: &str) -> Result<Option<Cow<'a, str>>, QueryFault> {
    let mut values = pairs.map(split_pair).filter(|(key, _)| key == name).map(|(_, value)| value);
    let first = values.next();
    if values.next().is_some() { Err(QueryFault::Ambiguous) } else { Ok(first) }
}

fn split_pair(pair: &str) -> (Cow<'_, str>, Cow<'_, str>) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    (form_decoded(name), form_decoded(value))
}

fn form_decoded(text: &str) -> Cow<'_, str> {
    if text.contains('+') { super::decoded(&text.replace('+', " ")).into_owned().into() } else { super::decoded(text) }
}
