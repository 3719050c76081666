//! Formats, asserted. Those of JSON Schema Validation §7.3 and of the OpenAPI Format Registry that say what a value looks like;
//! others (`password`, `binary`) say what it is for, and hold for anything.

mod internet;
#[cfg(test)]
mod tests;
mod time;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::json::{Content, Json, Number};

macro_rules! formats {
    ($($name:ident: $text:literal,)*) => {
        /// A format that is known here.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the registries' own names")]
        pub enum Format { $($name),* }

        impl Format {
            /// The format of that name.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)* _ => None }
            }

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

formats! {
    DateTime: "date-time",
    Date: "date",
    Time: "time",
    Duration: "duration",
    Email: "email",
    IdnEmail: "idn-email",
    Hostname: "hostname",
    IdnHostname: "idn-hostname",
    Ipv4: "ipv4",
    Ipv6: "ipv6",
    Uri: "uri",
    UriReference: "uri-reference",
    Iri: "iri",
    IriReference: "iri-reference",
    UriTemplate: "uri-template",
    Uuid: "uuid",
    JsonPointer: "json-pointer",
    RelativeJsonPointer: "relative-json-pointer",
    Regex: "regex",
    Byte: "byte",
    Base64Url: "base64url",
    Int8: "int8",
    Int16: "int16",
    Int32: "int32",
    Int64: "int64",
    Uint8: "uint8",
    Uint16: "uint16",
    Uint32: "uint32",
    Uint64: "uint64",
    Float: "float",
}

impl Format {
    /// Whether a value has it. A format says nothing of values of another type than its own.
    pub fn holds(self, value: &Json) -> bool {
        match &value.content {
            Content::Text(text) => self.holds_for_text(text),
            Content::Number(number) => self.holds_for_number(*number),
            _ => true,
        }
    }

    fn holds_for_text(self, text: &str) -> bool {
        match self {
            Self::DateTime => time::is_date_time(text),
            Self::Date => time::is_date(text),
            Self::Time => time::is_time(text),
            Self::Duration => time::is_duration(text),
            Self::Email => internet::is_email(text, false),
            Self::IdnEmail => internet::is_email(text, true),
            Self::Hostname => internet::is_hostname(text),
            Self::IdnHostname => internet::is_idn_hostname(text),
            Self::Ipv4 => text.parse::<std::net::Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<std::net::Ipv6Addr>().is_ok(),
            Self::Uri => internet::is_uri(text, false),
            Self::UriReference => internet::is_uri_reference(text, false),
            Self::Iri => internet::is_uri(text, true),
            Self::IriReference => internet::is_uri_reference(text, true),
            Self::UriTemplate => internet::is_uri_template(text),
            Self::Uuid => is_uuid(text),
            Self::JsonPointer => is_json_pointer(text),
            Self::RelativeJsonPointer => is_relative_json_pointer(text),
            Self::Regex => super::pattern::Pattern::new(text).is_ok(),
            Self::Byte => STANDARD.decode(text).is_ok(),
            Self::Base64Url => URL_SAFE_NO_PAD.decode(text).is_ok() || URL_SAFE.decode(text).is_ok(),
            // Of numbers: a number as a string is the string's own affair.
            _ => true,
        }
    }

    fn holds_for_number(self, number: Number) -> bool {
        let within = |least: i128, most: i128| number.as_whole().is_some_and(|it| (least..=most).contains(&it));
        match self {
            Self::Int8 => within(i8::MIN.into(), i8::MAX.into()),
            Self::Int16 => within(i16::MIN.into(), i16::MAX.into()),
            Self::Int32 => within(i32::MIN.into(), i32::MAX.into()),
            Self::Int64 => within(i64::MIN.into(), i64::MAX.into()),
            Self::Uint8 => within(0, u8::MAX.into()),
            Self::Uint16 => within(0, u16::MAX.into()),
            Self::Uint32 => within(0, u32::MAX.into()),
            Self::Uint64 => within(0, u64::MAX.into()),
            Self::Float => number.as_f64().abs() <= f64::from(f32::MAX),
            _ => true,
        }
    }

    /// Whether it bounds a whole number.
    pub(crate) const fn bounds_integers(self) -> bool {
        matches!(
            self,
            Self::Int8
                | Self::Int16
                | Self::Int32
                | Self::Int64
                | Self::Uint8
                | Self::Uint16
                | Self::Uint32
                | Self::Uint64
        )
    }

    /// Whether it bounds the length of a string.
    pub(crate) const fn bounds_length(self) -> bool {
        matches!(
            self,
            Self::DateTime
                | Self::Date
                | Self::Time
                | Self::Hostname
                | Self::Ipv4
                | Self::Ipv6
                | Self::Uuid
                | Self::Email
        )
    }
}

/// `RFC 9562 §4`
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `RFC 6901 §3`
fn is_json_pointer(text: &str) -> bool {
    let escapes = text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escapes
}

fn is_relative_json_pointer(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    digits > 0 && (number == "0" || !number.starts_with('0')) && (rest == "#" || is_json_pointer(rest))
}
