use std::fmt;

use crate::mask::mask;

/// Text from outside, cut to `LIMIT` bytes. It is masked wherever it is shown; nothing but the encoder sees it whole.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text<const LIMIT: usize>(Box<str>);

/// A canonical request path, without its query.
pub type RequestPath = Text<1024>;
/// A `User-Agent` field.
pub type UserAgent = Text<256>;
/// Why something was decided, for the operator.
pub type Detail = Text<512>;
/// A name of something: an issuer, an upstream, a file.
pub type Name = Text<256>;

impl<const LIMIT: usize> Text<LIMIT> {
    /// Keeps the first `LIMIT` bytes of `text`, whole characters only.
    pub fn new(text: &str) -> Self {
        Self(text.get(..cut(text, LIMIT)).unwrap_or_default().into())
    }

    /// As [`Text::new`], for a header field that need not be UTF-8: what is not becomes U+FFFD.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        // Only what can be kept is decoded, so that a huge field costs no more than a short one.
        let kept = bytes.get(..LIMIT).unwrap_or(bytes);
        Self::new(&String::from_utf8_lossy(kept))
    }

    pub(crate) fn unmasked(&self) -> &str {
        &self.0
    }
}

fn cut(text: &str, limit: usize) -> usize {
    if text.len() <= limit { text.len() } else { text.floor_char_boundary(limit) }
}

impl<const LIMIT: usize> From<&str> for Text<LIMIT> {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl<const LIMIT: usize> From<String> for Text<LIMIT> {
    fn from(mut text: String) -> Self {
        text.truncate(cut(&text, LIMIT));
        Self(text.into_boxed_str())
    }
}

impl<const LIMIT: usize> fmt::Debug for Text<LIMIT> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*mask(&self.0), out)
    }
}

impl<const LIMIT: usize> fmt::Display for Text<LIMIT> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Escapes as a Rust literal does, so that no line break or terminal sequence of a client's reaches a log.
        write!(out, "{}", mask(&self.0).escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(Text::<5>::new("aaaaé").unmasked(), "aaaa");
        assert_eq!(Text::<5>::from("aaaaé".to_owned()).unmasked(), "aaaa");
        assert_eq!(Text::<6>::new("aaaaé").unmasked(), "aaaaé");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_still_bounded() {
        assert_eq!(Text::<64>::from_bytes(b"curl\xff\xfe/8").unmasked(), "curl\u{fffd}\u{fffd}/8");
        assert!(Text::<16>::from_bytes(&[0xff; 4096]).unmasked().len() <= 16);
    }

    #[test]
    fn a_secret_in_outside_text_is_not_shown_by_debug_or_display() {
        let text = Detail::new("key btz_live_0123456789abcdef0123456789\r\nnext");
        assert!(!format!("{text:?}{text}").contains("0123456789abcdef"));
        assert!(!format!("{text:?}{text}").contains('\n'));
    }
}
