//! GraphQL (October 2021): an operation is read, held against the schema and weighed before any resolver runs.
//!
//! A GraphQL endpoint is one URL behind which a client programs the server. What bounds an ordinary API by its paths has to be bounded by
//! reading the program: how deep, how wide, how often, and which fields. The reader is our own: it holds no stack, no time and no memory
//! that the document's author chooses.

mod answer;
mod cost;
mod document;
mod documents;
mod draft;
mod fault;
mod guard;
mod introspection;
mod judge;
mod lex;
mod parse;
mod request;
mod schema;
mod sdl;
#[cfg(test)]
mod tests;
mod value;
mod walk;

pub use answer::without_disclosures;
pub use document::OperationKind;
pub use documents::{Documents, DocumentsFault};
pub use fault::{Fault, Rule};
pub use guard::Guards;
pub use introspection::{QUERY as INTROSPECTION_QUERY, from_introspection};
pub use judge::judge;
pub use request::{Batch, Request, read_body, read_query, write_body, write_query};
pub use schema::{Schema, SchemaFault};
pub use sdl::from_sdl;

/// What an operation may take (OWASP API4:2023).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Names, marks and values of a document.
    pub tokens: u32,
    /// Fields within each other.
    pub depth: u32,
    /// Fields under another name.
    pub aliases: u32,
    /// Fields of the root.
    pub root_fields: u32,
    /// Objects that the answer may hold.
    pub cost: u32,
    /// Elements that a list is taken to have where nobody says.
    pub list_size: u32,
    /// Directives of a document.
    pub directives: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tokens: 2000, depth: 12, aliases: 15, root_fields: 10, cost: 5000, list_size: 10, directives: 20 }
    }
}

/// What an operation is that may pass, as far as its form tells.
#[derive(Clone, Debug)]
pub struct Judged {
    /// What it does.
    pub kind: OperationKind,
    /// Its name.
    pub name: Option<Box<str>>,
    /// The fields of the root that it asks for, the first eight.
    pub roots: Vec<Box<str>>,
    /// Whether it asks for the schema.
    pub introspects: bool,
    /// The rules whose fields it asks for, by their places in the list that the guards were made of.
    pub touched: Vec<usize>,
    /// What it costs.
    pub cost: u64,
}
