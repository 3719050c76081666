use std::collections::HashMap;
use std::sync::Arc;

use super::parse::parse;
use crate::json::{self, Content, Json};

/// Documents that were registered before they are used: what they are called is what clients send.
#[derive(Clone, Debug, Default)]
pub struct Documents(HashMap<Box<str>, Arc<str>>);

/// Why a file of documents is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentsFault {
    /// Not JSON.
    #[error("it is not JSON: {0}")]
    Json(json::JsonFault),
    /// Neither of the two forms.
    #[error("it is neither an object of ids and documents, nor a manifest with `operations`")]
    Form,
    /// A document that cannot be read.
    #[error("the document `{id}` cannot be read at {line}:{column}")]
    Document {
        /// What it is called.
        id: String,
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
    },
    /// An id that is a hash, and not that of its document.
    #[error("the id `{0}` looks like a SHA-256, and is not that of its document")]
    Hash(String),
}

const LIMITS: json::Limits = json::Limits { bytes: 64 << 20, depth: 8, values: 1_000_000 };
/// Tokens of one document: these are the service's own.
const MOST_TOKENS: usize = 100_000;

impl Documents {
    /// Reads a file: an object of ids and documents (Relay, GraphQL Codegen), or a manifest whose `operations` have `id` and `body`
    /// (Apollo). An id that has the form of a SHA-256 has to be that of its document, as `sha256` computes it in hexadecimal.
    ///
    /// # Errors
    /// Why it is no such file.
    pub fn read(bytes: &[u8], sha256: impl Fn(&[u8]) -> String) -> Result<Self, DocumentsFault> {
        let file = json::read(bytes, LIMITS).map_err(DocumentsFault::Json)?;
        let mut documents = HashMap::new();
        let mut add = |id: &str, body: &Json| {
            let body = body.as_str().ok_or(DocumentsFault::Form)?;
            parse(body, MOST_TOKENS).map_err(|fault| {
                let fault = fault.placed(body);
                DocumentsFault::Document { id: id.to_owned(), line: fault.line, column: fault.column }
            })?;
            if is_sha256(id) && sha256(body.as_bytes()) != id.to_ascii_lowercase() {
                return Err(DocumentsFault::Hash(id.to_owned()));
            }
            documents.insert(Box::from(id), Arc::from(body));
            Ok(())
        };
        match file.get("operations").map(|it| &it.content) {
            Some(Content::Array(operations)) => {
                for operation in operations {
                    let id = operation.get("id").and_then(Json::as_str).ok_or(DocumentsFault::Form)?;
                    add(id, operation.get("body").ok_or(DocumentsFault::Form)?)?;
                }
            }
            _ if file.is_object() => {
                for member in file.members() {
                    add(&member.name, &member.value)?;
                }
            }
            _ => return Err(DocumentsFault::Form),
        }
        Ok(Self(documents))
    }

    /// The document of that id.
    pub fn get(&self, id: &str) -> Option<&Arc<str>> {
        self.0.get(id)
    }

    /// Whether a document is one of them.
    pub fn has(&self, document: &str) -> bool {
        self.0.values().any(|known| **known == *document)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether a text has the form of a SHA-256 in hexadecimal.
fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
