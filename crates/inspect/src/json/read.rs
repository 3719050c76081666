use std::borrow::Cow;

use super::{Content, Json, Member, Number};

/// What a text may have, so that reading it costs what was foreseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text.
    pub bytes: usize,
    /// Arrays and objects within each other.
    pub depth: usize,
    /// Values, and members of objects: each takes up to 60 bytes of memory, whatever it takes of text.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 20, depth: 64, values: 200_000 }
    }
}

/// Why a text was not read, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {at}")]
pub struct JsonFault {
    /// What is wrong.
    pub kind: JsonFaultKind,
    /// At which byte.
    pub at: usize,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonFaultKind {
    /// Not of the form of `RFC 8259`.
    #[error("the text is not JSON")]
    Syntax,
    /// Ends before the value does.
    #[error("the text ends too early")]
    Incomplete,
    /// Something follows the value: of two messages in one text, gate and upstream could each take another.
    #[error("something follows the value")]
    TrailingData,
    /// A byte order mark, which `RFC 8259 §8.1` forbids and some parsers skip.
    #[error("the text begins with a byte order mark")]
    ByteOrderMark,
    /// Not UTF-8.
    #[error("the text is not UTF-8")]
    Encoding,
    /// Half of a surrogate pair: no character, and every parser replaces it in its own way.
    #[error("an escape names half a character")]
    LoneSurrogate,
    /// A name that the object has already. Parsers differ in which of the two they take (`RFC 8259 §4`).
    #[error("a name stands twice in one object")]
    DuplicateName,
    /// A number that 64 bits cannot hold.
    #[error("a number is out of range")]
    NumberRange,
    /// Nested deeper than allowed.
    #[error("the value is nested too deeply")]
    TooDeep,
    /// More values than allowed.
    #[error("the text holds too many values")]
    TooMany,
    /// Longer than allowed.
    #[error("the text is too long")]
    TooLong,
}

impl JsonFaultKind {
    /// The stable name for events and refusals.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "json-syntax",
            Self::Incomplete => "json-incomplete",
            Self::TrailingData => "json-trailing-data",
            Self::ByteOrderMark => "json-byte-order-mark",
            Self::Encoding => "json-encoding",
            Self::LoneSurrogate => "json-lone-surrogate",
            Self::DuplicateName => "json-duplicate-name",
            Self::NumberRange => "json-number-range",
            Self::TooDeep => "json-too-deep",
            Self::TooMany => "json-too-many-values",
            Self::TooLong => "json-too-long",
        }
    }
}

/// Reads one JSON value and nothing else.
///
/// # Errors
/// The first place where the text could be read in no way, or in two.
pub fn read(bytes: &[u8], limits: Limits) -> Result<Json, JsonFault> {
    read_with(bytes, limits, Number::parse)
}

/// Reads a document that an operator wrote: as strictly, but generators write bounds like 18446744073709552000, which is what
/// JavaScript makes of 2^64, and nobody else reads this text in another way.
pub(crate) fn read_document(bytes: &[u8], limits: Limits) -> Result<Json, JsonFault> {
    read_with(bytes, limits, Number::parse_nearest)
}

fn read_with(bytes: &[u8], limits: Limits, number: fn(&str) -> Option<Number>) -> Result<Json, JsonFault> {
    let fault = |kind, at| Err(JsonFault { kind, at });
    // Places are kept in 32 bits.
    if bytes.len() > limits.bytes.min(u32::MAX as usize) {
        return fault(JsonFaultKind::TooLong, limits.bytes);
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return fault(JsonFaultKind::Encoding, error.valid_up_to()),
    };
    if text.starts_with('\u{feff}') {
        return fault(JsonFaultKind::ByteOrderMark, 0);
    }
    let mut reader = Reader { text, at: 0, depth: limits.depth, values: limits.values, parse_number: number };
    reader.skip_white_space();
    let value = reader.value()?;
    reader.skip_white_space();
    if reader.at < text.len() {
        return fault(JsonFaultKind::TrailingData, reader.at);
    }
    Ok(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// How many levels deeper it may go.
    depth: usize,
    /// How many values may still come.
    values: usize,
    parse_number: fn(&str) -> Option<Number>,
}

impl<'a> Reader<'a> {
    fn fault(&self, kind: JsonFaultKind) -> JsonFault {
        let kind =
            if kind == JsonFaultKind::Syntax && self.at >= self.text.len() { JsonFaultKind::Incomplete } else { kind };
        JsonFault { kind, at: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn place(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX)
    }

    fn skip_white_space(&mut self) {
        self.at += self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonFault> {
        if self.take(byte) { Ok(()) } else { Err(self.fault(JsonFaultKind::Syntax)) }
    }

    fn value(&mut self) -> Result<Json, JsonFault> {
        self.values = self.values.checked_sub(1).ok_or_else(|| self.fault(JsonFaultKind::TooMany))?;
        let start = self.place();
        let content = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => Content::Text(self.string()?.into()),
            Some(b't') => self.word("true", Content::Bool(true))?,
            Some(b'f') => self.word("false", Content::Bool(false))?,
            Some(b'n') => self.word("null", Content::Null)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(self.fault(JsonFaultKind::Syntax)),
        };
        Ok(Json { start, end: self.place(), content })
    }

    fn word(&mut self, word: &str, content: Content) -> Result<Content, JsonFault> {
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(content);
        }
        Err(self.fault(JsonFaultKind::Syntax))
    }

    /// The stack is bounded: whoever sends `[[[[…` gets no further than this.
    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Content, JsonFault>) -> Result<Content, JsonFault> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| self.fault(JsonFaultKind::TooDeep))?;
        self.at += 1;
        self.skip_white_space();
        let content = read(self)?;
        self.depth += 1;
        Ok(content)
    }

    fn array(&mut self) -> Result<Content, JsonFault> {
        let mut elements = Vec::new();
        if self.take(b']') {
            return Ok(Content::Array(Box::default()));
        }
        loop {
            elements.push(self.value()?);
            self.skip_white_space();
            if self.take(b']') {
                return Ok(Content::Array(elements.into()));
            }
            self.expect(b',')?;
            self.skip_white_space();
        }
    }

    fn object(&mut self) -> Result<Content, JsonFault> {
        let mut members = Vec::new();
        if self.take(b'}') {
            return Ok(Content::Object(Box::default()));
        }
        loop {
            let start = self.place();
            if self.peek() != Some(b'"') {
                return Err(self.fault(JsonFaultKind::Syntax));
            }
            let name = self.string()?.into();
            self.skip_white_space();
            self.expect(b':')?;
            self.skip_white_space();
            members.push(Member { name, start, value: self.value()? });
            self.skip_white_space();
            if self.take(b'}') {
                break;
            }
            self.expect(b',')?;
            self.skip_white_space();
        }
        match duplicate(&members) {
            Some(twice) => Err(JsonFault { kind: JsonFaultKind::DuplicateName, at: twice.start as usize }),
            None => Ok(Content::Object(members.into())),
        }
    }

    fn number(&mut self) -> Result<Content, JsonFault> {
        let start = self.at;
        self.take(b'-');
        // No leading zero: some parsers would read octal.
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        let number = (self.parse_number)(text).ok_or(JsonFault { kind: JsonFaultKind::NumberRange, at: start })?;
        Ok(Content::Number(number))
    }

    fn digits(&mut self) -> Result<(), JsonFault> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.fault(JsonFaultKind::Syntax)) } else { Ok(()) }
    }

    /// A string, from its opening quote to its closing one.
    fn string(&mut self) -> Result<Cow<'a, str>, JsonFault> {
        self.at += 1;
        let mut read = Cow::Borrowed("");
        loop {
            let plain = self.rest().iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count();
            // Quotes, backslashes and controls are ASCII, so that the piece before one ends with a whole character.
            let piece = self.text.get(self.at..self.at + plain).unwrap_or_default();
            if read.is_empty() {
                read = Cow::Borrowed(piece);
            } else {
                read.to_mut().push_str(piece);
            }
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(read);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let character = self.escape()?;
                    read.to_mut().push(character);
                }
                _ => return Err(self.fault(JsonFaultKind::Syntax)),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonFault> {
        let plain = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.escaped_character();
            }
            _ => return Err(self.fault(JsonFaultKind::Syntax)),
        };
        self.at += 1;
        Ok(plain)
    }

    fn escaped_character(&mut self) -> Result<char, JsonFault> {
        let start = self.at;
        let unit = self.code_unit()?;
        let lone = JsonFault { kind: JsonFaultKind::LoneSurrogate, at: start };
        let code = match unit {
            0xd800..0xdc00 => {
                if !(self.take(b'\\') && self.take(b'u')) {
                    return Err(lone);
                }
                let low = self.code_unit()?;
                let (0xdc00..0xe000) = low else { return Err(lone) };
                0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
            }
            unit => unit,
        };
        char::from_u32(code).ok_or(lone)
    }

    fn code_unit(&mut self) -> Result<u32, JsonFault> {
        let digits = self.rest().get(..4).unwrap_or_default();
        let unit = digits.iter().try_fold(0, |unit, byte| Some(unit << 4 | char::from(*byte).to_digit(16)?));
        let unit = unit.filter(|_| digits.len() == 4).ok_or_else(|| self.fault(JsonFaultKind::Syntax))?;
        self.at += 4;
        Ok(unit)
    }
}

/// The later of two members of one name. Names are sorted and not hashed: nobody can choose names that collide.
fn duplicate(members: &[Member]) -> Option<&Member> {
    const FEW: usize = 8;
    if members.len() <= FEW {
        let earlier = |at: usize| members.iter().take(at);
        return members
            .iter()
            .enumerate()
            .find(|(at, it)| earlier(*at).any(|other| other.name == it.name))
            .map(|it| it.1);
    }
    let mut sorted: Vec<&Member> = members.iter().collect();
    sorted.sort_unstable_by(|one, other| one.name.cmp(&other.name).then(one.start.cmp(&other.start)));
    sorted.windows(2).find_map(|pair| match pair {
        [one, other] if one.name == other.name => Some(*other),
        _ => None,
    })
}
