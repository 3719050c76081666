use std::sync::Arc;

use bartizan_inspect::openapi::Operation;

/// What an OpenAPI document declares of a route, and what becomes of the rest.
#[derive(Clone, Debug)]
pub struct Contract {
    /// The name of the API whose document it is part of.
    pub api: Arc<str>,
    /// The operation that the route is.
    pub operation: Arc<Operation>,
    /// Whether anything is refused at all.
    pub mode: ContractMode,
    /// What becomes of members and query parameters of requests that are not declared.
    pub undeclared: Undeclared,
    /// What becomes of members of answers that are not declared, and of answers that are not declared themselves.
    pub answers: Undeclared,
}

/// Whether a contract is enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractMode {
    /// What breaks it is refused.
    Block,
    /// What breaks it passes as it came, and the event says so: a document that is wrong, or an attack, gets through.
    Observe,
}

/// What becomes of something that is not declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undeclared {
    /// The message is refused.
    Refuse,
    /// It is taken out, and the message goes on.
    Strip,
    /// It passes, and the event says so: mass assignment and leaks get through. What is `writeOnly` does not leave all the same.
    Report,
}
