//! An executable document as it is written (GraphQL October 2021 §2).

use std::borrow::Cow;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationKind {
    /// Reads.
    Query,
    /// Changes.
    Mutation,
    /// Goes on telling.
    Subscription,
}

impl OperationKind {
    /// The keyword.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Document<'a> {
    pub(super) operations: Vec<Operation<'a>>,
    pub(super) fragments: Vec<Fragment<'a>>,
}

#[derive(Debug)]
pub(super) struct Operation<'a> {
    pub(super) kind: OperationKind,
    pub(super) name: Option<&'a str>,
    pub(super) variables: Vec<VariableDefinition<'a>>,
    pub(super) directives: Vec<Directive<'a>>,
    pub(super) selections: Vec<Selection<'a>>,
    pub(super) at: u32,
}

#[derive(Debug)]
pub(super) struct VariableDefinition<'a> {
    pub(super) name: &'a str,
    pub(super) ty: Type<&'a str>,
    pub(super) default: Option<Value<'a>>,
    pub(super) directives: Vec<Directive<'a>>,
    pub(super) at: u32,
}

#[derive(Debug)]
pub(super) struct Fragment<'a> {
    pub(super) name: &'a str,
    pub(super) on: &'a str,
    pub(super) directives: Vec<Directive<'a>>,
    pub(super) selections: Vec<Selection<'a>>,
    pub(super) at: u32,
}

#[derive(Debug)]
pub(super) enum Selection<'a> {
    Field(Box<Field<'a>>),
    Spread { name: &'a str, directives: Vec<Directive<'a>>, at: u32 },
    Inline { on: Option<&'a str>, directives: Vec<Directive<'a>>, selections: Vec<Selection<'a>>, at: u32 },
}

#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) alias: Option<&'a str>,
    pub(super) name: &'a str,
    pub(super) arguments: Vec<Argument<'a>>,
    pub(super) directives: Vec<Directive<'a>>,
    pub(super) selections: Vec<Selection<'a>>,
    pub(super) at: u32,
}

impl<'a> Field<'a> {
    /// The name under which the answer has it.
    pub(super) fn key(&self) -> &'a str {
        self.alias.unwrap_or(self.name)
    }
}

#[derive(Debug)]
pub(super) struct Directive<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: Vec<Argument<'a>>,
    pub(super) at: u32,
}

/// A name and its value: an argument, or a member of an input object.
#[derive(Debug)]
pub(super) struct Argument<'a> {
    pub(super) name: &'a str,
    pub(super) value: Value<'a>,
    pub(super) at: u32,
}

#[derive(Debug)]
pub(super) struct Value<'a> {
    pub(super) content: Content<'a>,
    pub(super) at: u32,
}

#[derive(Debug)]
pub(super) enum Content<'a> {
    Variable(&'a str),
    Int(&'a str),
    Float(&'a str),
    Text(Cow<'a, str>),
    Bool(bool),
    Null,
    Enum(&'a str),
    List(Vec<Value<'a>>),
    Object(Vec<Argument<'a>>),
}

/// Places do not count: two selections of one field are the same wherever they stand.
impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.content, &other.content) {
            (Content::Variable(one), Content::Variable(other))
            | (Content::Int(one), Content::Int(other))
            | (Content::Float(one), Content::Float(other))
            | (Content::Enum(one), Content::Enum(other)) => one == other,
            (Content::Text(one), Content::Text(other)) => one == other,
            (Content::Bool(one), Content::Bool(other)) => one == other,
            (Content::Null, Content::Null) => true,
            (Content::List(one), Content::List(other)) => one == other,
            (Content::Object(one), Content::Object(other)) => same_arguments(one, other),
            _ => false,
        }
    }
}

/// Whether two lists of arguments say the same, in whatever order.
pub(super) fn same_arguments(one: &[Argument<'_>], other: &[Argument<'_>]) -> bool {
    let is_in = |argument: &Argument<'_>| other.iter().any(|it| it.name == argument.name && it.value == argument.value);
    one.len() == other.len() && one.iter().all(is_in)
}

/// A type where something has one; `N` is how a named type is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type<N> {
    Named(N),
    List(Box<Type<N>>),
    NonNull(Box<Type<N>>),
}

impl<N> Type<N> {
    /// The named type within.
    pub(super) fn base(&self) -> &N {
        match self {
            Self::Named(name) => name,
            Self::List(inner) | Self::NonNull(inner) => inner.base(),
        }
    }

    pub(super) fn is_list(&self) -> bool {
        match self {
            Self::Named(_) => false,
            Self::List(_) => true,
            Self::NonNull(inner) => inner.is_list(),
        }
    }

    /// How many lists are around the named type: an answer multiplies by each.
    pub(super) fn lists(&self) -> u32 {
        match self {
            Self::Named(_) => 0,
            Self::List(inner) => inner.lists() + 1,
            Self::NonNull(inner) => inner.lists(),
        }
    }

    /// The same around other names; nothing where one of them is none.
    pub(super) fn map<M>(&self, name: &mut impl FnMut(&N) -> Option<M>) -> Option<Type<M>> {
        Some(match self {
            Self::Named(named) => Type::Named(name(named)?),
            Self::List(inner) => Type::List(Box::new(inner.map(name)?)),
            Self::NonNull(inner) => Type::NonNull(Box::new(inner.map(name)?)),
        })
    }
}
