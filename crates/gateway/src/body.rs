//! Bodies on their way through: bounded towards the upstream, counted towards the client.

mod answer;
mod client;
mod flow;
mod request;
mod whole;

pub(crate) use answer::{AnswerBody, AnswerFault, Leased, Source};
pub(crate) use client::ClientBody;
pub(crate) use flow::{Flow, Form};
pub(crate) use request::{BodyFault, BodyPace, BodyWatch, RequestBody};
pub(crate) use whole::read_whole;
