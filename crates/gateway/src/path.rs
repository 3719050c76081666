//! One reading of the request path (RFC 3986), made once: what was judged is what is forwarded.
//!
//! Path confusion is the attack in which the gate and the upstream split, decode or clean the same bytes in
//! different ways, so that a rule for `/admin` does not see what the upstream serves as `/admin`. Cleaning up after the
//! client would be one more reading that may differ, so whatever two servers are known to read in two ways is
//! refused, and only rewritings that no server can tell apart are made:
//!
//! | input | outcome | because |
//! |---|---|---|
//! | `%2f`, `%5c`, `\` | refused | some decode before they split into segments, some after (CVE-2021-41773) |
//! | `.`, `..`, `%2e%2e`, `...`, `..%20` | refused | RFC 3986 §5.2.4 has clients remove dot segments before sending, so one that arrives was meant to arrive; Windows also trims trailing dots and spaces |
//! | `//` | refused | nginx merges the empty segment, Node and Java routers keep it; `//host/` is also a reference to another host |
//! | `;`, `%3b` | refused | Tomcat and Jetty cut the parameter off before routing (`/..;/`), others keep it |
//! | `%25` before two hex digits | refused | a second decoding would find an escape |
//! | control characters, NUL, raw or escaped | refused | truncation, header and log injection |
//! | raw or escaped bytes that are no UTF-8 | refused | overlong forms (`%c0%af`) hide `/` and `.` |
//! | characters that compatibility mappings turn into `/`, `\` or dots | refused | NFKC and Windows best-fit decoding |
//! | `%7e`, `%41` | decoded | unreserved, equivalent by RFC 3986 §6.2.2.2 |
//! | `%3a`, `%40`, `%24`, … | decoded | reserved, but without a role inside a segment: a rule for `/books/{id}:archive` must see `%3Aarchive` |
//! | `%2b`, `%2c`, `%3d` and their plain forms | kept apart | separators of list parameters (RFC 6570, `style` in `OpenAPI`): the escaped one is data |
//! | `\|`, `[`, `]`, `^` | escaped | browsers send them plain, RFC 3986 does not have them |
//! | `%e2` | `%E2` | RFC 3986 §6.2.2.1 |
//!
//! What stays outside, because only the upstream knows: letter case, a trailing slash, and names that a file system takes
//! for the same file.

use std::borrow::Cow;

use thiserror::Error;

pub(crate) mod pattern;
pub(crate) mod query;
#[cfg(test)]
mod tests;

/// Longest path that is read, in bytes; the usual limit of a request line.
pub(crate) const MAX_PATH_BYTES: usize = 8 * 1024;

/// Why a path was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum PathFault {
    /// Not in origin form (RFC 9112 §3.2.1): `*`, an authority, or empty.
    #[error("the path does not begin with `/`")]
    NotAbsolute,
    /// Longer than [`MAX_PATH_BYTES`].
    #[error("the path is longer than {MAX_PATH_BYTES} bytes")]
    TooLong,
    /// `#`: a fragment is never sent (RFC 9110 §4.2.5).
    #[error("the request target contains a fragment")]
    Fragment,
    /// A control character, raw or escaped.
    #[error("the path contains a control character")]
    ControlCharacter,
    /// A byte beyond ASCII that is not escaped.
    #[error("the path contains a character beyond ASCII that is not percent-encoded")]
    NonAscii,
    /// A character that a path cannot contain unescaped.
    #[error("the path contains a character that has to be percent-encoded")]
    ForbiddenCharacter,
    /// `%` without two hex digits, `%u0041` among them.
    #[error("the path contains a malformed percent-encoding")]
    MalformedEscape,
    /// Decoding the path twice would give another result than decoding it once.
    #[error("the path is percent-encoded twice")]
    DoubleEncoding,
    /// Escaped bytes that are no UTF-8, overlong forms among them.
    #[error("the percent-encoded bytes of the path are not UTF-8")]
    InvalidUtf8,
    /// A slash or backslash inside a segment: escaped, or as a look-alike.
    #[error("a segment of the path contains an encoded separator")]
    EncodedSeparator,
    /// A backslash, which some servers read as a slash.
    #[error("the path contains a backslash")]
    Backslash,
    /// `.` and `..`, in any spelling.
    #[error("the path contains a dot segment")]
    DotSegment,
    /// `//`.
    #[error("the path contains an empty segment")]
    EmptySegment,
    /// `;`, plain or escaped.
    #[error("the path contains a path parameter (`;`)")]
    PathParameter,
}

impl PathFault {
    /// Stable name, for events and refusals.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NotAbsolute => "path-not-absolute",
            Self::TooLong => "path-too-long",
            Self::Fragment => "path-fragment",
            Self::ControlCharacter => "path-control-character",
            Self::NonAscii => "path-non-ascii",
            Self::ForbiddenCharacter => "path-forbidden-character",
            Self::MalformedEscape => "path-malformed-escape",
            Self::DoubleEncoding => "path-double-encoding",
            Self::InvalidUtf8 => "path-invalid-utf8",
            Self::EncodedSeparator => "path-encoded-separator",
            Self::Backslash => "path-backslash",
            Self::DotSegment => "path-dot-segment",
            Self::EmptySegment => "path-empty-segment",
            Self::PathParameter => "path-parameter",
        }
    }
}

/// A path in the one spelling that is routed, judged and forwarded.
///
/// Two paths that an upstream could take for the same resource have the same canonical form (but for the list
/// separators `+`, `,` and `=`), and parsing a canonical form gives it back unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct CanonicalPath<'a>(Cow<'a, str>);

impl<'a> CanonicalPath<'a> {
    /// Reads the path of a request target, without its query.
    ///
    /// Borrows, and does not allocate, when the path is plain and already canonical.
    ///
    /// # Errors
    /// A [`PathFault`] where two servers could read the path in two ways.
    pub(crate) fn parse(raw: &'a (impl AsRef<[u8]> + ?Sized)) -> Result<Self, PathFault> {
        let raw = raw.as_ref();
        if raw.first() != Some(&b'/') {
            return Err(PathFault::NotAbsolute);
        }
        if raw.len() > MAX_PATH_BYTES {
            return Err(PathFault::TooLong);
        }
        if is_plainly_canonical(raw)
            && let Ok(text) = std::str::from_utf8(raw)
        {
            return Ok(Self(Cow::Borrowed(text)));
        }
        normalize(raw).map(Self)
    }

    /// The canonical spelling, percent-encoded: what is matched against routes and sent to the upstream.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the client already sent the canonical spelling, so that its target can be forwarded as it is.
    pub(crate) fn is_as_sent(&self) -> bool {
        matches!(self.0, Cow::Borrowed(_))
    }

    /// Detaches the path from the request's buffer.
    #[cfg_attr(not(test), expect(dead_code, reason = "a judged path that outlives its request is kept with it"))]
    pub(crate) fn into_owned(self) -> CanonicalPath<'static> {
        CanonicalPath(Cow::Owned(self.0.into_owned()))
    }

    /// The segments, decoded. `/` has none; a trailing slash gives a last, empty one.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "what an OpenAPI document says of a path is judged segment by segment")
    )]
    pub(crate) fn segments(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let below_root = self.0.strip_prefix('/').filter(|rest| !rest.is_empty());
        below_root.into_iter().flat_map(|rest| rest.split('/')).map(decoded)
    }
}

/// Decodes text whose escapes have been checked.
pub(crate) fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let (value, after) = split_escape(tail).filter(|_| byte == b'%').unwrap_or((byte, tail));
        bytes.push(value);
        rest = after;
    }
    String::from_utf8(bytes).unwrap_or_else(|fault| String::from_utf8_lossy(fault.as_bytes()).into_owned()).into()
}

/// Whether every byte stands for itself and no segment is empty or made of dots: most requests, decided in one pass.
fn is_plainly_canonical(raw: &[u8]) -> bool {
    let mut segment_is_dots = false;
    let mut previous = 0;
    for &byte in raw {
        match byte {
            b'/' if previous == b'/' || segment_is_dots => return false,
            b'.' => segment_is_dots |= previous == b'/',
            b'/' => {}
            _ if is_plain(byte) => segment_is_dots = false,
            _ => return false,
        }
        previous = byte;
    }
    !segment_is_dots
}

fn normalize(raw: &[u8]) -> Result<Cow<'_, str>, PathFault> {
    let mut canonical = String::with_capacity(raw.len() + 16);
    let mut meaning = Vec::new();
    let mut segments = raw.split(|&byte| byte == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        canonical.push('/');
        match (segment.is_empty(), segments.peek()) {
            (true, Some(_)) => return Err(PathFault::EmptySegment),
            (true, None) => break,
            (false, _) => {}
        }
        meaning.clear();
        spell(segment, &mut canonical, &mut meaning)?;
        check_meaning(&meaning)?;
    }
    match std::str::from_utf8(raw) {
        Ok(text) if text == canonical => Ok(Cow::Borrowed(text)),
        _ => Ok(Cow::Owned(canonical)),
    }
}

/// Writes one segment in its canonical spelling to `canonical`, and its decoded bytes to `meaning`.
fn spell(segment: &[u8], canonical: &mut String, meaning: &mut Vec<u8>) -> Result<(), PathFault> {
    let mut rest = segment;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let (value, after) = split_escape(tail).ok_or(PathFault::MalformedEscape)?;
            rest = after;
            check_escaped(value)?;
            if is_plain(value) && !is_list_separator(value) {
                canonical.push(char::from(value));
            } else {
                push_escape(canonical, value);
            }
            meaning.push(value);
            continue;
        }
        check_raw(byte)?;
        if is_plain(byte) {
            canonical.push(char::from(byte));
        } else {
            push_escape(canonical, byte);
        }
        meaning.push(byte);
    }
    Ok(())
}

fn check_escaped(value: u8) -> Result<(), PathFault> {
    match value {
        b'/' | b'\\' => Err(PathFault::EncodedSeparator),
        b';' => Err(PathFault::PathParameter),
        _ if value.is_ascii_control() => Err(PathFault::ControlCharacter),
        _ => Ok(()),
    }
}

fn check_raw(byte: u8) -> Result<(), PathFault> {
    match byte {
        b'#' => Err(PathFault::Fragment),
        b';' => Err(PathFault::PathParameter),
        b'\\' => Err(PathFault::Backslash),
        b'|' | b'[' | b']' | b'^' => Ok(()),
        _ if is_plain(byte) => Ok(()),
        _ if byte.is_ascii_control() => Err(PathFault::ControlCharacter),
        _ if !byte.is_ascii() => Err(PathFault::NonAscii),
        _ => Err(PathFault::ForbiddenCharacter),
    }
}

/// Judges a decoded segment: what an upstream sees after it has decoded once.
fn check_meaning(meaning: &[u8]) -> Result<(), PathFault> {
    let text = std::str::from_utf8(meaning).map_err(|_| PathFault::InvalidUtf8)?;
    if text.chars().all(is_dot_or_space) {
        return Err(PathFault::DotSegment);
    }
    if text.chars().any(char::is_control) {
        return Err(PathFault::ControlCharacter);
    }
    if text.chars().any(is_separator_lookalike) {
        return Err(PathFault::EncodedSeparator);
    }
    let mut after_percent = text.split('%').skip(1);
    if after_percent.any(|rest| begins_escape(rest.as_bytes())) { Err(PathFault::DoubleEncoding) } else { Ok(()) }
}

/// Whether a `%` in front of this text would be an escape to a second decoder, IIS's `%u002f` included.
fn begins_escape(rest: &[u8]) -> bool {
    split_escape(rest).is_some()
        || matches!(rest, [b'u' | b'U', digits @ ..] if digits.len() >= 4 && digits.iter().take(4).all(u8::is_ascii_hexdigit))
}

/// Dots and spaces, their Unicode compatibility forms included: a segment of nothing else can mean `.` or `..`
/// after NFKC, or after Windows has trimmed it.
fn is_dot_or_space(c: char) -> bool {
    matches!(c, '.' | '\u{2024}'..='\u{2026}' | '\u{fe52}' | '\u{ff0e}') || c.is_whitespace()
}

/// Characters that NFKC or a Windows best-fit code page turns into `/` or `\`, alone or among others (`℅`).
fn is_separator_lookalike(c: char) -> bool {
    matches!(c, '\u{2044}' | '\u{2215}' | '\u{2216}' | '\u{29f8}' | '\u{fe68}' | '\u{ff0f}' | '\u{ff3c}')
        || matches!(c, '\u{2100}' | '\u{2101}' | '\u{2105}' | '\u{2106}')
}

/// Characters of a segment that stand for themselves: RFC 3986's `pchar` without `;`, which [`PathFault::PathParameter`] refuses.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b'='
                | b':'
                | b'@'
        )
}

const fn is_list_separator(byte: u8) -> bool {
    matches!(byte, b'+' | b',' | b'=')
}

/// Splits the two hex digits after a `%` from what follows them.
fn split_escape(after_percent: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], rest) = after_percent.split_first_chunk::<2>()?;
    Some((hex_value(high)? << 4 | hex_value(low)?, rest))
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn push_escape(text: &mut String, byte: u8) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    text.push('%');
    text.extend([byte >> 4, byte & 15].iter().filter_map(|&nibble| DIGITS.get(usize::from(nibble))));
}
