use std::fmt::Display;
use std::io::Write;
use std::net::IpAddr;

use crate::mask::mask;

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
        digits(value.into(), 1, self.out);
    }

    /// Fields that are the same in every record, written as they stand.
    pub(crate) fn constant(&mut self, fields: &'static str) {
        self.comma();
        self.out.extend_from_slice(fields.as_bytes());
        self.separate = true;
    }

    pub(crate) fn address(&mut self, key: &'static str, address: IpAddr) {
        let IpAddr::V4(address) = address else { return self.printed(key, address) };
        self.key(key);
        let mut separator = b'"';
        for octet in address.octets() {
            self.out.push(separator);
            digits(octet.into(), 1, self.out);
            separator = b'.';
        }
        self.out.push(b'"');
    }

    /// A second's text with its microseconds.
    pub(crate) fn timestamp(&mut self, key: &'static str, second: &str, micros: u32) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(second.as_bytes());
        self.out.push(b'.');
        digits(micros.into(), 6, self.out);
        self.out.extend_from_slice(b"Z\"");
    }

    /// Text of ours that needs no mask: an id, a name of the configuration, a digest whose digits may look like a card
    /// number by chance.
    pub(crate) fn own(&mut self, key: &'static str, text: &str) {
        self.key(key);
        self.out.push(b'"');
        escape(text, self.out);
        self.out.push(b'"');
    }

    pub(crate) fn truth(&mut self, key: &'static str, value: bool) {
        self.key(key);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
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
    // Nearly all text is plain ASCII, which one pass over its bytes tells.
    if text.bytes().all(is_plain) {
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

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~')
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

/// The decimal digits of a number, padded with zeros to `width`. `core::fmt` takes several times as long, and a record has
/// a dozen numbers.
fn digits(mut number: u64, width: usize, out: &mut Vec<u8>) {
    let mut buffer = [b'0'; 20];
    let mut used = 0;
    for place in buffer.iter_mut().rev() {
        if number == 0 && used >= width {
            break;
        }
        *place = b'0' + u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        used += 1;
    }
    out.extend_from_slice(buffer.get(buffer.len() - used..).unwrap_or_default());
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
        fn numbers_are_printed_as_the_standard_library_does(number: u64, micros in 0_u64..1_000_000) {
            let mut out = Vec::new();
            digits(number, 1, &mut out);
            digits(micros, 6, &mut out);
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("{number}{micros:06}"));
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
