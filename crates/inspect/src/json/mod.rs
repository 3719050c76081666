//! JSON, read strictly: what two parsers could read in two ways is refused before anything is decided on it.
//!
//! The tree keeps where every value stands in the text. So a fault can name its line, and an answer from which a member has to be
//! taken out keeps every other byte as it was.

mod number;
mod read;
#[cfg(test)]
mod tests;
mod without;

use std::fmt::{self, Write as _};

pub use number::Number;
pub(crate) use read::read_document;
pub use read::{JsonFault, JsonFaultKind, Limits, read};
pub use without::without;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Json {
    /// The first byte of it.
    pub start: u32,
    /// The first byte after it.
    pub end: u32,
    /// What it is.
    pub content: Content,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Content {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string, its escapes read.
    Text(Box<str>),
    /// An array.
    Array(Box<[Json]>),
    /// An object. Its names are distinct, in the order of the text.
    Object(Box<[Member]>),
}

/// A member of an object.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its name, escapes read.
    pub name: Box<str>,
    /// Where the name begins.
    pub start: u32,
    /// Its value.
    pub value: Json,
}

impl Json {
    /// A value that stands in no text.
    pub const fn of(content: Content) -> Self {
        Self { start: 0, end: 0, content }
    }

    /// A string that stands in no text.
    pub fn text(text: &str) -> Self {
        Self::of(Content::Text(text.into()))
    }

    /// The member of that name, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|member| &*member.name == name).map(|member| &member.value)
    }

    /// The members of an object; of anything else, none.
    pub fn members(&self) -> &[Member] {
        match &self.content {
            Content::Object(members) => members,
            _ => &[],
        }
    }

    /// The elements of an array; of anything else, none.
    pub fn elements(&self) -> &[Self] {
        match &self.content {
            Content::Array(elements) => elements,
            _ => &[],
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a number.
    pub const fn as_number(&self) -> Option<Number> {
        match &self.content {
            Content::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The value of a number that is a count.
    pub fn as_count(&self) -> Option<u64> {
        self.as_number().and_then(Number::as_count)
    }

    /// `true` or `false`.
    pub const fn as_bool(&self) -> Option<bool> {
        match self.content {
            Content::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// Whether it is an object.
    pub const fn is_object(&self) -> bool {
        matches!(self.content, Content::Object(_))
    }

    /// The value at a JSON Pointer (`RFC 6901`), escapes of `~` read.
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |value, token| {
            let token = token.replace("~1", "/").replace("~0", "~");
            match &value.content {
                Content::Array(elements) if is_index(&token) => elements.get(token.parse::<usize>().ok()?),
                _ => value.get(&token),
            }
        })
    }
}

/// `RFC 6901 §4`: no sign, no leading zero.
fn is_index(token: &str) -> bool {
    token == "0" || (!token.starts_with('0') && !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Equality as JSON Schema has it (`§4.2.2`): numbers by their value, objects whatever their order.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        match (&self.content, &other.content) {
            (Content::Null, Content::Null) => true,
            (Content::Bool(one), Content::Bool(other)) => one == other,
            (Content::Number(one), Content::Number(other)) => one == other,
            (Content::Text(one), Content::Text(other)) => one == other,
            (Content::Array(one), Content::Array(other)) => one == other,
            (Content::Object(one), Content::Object(others)) => {
                one.len() == others.len()
                    && one.iter().all(|member| other.get(&member.name).is_some_and(|value| *value == member.value))
            }
            _ => false,
        }
    }
}

/// As JSON, without white space.
impl fmt::Display for Json {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Null => out.write_str("null"),
            Content::Bool(truth) => write!(out, "{truth}"),
            Content::Number(number) => write!(out, "{number}"),
            Content::Text(text) => write_text(out, text),
            Content::Array(elements) => {
                out.write_str("[")?;
                for (at, element) in elements.iter().enumerate() {
                    write!(out, "{}{element}", if at > 0 { "," } else { "" })?;
                }
                out.write_str("]")
            }
            Content::Object(members) => {
                out.write_str("{")?;
                for (at, member) in members.iter().enumerate() {
                    out.write_str(if at > 0 { "," } else { "" })?;
                    write_text(out, &member.name)?;
                    write!(out, ":{}", member.value)?;
                }
                out.write_str("}")
            }
        }
    }
}

fn write_text(out: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    out.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            it if it < ' ' => write!(out, "\\u{:04x}", u32::from(it))?,
            it => out.write_char(it)?,
        }
    }
    out.write_str("\"")
}

/// Appends a name to a JSON Pointer.
pub(crate) fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for character in token.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}
