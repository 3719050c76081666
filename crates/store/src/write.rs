use crate::{Query, Row, Value};

/// Statements that are executed in order, in one transaction: all of them, or none.
///
/// ```
/// use bartizan_store::{Expect, Query, Write};
///
/// const USE: Query = Query::new("UPDATE ticket SET used = 1 WHERE id = $1 AND used = 0 RETURNING owner");
/// const LOG: Query = Query::new("INSERT INTO ticket_use (ticket, at) VALUES ($1, $2)");
///
/// // If the ticket was used before, the first statement changes nothing, and no use of it is recorded.
/// let write = Write::new(USE, ["t-1".into()], Expect::One).then(LOG, ["t-1".into(), 1_700_000_000_000_000_i64.into()], Expect::One);
/// ```
#[derive(Clone, Debug)]
pub struct Write {
    pub(crate) statements: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) query: Query,
    pub(crate) values: Vec<Value>,
    pub(crate) expect: Expect,
}

/// How many rows a statement must change or return, or else the whole [`Write`] is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Any number.
    Any,
    /// None at all.
    None,
    /// Exactly one.
    One,
    /// At least one.
    Some,
}

/// What a statement of a [`Write`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The rows that it returned (`RETURNING`, `SELECT`).
    pub rows: Vec<Row>,
    /// How many rows it changed; of a `SELECT`, how many it returned.
    pub count: u64,
}

impl Write {
    /// One statement.
    pub fn new(query: Query, values: impl Into<Vec<Value>>, expect: Expect) -> Self {
        Self { statements: vec![Statement { query, values: values.into(), expect }] }
    }

    /// The same, followed by one more statement.
    #[must_use]
    pub fn then(mut self, query: Query, values: impl Into<Vec<Value>>, expect: Expect) -> Self {
        self.statements.push(Statement { query, values: values.into(), expect });
        self
    }
}

impl Expect {
    pub(crate) const fn is_met_by(self, count: u64) -> bool {
        match self {
            Self::Any => true,
            Self::None => count == 0,
            Self::One => count == 1,
            Self::Some => count > 0,
        }
    }
}
