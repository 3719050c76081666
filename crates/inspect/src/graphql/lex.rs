use std::borrow::Cow;

use super::fault::{Fault, Rule};

/// The smallest pieces of a document (GraphQL October 2021 §2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// One of `! $ & ( ) : = @ [ ] { | }`.
    Mark(u8),
    /// `...`
    Spread,
    Name(&'a str),
    Int(&'a str),
    Float(&'a str),
    Text(Cow<'a, str>),
    End,
}

/// Reads tokens, and no more of them than allowed: what comes after the lexer costs time for each.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    left: usize,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str, most_tokens: usize) -> Self {
        Self { text, at: 0, left: most_tokens }
    }

    /// The next token, and the byte at which it begins.
    pub(super) fn next(&mut self) -> Result<(Token<'a>, u32), Fault> {
        self.skip_ignored();
        let start = u32::try_from(self.at).unwrap_or(u32::MAX);
        let Some(first) = self.peek() else { return Ok((Token::End, start)) };
        self.left = self.left.checked_sub(1).ok_or_else(|| Fault::new(Rule::Tokens, start))?;
        let token = match first {
            b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|' | b'}' => {
                self.at += 1;
                Token::Mark(first)
            }
            b'.' if self.rest().starts_with(b"...") => {
                self.at += 3;
                Token::Spread
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => Token::Name(self.name()),
            b'-' | b'0'..=b'9' => self.number().ok_or_else(|| Fault::new(Rule::Syntax, start))?,
            b'"' => Token::Text(self.string().ok_or_else(|| Fault::new(Rule::Syntax, start))?),
            _ => return Err(Fault::new(Rule::Syntax, start)),
        };
        Ok((token, start))
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn count(&mut self, is_one: impl Fn(u8) -> bool) -> usize {
        let count = self.rest().iter().take_while(|byte| is_one(**byte)).count();
        self.at += count;
        count
    }

    /// White space, commas and comments. A byte order mark is none of them here: parsers differ in where they take one.
    fn skip_ignored(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b',' => self.at += 1,
                b'#' => drop(self.count(|byte| byte != b'\n' && byte != b'\r')),
                _ => return,
            }
        }
    }

    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn name(&mut self) -> &'a str {
        let start = self.at;
        self.count(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
        self.since(start)
    }

    fn number(&mut self) -> Option<Token<'a>> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.count(|byte| byte.is_ascii_digit()) == 0 {
            return None;
        }
        let mut is_float = false;
        if self.take(b'.') {
            is_float = true;
            (self.count(|byte| byte.is_ascii_digit()) > 0).then_some(())?;
        }
        if self.take(b'e') || self.take(b'E') {
            is_float = true;
            let _ = self.take(b'+') || self.take(b'-');
            (self.count(|byte| byte.is_ascii_digit()) > 0).then_some(())?;
        }
        // §2.9.1: `01`, `1x` and `1.` are no numbers, nor a number and something else.
        if self.peek().is_some_and(|byte| byte == b'.' || byte == b'_' || byte.is_ascii_alphanumeric()) {
            return None;
        }
        let text = self.since(start);
        Some(if is_float { Token::Float(text) } else { Token::Int(text) })
    }

    fn string(&mut self) -> Option<Cow<'a, str>> {
        if self.rest().starts_with(b"\"\"\"") {
            return self.block();
        }
        self.at += 1;
        let mut read = Cow::Borrowed("");
        loop {
            let start = self.at;
            self.count(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x08 | 0x0a..=0x1f));
            let piece = self.since(start);
            if read.is_empty() {
                read = Cow::Borrowed(piece);
            } else {
                read.to_mut().push_str(piece);
            }
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(read);
                }
                b'\\' => {
                    self.at += 1;
                    let character = self.escape()?;
                    read.to_mut().push(character);
                }
                _ => return None,
            }
        }
    }

    /// A block string. What is decided on a text does not depend on its indentation, which stays in it.
    fn block(&mut self) -> Option<Cow<'a, str>> {
        self.at += 3;
        let start = self.at;
        let mut is_escaped = false;
        loop {
            self.count(|byte| byte != b'"' && byte != b'\\');
            let rest = self.rest();
            if rest.starts_with(b"\\\"\"\"") {
                is_escaped = true;
                self.at += 4;
            } else if rest.starts_with(b"\"\"\"") {
                let text = self.since(start);
                self.at += 3;
                let read = if is_escaped { text.replace("\\\"\"\"", "\"\"\"").into() } else { Cow::Borrowed(text) };
                return Some(read);
            } else {
                self.peek()?;
                self.at += 1;
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let byte = self.peek()?;
        self.at += 1;
        Some(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' if self.take(b'{') => {
                let start = self.at;
                self.count(|byte| byte.is_ascii_hexdigit());
                let digits = self.since(start);
                self.take(b'}').then_some(())?;
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            b'u' => match self.unit()? {
                high @ 0xd800..0xdc00 => {
                    (self.take(b'\\') && self.take(b'u')).then_some(())?;
                    let low @ 0xdc00..0xe000 = self.unit()? else { return None };
                    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))?
                }
                unit => char::from_u32(unit)?,
            },
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.at += 4;
        is_hex.then(|| u32::from_str_radix(digits, 16).ok())?
    }
}
