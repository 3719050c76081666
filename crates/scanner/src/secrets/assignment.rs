//! `name = "value"` in the many spellings of languages and configuration files, parsed around a keyword in the name.

use std::ops::Range;

/// A name and the value it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
    pub(super) quotes: Quotes,
}

/// Whether the value stands in quotes: what does not may be code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    Quoted,
    Bare,
}

/// The longest name, and what may stand around the operator, in bytes.
const MAX_NAME: usize = 80;
const MAX_GAP: usize = 16;
const MAX_TYPE: usize = 32;
/// The longest value that is looked at, in bytes.
const MAX_VALUE: usize = 512;

/// The assignment to the name that has the keyword in it.
pub(super) fn assignment(bytes: &[u8], keyword: &Range<usize>) -> Option<Assignment> {
    let name = name(bytes, keyword)?;
    let mut cursor = Cursor { bytes, at: name.end };
    let quoted_name = cursor.eat_any(b"\"'`");
    // Inside a string of another language, the quotes are escaped.
    if cursor.eat(b"\\\"") || cursor.eat_any(b"]") {
        cursor.eat_any(b"\"'");
    }
    cursor.blanks();
    let operator = cursor.operator(quoted_name)?;
    cursor.blanks();
    if matches!(operator, Operator::Colon) {
        cursor.annotation();
    }
    let element = matches!(operator, Operator::Element);
    let (value, quotes) = if element { (cursor.until(b"<")?, Quotes::Quoted) } else { cursor.value()? };
    let is_parameter = name.start.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(|it| b"?&;".contains(it));
    let quotes = if is_parameter { Quotes::Quoted } else { quotes };
    // A call of a function says nothing of where its arguments go, unless they are literal.
    (quotes == Quotes::Quoted || !matches!(operator, Operator::Call | Operator::Comma)).then_some(Assignment {
        name,
        value,
        quotes,
    })
}

/// The identifier around the keyword.
fn name(bytes: &[u8], keyword: &Range<usize>) -> Option<Range<usize>> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let before = bytes.get(keyword.start.saturating_sub(MAX_NAME)..keyword.start)?;
    let start = keyword.start - before.iter().rev().take_while(|byte| is_name(byte)).count();
    let after = bytes.get(keyword.end..bytes.len().min(keyword.end + MAX_NAME))?;
    let end = keyword.end + after.iter().take_while(|byte| is_name(byte)).count();
    (end - start <= MAX_NAME).then_some(start..end)
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Equals,
    Colon,
    Comma,
    Call,
    Element,
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat_any(&mut self, any: &[u8]) -> bool {
        let eaten = self.peek().is_some_and(|byte| any.contains(&byte));
        self.at += usize::from(eaten);
        eaten
    }

    fn eat(&mut self, text: &[u8]) -> bool {
        let eaten = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(text));
        self.at += if eaten { text.len() } else { 0 };
        eaten
    }

    fn blanks(&mut self) {
        let end = self.at + MAX_GAP;
        while self.at < end && self.eat_any(b" \t") {}
    }

    fn operator(&mut self, quoted_name: bool) -> Option<Operator> {
        let operator = match (self.peek()?, quoted_name) {
            (b'=', _) => {
                self.at += 1;
                // A comparison gives no value to the name.
                if self.peek() == Some(b'=') {
                    return None;
                }
                self.eat_any(b">");
                return Some(Operator::Equals);
            }
            (b':', _) if self.eat(b":=") || self.eat(b"::") => return Some(Operator::Equals),
            (b':', _) => Operator::Colon,
            (b',', true) => Operator::Comma,
            (b'(', false) => Operator::Call,
            (b'>', false) => Operator::Element,
            _ => return None,
        };
        self.at += 1;
        Some(operator)
    }

    /// The type between the colon and the equals sign, as in `TOKEN: &str = "…"`.
    fn annotation(&mut self) {
        let rest = self.bytes.get(self.at..self.bytes.len().min(self.at + MAX_TYPE)).unwrap_or_default();
        let is_type = |byte: &u8| byte.is_ascii_alphanumeric() || b"_&'<>[] |?".contains(byte);
        let length = rest.iter().take_while(|byte| is_type(byte)).count();
        if length > 0 && rest.get(length) == Some(&b'=') && rest.first().is_some_and(|byte| !b"'".contains(byte)) {
            self.at += length + 1;
            self.blanks();
        }
    }

    fn value(&mut self) -> Option<(Range<usize>, Quotes)> {
        // The letters that make a literal raw, formatted or of bytes.
        let before = self.at;
        while self.at < before + 2 && self.eat_any(b"bBrRuUfF@$L") {}
        if !self.peek().is_some_and(|byte| b"\"'`\\".contains(&byte)) {
            self.at = before;
        }
        if self.eat(b"\\\"") {
            let value = self.until(b"\\\"\n")?;
            return Some((value, Quotes::Quoted));
        }
        let triple = self.eat(b"\"\"\"") || self.eat(b"'''");
        match self.peek()? {
            quote @ (b'"' | b'\'' | b'`') if !triple => {
                self.at += 1;
                Some((self.closed_by(quote)?, Quotes::Quoted))
            }
            _ => self.until(b" \t\r\n\"'`;,<>&)]}#|").map(|value| (value, Quotes::Bare)),
        }
    }

    fn closed_by(&mut self, quote: u8) -> Option<Range<usize>> {
        let value = self.until(&[quote, b'\n'])?;
        (self.bytes.get(value.end) == Some(&quote)).then_some(value)
    }

    /// Up to one of the bytes, or to the end of the file.
    fn until(&mut self, stops: &[u8]) -> Option<Range<usize>> {
        let rest = self.bytes.get(self.at..)?;
        let rest = rest.get(..MAX_VALUE).unwrap_or(rest);
        let length = rest.iter().position(|byte| stops.contains(byte)).unwrap_or(rest.len());
        (length > 0 && length < MAX_VALUE).then(|| self.at..self.at + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, String, Quotes)> {
        let at = text.find("token").unwrap_or(0);
        let found = assignment(text.as_bytes(), &(at..at + 5))?;
        let part = |range: Range<usize>| text.get(range).unwrap().to_owned();
        Some((part(found.name), part(found.value), found.quotes))
    }

    #[test]
    fn the_spellings_of_many_languages_are_read() {
        for (text, name) in [
            (r#"my_token = "v1""#, "my_token"),
            (r#""token": "v1""#, "token"),
            ("'token' => 'v1'", "token"),
            (r#"const token: &'static str = "v1";"#, "token"),
            ("let token: string = `v1`", "token"),
            (r#"token := "v1""#, "token"),
            (r#"setenv("token", "v1")"#, "token"),
            (r#"with_token("v1")"#, "with_token"),
            (r#"config["token"] = "v1""#, "token"),
            (r#"{\"token\":\"v1\"}"#, "token"),
            ("<token>v1</token>", "token"),
            ("https://h/?token=v1&x=2", "token"),
            (r#"token = b"v1""#, "token"),
            (r#"x.token=@"v1""#, "x.token"),
        ] {
            assert_eq!(read(text), Some((name.into(), "v1".into(), Quotes::Quoted)), "{text}");
        }
    }

    #[test]
    fn what_stands_without_quotes_is_told_apart() {
        assert_eq!(read("token: v1 # why"), Some(("token".into(), "v1".into(), Quotes::Bare)));
    }

    #[test]
    fn a_comparison_and_a_call_are_no_assignment() {
        for text in [r#"token == "v1""#, "token(v1)", "token", "token =", r#"token = "v1"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
