//! Bodies on their way through: bounded towards the upstream, counted towards the client.

mod answer;
mod request;

pub(crate) use answer::{AnswerBody, AnswerFault};
pub(crate) use request::{BodyFault, BodyWatch, RequestBody};
