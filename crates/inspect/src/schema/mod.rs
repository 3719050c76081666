//! JSON Schema, draft 2020-12, and the dialect of OpenAPI 3.0: compiled once, each schema once however often it is referred to.
//!
//! Beside "valid or not" it knows which subschema spoke for which member, since that is what a gate has to know: a member that no
//! subschema declares is refused, or does not leave, even where the document is silent about it.

mod apply;
mod array;
mod closed;
mod combine;
mod compile;
mod content;
mod equal;
mod fault;
mod format;
pub(crate) mod keywords;
mod library;
mod object;
mod pattern;
mod run;
mod scalar;

pub(crate) use closed::MOST_UNDECLARED;
pub use closed::{Removal, Undeclared, UndeclaredKind};
pub use compile::{CompileFault, Compiler};
pub use content::{DeclaredText, TextContent};
pub use fault::{Fault, MOST_FAULTS};
pub use format::Format;
pub use library::{Library, LoadFault, Place};
pub use run::{Closed, Direction, Judged};

use self::keywords::Schema;

/// Which words a document's schemas are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// JSON Schema draft 2020-12: OpenAPI 3.1 and 3.2.
    Draft202012,
    /// OpenAPI 3.0: `nullable`, bounds that are exclusive by a boolean, and nothing beside a `$ref`.
    OpenApi30,
}

/// Whether `format` is held against values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formats {
    /// It is.
    Assert,
    /// It only describes (the default of draft 2020-12).
    Annotate,
}

/// A compiled schema, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaId(u32);

/// Compiled schemas.
#[derive(Debug, Default)]
pub struct Schemas {
    nodes: Vec<Schema>,
    /// For each resource, its dynamic anchors.
    anchors: Vec<Vec<(Box<str>, SchemaId)>>,
}

impl Schemas {
    pub(crate) fn node(&self, id: SchemaId) -> Option<&Schema> {
        self.nodes.get(id.0 as usize)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}
