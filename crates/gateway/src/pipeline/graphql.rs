//! Requests of a GraphQL endpoint, held against its schema, and what the errors of its answers tell.

mod answer;
mod request;

pub(super) use answer::without_disclosures;
pub(super) use request::judge;
