//! Requests, held against their operation: the head first, the body only if something in it is declared.

use std::borrow::Cow;
use std::collections::HashSet;

use super::form::{self, Pairing};
use super::media::{Media, MediaKind, choose, kind};
use super::multipart;
use super::operation::Operation;
use super::parameter::In;
use super::shape::Shape;
use super::style::{Pair, Pairs};
use crate::json::{Content, Json, Limits, read, without};
use crate::schema::{Closed, DeclaredText, Direction, Fault, MOST_FAULTS, Removal, Undeclared, UndeclaredKind};

/// What of a request's head is judged.
pub struct Head<'a> {
    /// Parameters of the path, decoded, in the order of the template: whoever routes may name them otherwise.
    pub path: &'a [(std::sync::Arc<str>, String)],
    /// The query as it came.
    pub query: &'a str,
    /// The value of a header field, its lines joined.
    pub field: &'a dyn Fn(&str) -> Option<String>,
    /// `Cookie`, its lines joined.
    pub cookies: &'a str,
}

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The path.
    Path,
    /// The query.
    Query,
    /// A header field.
    Header,
    /// A cookie.
    Cookie,
    /// The body.
    Body,
}

impl Part {
    /// Its name, as OpenAPI has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Body => "body",
        }
    }
}

/// A fault, and in which part of the message it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The part.
    pub part: Part,
    /// The fault.
    pub fault: Fault,
}

/// What was found in a head.
#[derive(Debug, Default)]
pub struct HeadVerdict {
    /// What does not hold.
    pub faults: Vec<Located>,
    /// Names in the query that are not declared.
    pub undeclared_query: Vec<String>,
    /// Cookies that are not declared.
    pub undeclared_cookies: Vec<String>,
}

/// What becomes of a request's body.
#[derive(Clone, Copy)]
pub enum BodyContract<'o> {
    /// There is none, and none is needed.
    Nothing,
    /// It is passed on as it comes: nothing in it is declared.
    Opaque,
    /// It has to be judged.
    Judge(&'o Media),
    /// One is missing.
    Missing,
    /// Its type is not declared.
    OtherType,
}

/// What was found in a body.
#[derive(Debug, Default)]
pub struct BodyVerdict {
    /// What does not hold.
    pub faults: Vec<Fault>,
    /// Members that are not declared.
    pub undeclared: Vec<Undeclared>,
    /// The body without them, where it has a form that can be cut.
    pub without: Option<Vec<u8>>,
    /// The body as it was read, for later stages: it is read once.
    pub json: Option<Json>,
    /// Strings in it of which the document says what they hold, for whoever looks for injection.
    pub texts: Vec<DeclaredText>,
}

impl Operation {
    /// Judges path, query, header fields and cookies.
    pub fn judge_head(&self, head: &Head<'_>) -> HeadVerdict {
        let mut verdict = HeadVerdict::default();
        let values = head.path.iter().map(|(_, value)| Cow::from(value));
        let path = Pairs(self.path_names.iter().map(Cow::from).zip(values).collect());
        let query = match form::pairs(head.query.as_bytes()) {
            // Some frameworks still end a parameter at `;`.
            Ok(_) if head.query.contains(';') => verdict.unreadable(Part::Query, "ambiguous-separator"),
            Ok(pairs) => Pairs(pairs),
            Err(rule) => verdict.unreadable(Part::Query, rule),
        };
        let cookies = Pairs(cookie_pairs(head.cookies));
        for parameter in &self.parameters {
            let (part, faults) = match parameter.place {
                In::Path => (Part::Path, parameter.judge(&path, &self.schemas)),
                In::Query => (Part::Query, parameter.judge(&query, &self.schemas)),
                In::Cookie => (Part::Cookie, parameter.judge(&cookies, &self.schemas)),
                In::Header => {
                    let value =
                        (head.field)(&parameter.name).map(|value| (Cow::from(&parameter.name), Cow::from(value)));
                    (Part::Header, parameter.judge(&Pairs(value.into_iter().collect()), &self.schemas))
                }
            };
            let room = MOST_FAULTS.saturating_sub(verdict.faults.len());
            verdict.faults.extend(faults.into_iter().take(room).map(|fault| Located { part, fault }));
        }
        let is_credential = |place: &str, name: &str| self.credentials.iter().any(|it| it.0 == place && it.1 == name);
        let is_query = |name: &str| self.parameters.iter().any(|it| it.owns(name)) || is_credential("query", name);
        let undeclared = query.0.iter().filter(|(name, _)| !is_query(name)).map(|(name, _)| name.clone().into_owned());
        verdict.undeclared_query = undeclared.collect();
        let is_cookie = |name: &str| {
            self.parameters.iter().any(|it| it.place == In::Cookie && it.name == name) || is_credential("cookie", name)
        };
        let undeclared =
            cookies.0.iter().filter(|(name, _)| !is_cookie(name)).map(|(name, _)| name.clone().into_owned());
        verdict.undeclared_cookies = undeclared.collect();
        verdict
    }

    /// The parameters of a path, in the order of the template, by the document's names.
    pub fn path_pairs(&self, path: &[(std::sync::Arc<str>, String)]) -> Vec<Pairing> {
        self.path_names.iter().cloned().zip(path.iter().map(|(_, value)| value.clone())).collect()
    }

    /// What becomes of a body of this type; without a type, of none.
    pub fn body_contract(&self, content_type: Option<&str>, has_body: bool) -> BodyContract<'_> {
        let Some(body) = &self.body else {
            return if has_body { BodyContract::OtherType } else { BodyContract::Nothing };
        };
        if !has_body {
            return if body.required { BodyContract::Missing } else { BodyContract::Nothing };
        }
        match content_type.and_then(|it| Some((it, choose(&body.media, it)?))) {
            Some((content_type, _)) if Media::is_other_charset(content_type) => BodyContract::OtherType,
            Some((_, media)) if media.is_checked() => BodyContract::Judge(media),
            Some(_) => BodyContract::Opaque,
            None => BodyContract::OtherType,
        }
    }

    /// Judges a whole body.
    pub fn judge_body(&self, media: &Media, content_type: &str, bytes: &[u8]) -> BodyVerdict {
        const ANY: &Shape = &Shape::Single(crate::schema::keywords::Types::ANY);
        let shape = media.shape.as_ref().unwrap_or(ANY);
        let kind = kind(media, content_type);
        let read = match kind {
            MediaKind::Json => {
                read(bytes, Limits { bytes: bytes.len(), ..Limits::default() }).map_err(|it| it.kind.code())
            }
            MediaKind::Form => form::read(bytes, shape),
            MediaKind::Multipart => multipart::read(bytes, content_type, media, shape),
            MediaKind::Text => std::str::from_utf8(bytes).map(|text| shape.value(text)).map_err(|_| "text-encoding"),
            MediaKind::Opaque => return BodyVerdict::default(),
        };
        let json = match read {
            Ok(json) => json,
            Err(rule) => {
                let message = "cannot be read in one way".to_owned();
                let faults = vec![Fault { pointer: String::new(), rule, message }];
                return BodyVerdict { faults, ..BodyVerdict::default() };
            }
        };
        let Some(schema) = media.schema else { return BodyVerdict { json: Some(json), ..BodyVerdict::default() } };
        let judged = self.schemas.judge(schema, &json, Closed::World(Direction::Request));
        let without = (!judged.undeclared.is_empty()).then(|| cut(kind, bytes, &json, &judged.undeclared)).flatten();
        let json = (kind == MediaKind::Json).then_some(json);
        BodyVerdict { faults: judged.faults, undeclared: judged.undeclared, without, json, texts: judged.texts }
    }
}

impl HeadVerdict {
    fn unreadable<'a>(&mut self, part: Part, rule: &'static str) -> Pairs<'a> {
        let message = "cannot be read in one way".to_owned();
        self.faults.push(Located { part, fault: Fault { pointer: String::new(), rule, message } });
        Pairs(Vec::new())
    }
}

impl Undeclared {
    /// What a client is told of it.
    pub fn fault(&self) -> Fault {
        let (rule, message) = match self.kind {
            UndeclaredKind::Undeclared => ("undeclared", "is not declared"),
            UndeclaredKind::WrongWay => ("readOnly", "is not the client's to set"),
        };
        Fault { pointer: self.pointer.clone(), rule, message: message.to_owned() }
    }
}

fn cut(kind: MediaKind, bytes: &[u8], json: &Json, undeclared: &[Undeclared]) -> Option<Vec<u8>> {
    let removal = Removal::of(undeclared);
    let is_out = |value: &Json| removal.takes(value);
    match kind {
        MediaKind::Json => Some(without(bytes, json, &is_out)),
        MediaKind::Form => {
            let Content::Object(members) = &json.content else { return None };
            let out = members.iter().filter(|member| is_out(&member.value));
            let names: HashSet<String> = out.map(|member| member.name.clone().into_string()).collect();
            Some(form::without(bytes, &names))
        }
        MediaKind::Multipart | MediaKind::Text | MediaKind::Opaque => None,
    }
}

/// `RFC 6265 §4.2.1`: pairs with `; ` between them; values may stand in quotes.
fn cookie_pairs(field: &str) -> Vec<Pair<'_>> {
    const MOST_COOKIES: usize = 200;
    let pairs = field.split(';').map(str::trim).filter(|pair| !pair.is_empty()).take(MOST_COOKIES);
    let pair = |pair: &'_ str| {
        pair.split_once('=').map_or((pair.to_owned(), String::new()), |(name, value)| {
            (name.trim().to_owned(), value.trim().trim_matches('"').to_owned())
        })
    };
    pairs.map(pair).map(|(name, value)| (Cow::Owned(name), Cow::Owned(value))).collect()
}
