//! What observed traffic says of a document: where it is wrong, and which bounds it could have.

mod bounds;
mod broken;
mod document;
mod outline;
mod speakers;

use std::collections::BTreeMap;

use serde_json::Value;

use self::document::Document;
use super::components::At;
use super::load::{compile, dialect};
use crate::learn::OfOperation;
use crate::schema::{Library, LoadFault};

pub(super) use outline::Outline;

/// A change of a document that traffic supports.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// `file:line:column`
    pub place: String,
    /// What was seen.
    pub reason: String,
    /// What to do, in order; nothing where only a person can say which is right, the document or the traffic.
    pub actions: Vec<Action>,
}

/// An action of an Overlay (OpenAPI Overlay 1.0.0 §4.4.3).
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// JSONPath (`RFC 9535`) of what is changed.
    pub target: String,
    /// What is merged into it; it is removed where there is none.
    pub update: Option<Value>,
}

/// What `learned` says of a document: what broke its rules first, then what could be bounded.
///
/// # Errors
/// A document that cannot be read.
pub fn tighten(
    name: &str,
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
    learned: &BTreeMap<String, OfOperation>,
) -> Result<Vec<Proposal>, LoadFault> {
    let library = Library::open(name, read)?;
    let api = compile(&library);
    let Some(root) = library.root(0) else { return Ok(Vec::new()) };
    let Some(dialect) = dialect(At { document: 0, json: root }) else { return Ok(Vec::new()) };
    let document = Document { library: &library, outline: Outline { dialect } };
    let observed: Vec<_> = api
        .operations
        .iter()
        .filter_map(|operation| Some((&**operation, learned.get(&operation.to_string())?)))
        .collect();
    let mut proposals: Vec<Proposal> =
        observed.iter().flat_map(|(operation, of)| broken::of(&document, operation, of)).collect();
    proposals.extend(bounds::of(&document, &observed));
    Ok(proposals)
}
