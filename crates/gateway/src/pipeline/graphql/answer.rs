use bartizan_controls::gate as controls;
use bartizan_inspect::graphql;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};

use crate::body::{AnswerBody, Source};
use crate::config::{ContractMode, Disclosures, Graphql};
use crate::exchange::Trail;
use crate::gate::Gate;
use crate::refusal::Refusal;

/// The largest answer that is read whole; errors come with answers that are small, or could not be read by their client either.
const MOST_ANSWER: usize = 16 << 20;
/// They name the body as the upstream made it.
const ABOUT_THE_OTHER_BODY: [&str; 6] =
    ["content-digest", "repr-digest", "digest", "content-md5", "etag", "accept-ranges"];

/// An answer without what its errors tell beside the error: a GraphQL server says 200 and tells everything.
pub(in crate::pipeline) async fn without_disclosures<S: Source>(
    response: Response<AnswerBody<S>>,
    rules: &Graphql,
    gate: &Gate,
    trail: &mut Trail,
) -> Result<Response<AnswerBody<S>>, Refusal> {
    let is_passed = rules.errors == Disclosures::Pass || response.status().is_server_error();
    if is_passed || response.status() == StatusCode::NOT_MODIFIED || !is_json(response.headers()) {
        return Ok(response);
    }
    let is_blocking = rules.mode == ContractMode::Block;
    if response.headers().contains_key(header::CONTENT_ENCODING) {
        trail.observe(controls::ERROR_HYGIENE.id, "graphql-answer-encoded");
        return if is_blocking { Err(Refusal::UpstreamFault("answer-encoded-or-partial")) } else { Ok(response) };
    }
    let (mut head, body) = response.into_parts();
    let whole = Limited::new(body, MOST_ANSWER).collect().await;
    let bytes = whole.map_err(|_| Refusal::UpstreamFault("answer-too-large-or-cut"))?.to_bytes();
    let judged = bytes.clone();
    let cleaned = gate.judges.run(bytes.len(), move || graphql::without_disclosures(&judged)).await?;
    let bytes = match cleaned {
        Ok(Some(cleaned)) => {
            trail.observe(controls::ERROR_HYGIENE.id, "graphql-errors-tell");
            if is_blocking { replaced(cleaned, &mut head.headers) } else { bytes }
        }
        Err(_) if is_blocking => return Err(Refusal::UpstreamFault("answer-unreadable")),
        Ok(None) | Err(_) => bytes,
    };
    Ok(Response::from_parts(head, AnswerBody::full(bytes)))
}

fn replaced(body: Vec<u8>, headers: &mut HeaderMap) -> bytes::Bytes {
    for name in ABOUT_THE_OTHER_BODY {
        headers.remove(name);
    }
    if headers.contains_key(header::CONTENT_LENGTH) {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    body.into()
}

/// What streams (events, parts of a deferred answer) is not JSON, and is not held up.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = kind.split(';').next().unwrap_or_default().trim();
    name.eq_ignore_ascii_case("application/json") || name.eq_ignore_ascii_case("application/graphql-response+json")
}
