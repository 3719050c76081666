//! Styles of parameters (OpenAPI 3.1 §4.8.12.3): how lists and objects are written as text.

use std::borrow::Cow;

use super::parameter::{In, Parameter};
use super::shape::Shape;
use crate::json::{Content, Json, Member};

/// How a parameter is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Simple,
    Label,
    Matrix,
    Form,
    SpaceDelimited,
    PipeDelimited,
    DeepObject,
}

/// Names and values of one place of a request, decoded.
pub(super) struct Pairs<'a>(pub(super) Vec<Pair<'a>>);

/// A name and its value, decoded.
pub(super) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Elements of one list, and members of one object: a bound on what a query can ask for.
const MOST_PIECES: usize = 1_000;

impl Pairs<'_> {
    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// The one value of that name. Of two, gate and upstream could each believe another (parameter pollution).
    pub(super) fn sole(&self, name: &str) -> Result<Option<&str>, &'static str> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() { Err("repeated") } else { Ok(first) }
    }

    /// `key` of `name[key]`
    pub(super) fn deep_key<'k>(name: &str, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']').filter(|key| !key.contains(['[', ']']))
    }
}

impl Style {
    pub(super) fn read(style: Option<&str>, place: In) -> Result<Self, String> {
        let style = match (style, place) {
            (None, In::Path | In::Header) | (Some("simple"), _) => Self::Simple,
            (None, In::Query | In::Cookie) | (Some("form" | "cookie"), _) => Self::Form,
            (Some("label"), _) => Self::Label,
            (Some("matrix"), _) => Self::Matrix,
            (Some("spaceDelimited"), _) => Self::SpaceDelimited,
            (Some("pipeDelimited"), _) => Self::PipeDelimited,
            (Some("deepObject"), _) => Self::DeepObject,
            (Some(other), _) => return Err(format!("there is no style `{other}`")),
        };
        let fits = match style {
            Self::Simple => matches!(place, In::Path | In::Header),
            Self::Label | Self::Matrix => place == In::Path,
            Self::Form => matches!(place, In::Query | In::Cookie),
            Self::SpaceDelimited | Self::PipeDelimited | Self::DeepObject => place == In::Query,
        };
        if fits { Ok(style) } else { Err("the style does not fit where the parameter stands".to_owned()) }
    }

    /// The text without what the style puts before it.
    pub(super) fn bare<'t>(self, name: &str, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Label => text.strip_prefix('.'),
            // RFC 6570 §3.2.7: an empty value has no `=`.
            Self::Matrix => text
                .strip_prefix(';')?
                .strip_prefix(name)?
                .strip_prefix('=')
                .or_else(|| text.strip_suffix(name).and(Some(""))),
            _ => Some(text),
        }
    }

    /// A list.
    pub(super) fn list(self, parameter: &Parameter, pairs: &Pairs<'_>) -> Result<Option<Json>, &'static str> {
        let element = parameter.shape.element();
        let elements: Vec<Json> = if self == Self::Form && parameter.explode {
            pairs.all(&parameter.name).take(MOST_PIECES + 1).map(|text| element.value(text)).collect()
        } else {
            let Some(text) = pairs.sole(&parameter.name)? else { return Ok(None) };
            self.pieces(parameter, text)?.into_iter().map(|text| element.value(text)).collect()
        };
        if elements.len() > MOST_PIECES {
            return Err("too-many");
        }
        let is_there = !elements.is_empty() || pairs.all(&parameter.name).next().is_some();
        Ok(is_there.then(|| Json::of(Content::Array(elements.into()))))
    }

    fn pieces<'t>(self, parameter: &Parameter, text: &'t str) -> Result<Vec<&'t str>, &'static str> {
        let name = &parameter.name;
        let pieces: Vec<&str> = match self {
            Self::Matrix if parameter.explode => {
                let rest = text.strip_prefix(';').ok_or("style")?;
                let piece = |it: &'t str| it.strip_prefix(name.as_str())?.strip_prefix('=');
                return rest.split(';').map(piece).collect::<Option<_>>().ok_or("style");
            }
            Self::Label => {
                text.strip_prefix('.').ok_or("style")?.split(if parameter.explode { '.' } else { ',' }).collect()
            }
            Self::Matrix => self.bare(name, text).ok_or("style")?.split(',').collect(),
            Self::SpaceDelimited => text.split(' ').collect(),
            Self::PipeDelimited => text.split('|').collect(),
            Self::Simple => text.split(',').map(str::trim).collect(),
            _ => text.split(',').collect(),
        };
        Ok(if pieces == [""] { Vec::new() } else { pieces })
    }

    /// An object.
    pub(super) fn object(self, parameter: &Parameter, pairs: &Pairs<'_>) -> Result<Option<Json>, &'static str> {
        let name = &parameter.name;
        let named: Vec<(&str, &str)> = match (self, parameter.explode) {
            (Self::DeepObject, _) => {
                let of = pairs.0.iter().filter_map(|(key, value)| Some((Pairs::deep_key(name, key)?, &**value)));
                of.collect()
            }
            (Self::Form, true) => {
                let of = pairs.0.iter().filter(|(key, _)| parameter.owns(key));
                of.map(|(key, value)| (&**key, &**value)).collect()
            }
            (_, is_exploded) => {
                let Some(text) = pairs.sole(name)? else { return Ok(None) };
                self.members(parameter, text, is_exploded)?
            }
        };
        if named.is_empty() {
            return Ok(None);
        }
        object(&named, &parameter.shape).map(Some)
    }

    fn members<'t>(
        self,
        parameter: &Parameter,
        text: &'t str,
        is_exploded: bool,
    ) -> Result<Vec<(&'t str, &'t str)>, &'static str> {
        let text = match self {
            Self::Label => text.strip_prefix('.').ok_or("style")?,
            Self::Matrix if is_exploded => text.strip_prefix(';').ok_or("style")?,
            Self::Matrix => self.bare(&parameter.name, text).ok_or("style")?,
            _ => text,
        };
        let separator = match self {
            Self::Label if is_exploded => '.',
            Self::Matrix if is_exploded => ';',
            Self::SpaceDelimited => ' ',
            Self::PipeDelimited => '|',
            _ => ',',
        };
        if is_exploded {
            return text.split(separator).map(|piece| piece.split_once('=')).collect::<Option<_>>().ok_or("style");
        }
        let pieces: Vec<&str> = text.split(separator).collect();
        let pair = |pair: &[&'t str]| match *pair {
            [name, value] => Some((name, value)),
            _ => None,
        };
        pieces.chunks(2).map(pair).collect::<Option<_>>().ok_or("style")
    }
}

/// An object of named texts. A name that stands twice is a list where its shape is one, and a fault otherwise.
pub(super) fn object(named: &[(&str, &str)], shape: &Shape) -> Result<Json, &'static str> {
    if named.len() > MOST_PIECES {
        return Err("too-many");
    }
    let mut members: Vec<Member> = Vec::new();
    for (at, (name, _)) in named.iter().enumerate() {
        let is_first = !named.iter().take(at).any(|(earlier, _)| earlier == name);
        if !is_first {
            continue;
        }
        let texts: Vec<&str> = named.iter().filter(|(other, _)| other == name).map(|(_, text)| *text).collect();
        let value = match (shape.member(name), texts.as_slice()) {
            (list @ Shape::List(_), texts) => {
                Json::of(Content::Array(texts.iter().map(|text| list.element().value(text)).collect()))
            }
            (single, [text]) => single.value(text),
            _ => return Err("repeated"),
        };
        members.push(Member { name: (*name).into(), start: 0, value });
    }
    Ok(Json::of(Content::Object(members.into())))
}
