use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::faults::{Fault, FaultKind};
use super::source::Source;

/// A value of the file and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The value's own span; of a table with a header, the header's.
    pub(crate) span: Range<usize>,
    pub(crate) content: Content,
}

/// A member of a table.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) node: Node,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Text(String),
    Integer(Option<i64>),
    Float(Option<f64>),
    Truth(bool),
    /// As written: TOML's own date and time.
    Time(String),
    List(Vec<Node>),
    /// In the order of the file.
    Table(Vec<Member>),
}

impl Content {
    /// What a person would call it.
    pub(crate) const fn noun(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Truth(_) => "true or false",
            Self::Time(_) => "a date and time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A step from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// The way from the root of the file to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place(Vec<Step>);

impl Place {
    pub(crate) fn root() -> Self {
        Self::default()
    }

    pub(crate) fn key(&self, key: &str) -> Self {
        self.step(Step::Key(key.to_owned()))
    }

    pub(crate) fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    fn step(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// The keys alone, with dots between them: `routes.access.owner`.
    pub(crate) fn dotted(&self) -> String {
        let keys: Vec<&str> = self.0.iter().filter_map(Step::as_key).collect();
        keys.join(".")
    }

    /// The last key of the way.
    pub(crate) fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(Step::as_key)
    }
}

impl Step {
    fn as_key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Index(_) => None,
        }
    }
}

impl Node {
    /// A member, of a table that has it.
    pub(crate) fn member(&self, key: &str) -> Option<&Self> {
        let Content::Table(members) = &self.content else { return None };
        members.iter().find(|member| member.key == key).map(|member| &member.node)
    }

    /// The text, of a node that is one.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Content::Text(text) = &self.content { Some(text) } else { None }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Every place where the text is not TOML.
    pub(crate) fn parse(source: &Source) -> Result<Self, Vec<Fault>> {
        let (table, errors) = DeTable::parse_recoverable(&source.text);
        if errors.is_empty() {
            return Ok(Self { span: 0..0, content: members(table.get_ref()) });
        }
        Err(errors.iter().map(|error| syntax_fault(source, error)).collect())
    }

    /// Where a value stands, or the nearest thing around it that is there.
    pub(crate) fn locate(&self, place: &Place) -> Range<usize> {
        let mut node = self;
        for step in &place.0 {
            match node.child(step) {
                Some(child) => node = child,
                None => break,
            }
        }
        node.span.clone()
    }

    fn child(&self, step: &Step) -> Option<&Self> {
        match (&self.content, step) {
            (Content::Table(members), Step::Key(key)) => {
                members.iter().find(|member| member.key == *key).map(|member| &member.node)
            }
            (Content::List(nodes), Step::Index(index)) => nodes.get(*index),
            _ => None,
        }
    }
}

impl From<&Spanned<DeValue<'_>>> for Node {
    fn from(value: &Spanned<DeValue<'_>>) -> Self {
        let content = match value.get_ref() {
            DeValue::String(text) => Content::Text(text.to_string()),
            DeValue::Integer(number) => Content::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()),
            DeValue::Float(number) => Content::Float(number.as_str().parse().ok()),
            DeValue::Boolean(truth) => Content::Truth(*truth),
            DeValue::Datetime(time) => Content::Time(time.to_string()),
            DeValue::Array(values) => Content::List(values.iter().map(Self::from).collect()),
            DeValue::Table(table) => members(table),
        };
        Self { span: value.span(), content }
    }
}

fn members(table: &DeTable<'_>) -> Content {
    let member = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| Member {
        key: key.get_ref().to_string(),
        key_span: key.span(),
        node: value.into(),
    };
    let mut members: Vec<Member> = table.iter().map(member).collect();
    members.sort_by_key(|member| member.key_span.start);
    Content::Table(members)
}

fn syntax_fault(source: &Source, error: &toml::de::Error) -> Fault {
    let span = error.span().unwrap_or(0..0);
    // An empty span at the end of a line would underline nothing: take in the character before it.
    let span = if span.is_empty() { span.start.saturating_sub(1)..span.end } else { span };
    let message = error.message().lines().collect::<Vec<_>>().join("; ");
    Fault::error(FaultKind::Syntax, source.clamp(&span), format!("this is not TOML: {message}"))
        .remedy(syntax_remedy(&message))
}

fn syntax_remedy(message: &str) -> &'static str {
    if message.contains("duplicate key") {
        "every key stands once in its section; a list of sections is written `[[routes]]`, with two brackets"
    } else if message.contains("string values must be quoted") || message.contains("unquoted") {
        "put the value between quotes: `key = \"value\"`"
    } else if ["invalid float", "invalid integer", "invalid mantissa", "invalid number"]
        .iter()
        .any(|it| message.contains(it))
    {
        "put the value between quotes, unless it is a number: `key = \"value\"`"
    } else if message.contains("newline") {
        "a value ends on its line; only lists, inline tables and strings in \"\"\" may go on"
    } else if message.contains("missing value") || message.contains("key with no value") {
        "write `key = value`"
    } else {
        "see https://toml.io/en/v1.1.0 for the form; a missing quote or bracket before this point is the usual cause"
    }
}
