use std::fmt::Display;
use std::io::Write;
use std::net::IpAddr;

use crate::mask::mask;

const MICROS: u32 = 1_000_000;

/// Writes one JSON object, field by field, into a buffer. The encoder's only way to the log: text from outside can go
/// through [`Json::outside`] alone, which masks it.
pub(crate) struct Json<'buffer> {
    out: &'buffer mut Vec<u8>,
    /// A comma is due before the next field or element.
    separate: bool,
}

impl<'buffer> Json<'buffer> {
    pub(crate) fn object(out: &'buffer mut Vec<u8>, fields: impl FnOnce(&mut Self)) {
        let mut json = Self { out, separate: false };
        json.braces(b'{', fields, b'}');
    }

    pub(crate) fn nested(&mut self, key: &'static str, fields: impl FnOnce(&mut Self)) {
        self.key(key);
        self.braces(b'{', fields, b'}');
    }

    pub(crate) fn list<T>(
        &mut self,
        key: &'static str,
        items: impl IntoIterator<Item = T>,
        mut element: impl FnMut(&mut Self, T),
    ) {
        self.key(key);
        self.braces(
            b'[',
            |json| {
                for item in items {
                    json.comma();
                    element(json, item);
                    json.separate = true;
                }
            },
            b']',
        );
    }

    /// An object as an element of a list.
    pub(crate) fn element(&mut self, fields: impl FnOnce(&mut Self)) {
        self.braces(b'{', fields, b'}');
    }

    /// A word of our own, which needs no escape.
    pub(crate) fn word(&mut self, key: &'static str, word: &'static str) {
        self.key(key);
        self.plain(word);
    }

    /// What prints as digits, letters and punctuation only.
    pub(crate) fn printed(&mut self, key: &'static str, value: impl Display) {
        self.key(key);
        // Writing to a `Vec` cannot fail.
        let _ = write!(self.out, "\"{value}\"");
    }

    pub(crate) fn number(&mut self, key: &'static str, value: impl Into<u64>) {
        self.key(key);
        digits(value.into(), self.out);
    }

    /// A piece of the record as it stands, with its own commas and braces: one copy where keys one by one would take ten.
    /// Whoever begins with a piece writes the whole of its object so.
    pub(crate) fn piece(&mut self, text: &'static str) {
        self.out.extend_from_slice(text.as_bytes());
        self.separate = true;
    }

    /// A number after a piece that ends in its key.
    pub(crate) fn number_value(&mut self, value: u64) {
        digits(value, self.out);
    }

    /// A word of our own after a piece that ends in its key.
    pub(crate) fn word_value(&mut self, word: &'static str) {
        self.plain(word);
    }

    /// Text of ours after a piece that ends in its key; see [`Json::own`].
    pub(crate) fn own_value(&mut self, text: &str) {
        self.out.push(b'"');
        escape(text, self.out);
        self.out.push(b'"');
    }

    /// An address after a piece that ends in its key.
    pub(crate) fn address_value(&mut self, address: IpAddr) {
        let IpAddr::V4(address) = address else {
            // Writing to a `Vec` cannot fail.
            let _ = write!(self.out, "\"{address}\"");
            return;
        };
        let mut separator = b'"';
        for octet in address.octets() {
            self.out.push(separator);
            digits(octet.into(), self.out);
            separator = b'.';
        }
        self.out.push(b'"');
    }

    /// Fields that are the same in every record, written as they stand.
    pub(crate) fn constant(&mut self, fields: &'static str) {
        self.comma();
        self.out.extend_from_slice(fields.as_bytes());
        self.separate = true;
    }

    pub(crate) fn address(&mut self, key: &'static str, address: IpAddr) {
        self.key(key);
        self.address_value(address);
    }

    /// A second's text with its microseconds.
    pub(crate) fn timestamp(&mut self, key: &'static str, second: &str, micros: u32) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(second.as_bytes());
        self.out.push(b'.');
        // A leading one keeps the zeros that microseconds begin with.
        let micros = u64::from(micros % MICROS) + u64::from(MICROS);
        self.out.extend_from_slice(itoa::Buffer::new().format(micros).as_bytes().get(1..).unwrap_or_default());
        self.out.extend_from_slice(b"Z\"");
    }

    /// Text of ours that needs no mask: an id, a name of the configuration, a digest whose digits may look like a card
    /// number by chance.
    pub(crate) fn own(&mut self, key: &'static str, text: &str) {
        self.key(key);
        self.own_value(text);
    }

    /// Text from outside: masked and escaped.
    pub(crate) fn outside(&mut self, key: &'static str, text: &str) {
        self.key(key);
        self.outside_element(text);
    }

    /// Text from outside as an element of a list.
    pub(crate) fn outside_element(&mut self, text: &str) {
        self.out.push(b'"');
        escape(&mask(text), self.out);
        self.out.push(b'"');
        self.separate = true;
    }

    /// A word of our own as an element of a list.
    pub(crate) fn word_element(&mut self, word: &'static str) {
        self.plain(word);
    }

    fn plain(&mut self, word: &'static str) {
        self.out.push(b'"');
        self.out.extend_from_slice(word.as_bytes());
        self.out.push(b'"');
    }

    fn key(&mut self, key: &'static str) {
        self.comma();
        self.plain(key);
        self.out.push(b':');
        self.separate = true;
    }

    fn comma(&mut self) {
        if self.separate {
            self.out.push(b',');
        }
    }

    fn braces(&mut self, open: u8, inner: impl FnOnce(&mut Self), close: u8) {
        self.out.push(open);
        self.separate = false;
        inner(self);
        self.out.push(close);
        self.separate = true;
    }
}

/// RFC 8259 §7, and beyond it every character that ends a line, hides text or turns its direction: a log must read the same
/// on a terminal as it is (CWE-117, CVE-2021-42574).
fn escape(text: &str, out: &mut Vec<u8>) {
    // Nearly all text is plain ASCII, which one pass over its bytes tells; without an early end it takes 16 at a time.
    if text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut kept = 0;
    for (at, character) in text.char_indices().filter(|(_, character)| needs_escape(*character)) {
        out.extend_from_slice(text.as_bytes().get(kept..at).unwrap_or_default());
        kept = at + character.len_utf8();
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.extend_from_slice(text.as_bytes().get(kept..).unwrap_or_default());
}

#[expect(
    clippy::needless_bitwise_bool,
    clippy::manual_range_contains,
    reason = "without branches the pass takes 16 bytes at a time"
)]
fn is_plain(byte: u8) -> bool {
    (byte >= b' ') & (byte <= b'~') & (byte != b'"') & (byte != b'\\')
}

fn needs_escape(character: char) -> bool {
    match character {
        '"'
        | '\\'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

/// The decimal digits of a number. `core::fmt` takes several times as long, and a record has two dozen numbers.
fn digits(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str) -> String {
        let mut out = Vec::new();
        Json::object(&mut out, |json| json.outside("text", text));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_that_a_terminal_or_a_line_reader_obeys_reaches_the_log() {
        let line = encoded("a\r\n{\"forged\":1}\x1b[2J\u{2028}\u{202e}\u{200b}\u{85}\u{e0041}z");
        assert_eq!(line, r#"{"text":"a\u000d\u000a{\"forged\":1}\u001b[2J\u2028\u202e\u200b\u0085\udb40\udc41z"}"#);
    }

    proptest! {
        #[test]
        fn microseconds_keep_their_leading_zeros(micros in 0_u32..MICROS) {
            let mut out = Vec::new();
            Json::object(&mut out, |json| json.timestamp("at", "12:00:00", micros));
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!(r#"{{"at":"12:00:00.{micros:06}Z"}}"#));
        }

        #[test]
        fn every_text_is_one_line_that_parses_back(text in "(\\PC|[\\x00-\\x1f\"\\\\\u{2028}\u{202e}]){0,40}") {
            let line = encoded(&text);
            prop_assert!(!line.chars().any(char::is_control));
            let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(parsed["text"].as_str().unwrap(), &*mask(&text));
        }
    }
}
