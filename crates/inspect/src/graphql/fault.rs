use std::fmt;

/// What an operation breaks. Each has a stable name, for events and refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is said in words by `message`")]
pub enum Rule {
    Request,
    Syntax,
    Encoding,
    Tokens,
    Nesting,
    NoOperation,
    OperationName,
    Subscription,
    Depth,
    Aliases,
    RootFields,
    Cost,
    Repetition,
    Selections,
    Directives,
    Batch,
    Introspection,
    IntrospectionDepth,
    UnknownField,
    UnknownArgument,
    MissingArgument,
    UnknownDirective,
    UnknownType,
    Selection,
    Fragment,
    FragmentCycle,
    UnusedFragment,
    Duplicate,
    Conflict,
    Value,
    Variable,
    NotPersisted,
    UnknownHash,
    Hash,
}

impl Rule {
    /// The stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Request => "graphql-request",
            Self::Syntax => "graphql-syntax",
            Self::Encoding => "graphql-encoding",
            Self::Tokens => "graphql-tokens",
            Self::Nesting => "graphql-nesting",
            Self::NoOperation => "graphql-no-operation",
            Self::OperationName => "graphql-operation-name",
            Self::Subscription => "graphql-subscription",
            Self::Depth => "graphql-depth",
            Self::Aliases => "graphql-aliases",
            Self::RootFields => "graphql-root-fields",
            Self::Cost => "graphql-cost",
            Self::Repetition => "graphql-repetition",
            Self::Selections => "graphql-selections",
            Self::Directives => "graphql-directives",
            Self::Batch => "graphql-batch",
            Self::Introspection => "graphql-introspection",
            Self::IntrospectionDepth => "graphql-introspection-depth",
            Self::UnknownField => "graphql-unknown-field",
            Self::UnknownArgument => "graphql-unknown-argument",
            Self::MissingArgument => "graphql-missing-argument",
            Self::UnknownDirective => "graphql-unknown-directive",
            Self::UnknownType => "graphql-unknown-type",
            Self::Selection => "graphql-selection",
            Self::Fragment => "graphql-fragment",
            Self::FragmentCycle => "graphql-fragment-cycle",
            Self::UnusedFragment => "graphql-unused-fragment",
            Self::Duplicate => "graphql-duplicate",
            Self::Conflict => "graphql-conflict",
            Self::Value => "graphql-value",
            Self::Variable => "graphql-variable",
            Self::NotPersisted => "graphql-not-persisted",
            Self::UnknownHash => "PERSISTED_QUERY_NOT_FOUND",
            Self::Hash => "graphql-hash",
        }
    }

    /// What a client is told. No name of the schema stands in it: who may not ask for the schema does not get it in pieces, which is
    /// what the suggestions of GraphQL servers give away.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Request => "the request is not of the form of GraphQL over HTTP",
            Self::Syntax => "the document cannot be read here",
            Self::Encoding => "the document is not UTF-8",
            Self::Tokens => "the document is too long",
            Self::Nesting => "the document is nested too deeply",
            Self::NoOperation => "the document holds no operation",
            Self::OperationName => "`operationName` names no operation, or is missing where there are several",
            Self::Subscription => "subscriptions are not served here, or this one asks for more than one field",
            Self::Depth => "the operation selects too deeply",
            Self::Aliases => "the operation has too many aliases",
            Self::RootFields => "the operation asks for too many fields at its root",
            Self::Cost => "the operation costs too much",
            Self::Repetition => "a field is repeated too often",
            Self::Selections => "the operation selects too much",
            Self::Directives => "the document has too many directives",
            Self::Batch => "too many operations in one request",
            Self::Introspection => "the schema is not told",
            Self::IntrospectionDepth => "the schema is asked for too deeply",
            Self::UnknownField => "there is no such field here",
            Self::UnknownArgument => "there is no such argument",
            Self::MissingArgument => "an argument is missing",
            Self::UnknownDirective => "there is no such directive here",
            Self::UnknownType => "there is no such type here",
            Self::Selection => "a field of an object needs a selection, any other has none",
            Self::Fragment => "the fragment does not exist, or can never apply here",
            Self::FragmentCycle => "a fragment contains itself",
            Self::UnusedFragment => "the fragment is not used",
            Self::Duplicate => "the name stands here twice",
            Self::Conflict => "two selections want one name for different things",
            Self::Value => "the value is not of its type",
            Self::Variable => "the variable is not declared, not used, or not of the type that is needed",
            Self::NotPersisted => "only operations that were registered are served",
            // What clients that send hashes first look for, to send the document next.
            Self::UnknownHash => "PersistedQueryNotFound",
            Self::Hash => "the hash is not that of the document",
        }
    }
}

/// Why an operation does not pass, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What it breaks.
    pub rule: Rule,
    /// Where in the request, as a JSON Pointer; empty for the document itself.
    pub pointer: String,
    /// The line of the document, from 1; 0 where it is not about a place in the document.
    pub line: u32,
    /// The column in that line, from 1.
    pub column: u32,
    /// The byte of the document, until the place is known.
    at: Option<u32>,
}

impl Fault {
    /// A fault at a byte of the document.
    pub(super) const fn new(rule: Rule, at: u32) -> Self {
        Self { rule, pointer: String::new(), line: 0, column: 0, at: Some(at) }
    }

    /// A fault of the request as a whole.
    pub const fn of_request(rule: Rule) -> Self {
        Self { rule, pointer: String::new(), line: 0, column: 0, at: None }
    }

    /// A fault at a place in the request's JSON.
    pub(super) const fn at_pointer(rule: Rule, pointer: String) -> Self {
        Self { rule, pointer, line: 0, column: 0, at: None }
    }

    /// The same, with its place in lines and columns.
    pub(super) fn placed(mut self, document: &str) -> Self {
        let Some(at) = self.at.take() else { return self };
        let before = document.get(..at as usize).unwrap_or(document);
        let lines = before.bytes().filter(|byte| *byte == b'\n').count();
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
        self.line = u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1);
        self.column = u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.rule.code())?;
        if self.line > 0 {
            write!(out, " at {}:{}", self.line, self.column)?;
        }
        if !self.pointer.is_empty() {
            write!(out, " at {}", self.pointer)?;
        }
        Ok(())
    }
}

#[cfg(test)]
impl Rule {
    /// Every rule.
    pub(super) const fn all_for_tests() -> [Self; 34] {
        use Rule as R;
        [
            R::Request,
            R::Syntax,
            R::Encoding,
            R::Tokens,
            R::Nesting,
            R::NoOperation,
            R::OperationName,
            R::Subscription,
            R::Depth,
            R::Aliases,
            R::RootFields,
            R::Cost,
            R::Repetition,
            R::Selections,
            R::Directives,
            R::Batch,
            R::Introspection,
            R::IntrospectionDepth,
            R::UnknownField,
            R::UnknownArgument,
            R::MissingArgument,
            R::UnknownDirective,
            R::UnknownType,
            R::Selection,
            R::Fragment,
            R::FragmentCycle,
            R::UnusedFragment,
            R::Duplicate,
            R::Conflict,
            R::Value,
            R::Variable,
            R::NotPersisted,
            R::UnknownHash,
            R::Hash,
        ]
    }
}
