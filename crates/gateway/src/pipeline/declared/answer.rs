use std::time::SystemTime;

use bartizan_controls::inspect as controls;
use bartizan_inspect::openapi::{AnswerContract, Filtered, Removed, Unfit};
use bartizan_inspect::schema::{Fault, SchemaId};
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Limited};

use super::lesson::Lesson;
use super::{MOST_OBSERVED, place};
use crate::body::{AnswerBody, Source};
use crate::config::{Contract, ContractMode, Undeclared};
use crate::exchange::Trail;
use crate::gate::Gate;
use crate::refusal::Refusal;

/// The largest answer that is read whole. One that is larger cannot be filtered, and does not leave.
const MOST_ANSWER: usize = 16 << 20;
/// They name the body as the upstream made it, and would let a cache or a client take up the other one half-way.
const ABOUT_THE_OTHER_BODY: [&str; 6] =
    ["content-digest", "repr-digest", "digest", "content-md5", "etag", "accept-ranges"];

/// Lets of an answer leave what its operation declares.
pub(in crate::pipeline) async fn only_declared<S: Source>(
    response: Response<AnswerBody<S>>,
    contract: &Contract,
    method: &Method,
    arrived: SystemTime,
    gate: &Gate,
    trail: &mut Trail,
) -> Result<Response<AnswerBody<S>>, Refusal> {
    let status = response.status();
    let has_no_body = *method == Method::HEAD || response.body().is_end_stream();
    // Bodies of faults are replaced whole by the next step.
    if status.is_server_error() || status == StatusCode::NOT_MODIFIED || has_no_body {
        return Ok(response);
    }
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let lesson = (contract.mode == ContractMode::Observe).then(|| Lesson::of(contract, gate, arrived, content_type));
    match contract.operation.answer_contract(status.as_u16(), content_type) {
        AnswerContract::Open => Ok(response),
        AnswerContract::OtherStatus => undeclared(response, contract, lesson, "answer-status-undeclared", trail),
        AnswerContract::OtherType => undeclared(response, contract, lesson, "answer-type-undeclared", trail),
        AnswerContract::Filter(schema) => filter(response, contract, schema, lesson, gate, trail).await,
    }
}

/// An answer that the document does not know: told of, and refused only where that was said, since a document that forgets an error
/// is more frequent than an upstream that leaks in one.
fn undeclared<S>(
    response: Response<AnswerBody<S>>,
    contract: &Contract,
    lesson: Option<Lesson>,
    code: &'static str,
    trail: &mut Trail,
) -> Result<Response<AnswerBody<S>>, Refusal> {
    if let Some(lesson) = lesson {
        let fault = Fault { pointer: String::new(), rule: code, message: String::new() };
        lesson.answer(response.status().as_u16(), None, &[fault]);
    }
    trail.observe_at(controls::ANSWER_SCHEMA.id, code, response.status().as_str().to_owned());
    if contract.mode == ContractMode::Block && contract.answers == Undeclared::Refuse {
        return Err(Refusal::UpstreamFault(code));
    }
    Ok(response)
}

async fn filter<S: Source>(
    response: Response<AnswerBody<S>>,
    contract: &Contract,
    schema: SchemaId,
    lesson: Option<Lesson>,
    gate: &Gate,
    trail: &mut Trail,
) -> Result<Response<AnswerBody<S>>, Refusal> {
    let is_blocking = contract.mode == ContractMode::Block;
    let is_partial = response.status() == StatusCode::PARTIAL_CONTENT;
    if is_partial || response.headers().contains_key(header::CONTENT_ENCODING) {
        trail.observe_at(controls::ANSWER_SCHEMA.id, "answer-encoded-or-partial", String::new());
        return if is_blocking { Err(Refusal::UpstreamFault("answer-encoded-or-partial")) } else { Ok(response) };
    }
    let (mut head, body) = response.into_parts();
    let whole = Limited::new(body, MOST_ANSWER).collect().await;
    let bytes = whole.map_err(|_| Refusal::UpstreamFault("answer-too-large-or-cut"))?.to_bytes();
    let (operation, judged) = (contract.operation.clone(), bytes.clone());
    let removed = match contract.answers {
        Undeclared::Report => Removed::WriteOnly,
        Undeclared::Refuse | Undeclared::Strip => Removed::Undeclared,
    };
    let status = head.status.as_u16();
    let filtered = gate.judges.run(bytes.len(), move || {
        let outcome = operation.filter_answer(schema, &judged, removed);
        if let Some(lesson) = lesson {
            lesson.filtered(status, &outcome);
        }
        outcome
    });
    let filtered = filtered.await?;
    let bytes = match filtered {
        Ok(filtered) => settle(filtered, bytes, contract, &mut head.headers, trail)?,
        Err(unfit) => {
            let code = match unfit {
                Unfit::Json(fault) => fault.kind.code(),
                Unfit::TooMuch => "answer-too-much-undeclared",
            };
            trail.observe_at(controls::ANSWER_SCHEMA.id, code, String::new());
            if is_blocking {
                return Err(Refusal::UpstreamFault("answer-unreadable"));
            }
            bytes
        }
    };
    Ok(Response::from_parts(head, AnswerBody::full(bytes)))
}

/// Says what was found, and decides which body leaves.
fn settle(
    filtered: Filtered,
    bytes: Bytes,
    contract: &Contract,
    headers: &mut http::HeaderMap,
    trail: &mut Trail,
) -> Result<Bytes, Refusal> {
    let control = controls::ANSWER_SCHEMA.id;
    for pointer in filtered.found.iter().take(MOST_OBSERVED) {
        trail.observe_at(control, "answer-undeclared", place("body", pointer));
    }
    for fault in filtered.faults.iter().take(MOST_OBSERVED) {
        trail.observe_at(control, fault.rule, place("body", &fault.pointer));
    }
    if contract.mode == ContractMode::Observe {
        return Ok(bytes);
    }
    let is_faulty = !filtered.found.is_empty() || !filtered.faults.is_empty();
    if contract.answers == Undeclared::Refuse && is_faulty {
        return Err(Refusal::UpstreamFault("answer-undeclared"));
    }
    let Some(cut) = filtered.body else { return Ok(bytes) };
    for name in ABOUT_THE_OTHER_BODY {
        headers.remove(name);
    }
    if headers.contains_key(header::CONTENT_LENGTH) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(cut.len()));
    }
    Ok(cut.into())
}
