use std::fmt;
use std::sync::Arc;

use super::answer::Answers;
use super::media::Body;
use super::parameter::Parameter;
use super::security::Security;
use crate::json::Json;
use crate::schema::{Place, Schemas};

/// One operation of a document, compiled.
pub struct Operation {
    /// Its `operationId`, or method and path where it has none.
    pub name: String,
    /// Its method, in capitals.
    pub method: String,
    /// Its path template, with the base path of its server before it.
    pub path: String,
    /// `file:line:column`
    pub place: String,
    /// Who may call it, as the document says.
    pub security: Security,
    /// What the document says for Bartizan alone.
    pub extensions: Extensions,
    pub(super) at: Place,
    pub(super) schemas: Arc<Schemas>,
    /// The parameters of the path, in the order of the template.
    pub(super) path_names: Vec<String>,
    pub(super) parameters: Vec<Parameter>,
    /// Names in the query and in cookies that carry a credential.
    pub(super) credentials: Vec<(&'static str, String)>,
    pub(super) body: Option<Body>,
    pub(super) answers: Answers,
}

/// `x-bartizan-…` of an operation.
#[derive(Clone, Debug, Default)]
pub struct Extensions {
    /// `x-bartizan-access`
    pub access: Option<Json>,
    /// `x-bartizan-owner`
    pub owner: Option<Json>,
    /// `x-bartizan-limit`
    pub limit: Option<String>,
    /// `x-bartizan-flow`: the sensitive business flow that it is a step of (OWASP API6:2023).
    pub flow: Option<String>,
    /// `x-bartizan-undeclared`: what becomes of members and query parameters of requests that are not declared.
    pub undeclared: Option<String>,
}

/// `GET /people/{id}`
impl fmt::Display for Operation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.method, self.path)
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
