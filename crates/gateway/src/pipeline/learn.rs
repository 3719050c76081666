//! Routes without a document whose traffic is looked at, so that one can be inferred. Nothing is judged here.

use std::time::SystemTime;

use bartizan_inspect::json::{Json, Limits, read};
use bartizan_inspect::learn::{LearnedAnswer, LearnedRequest};
use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{Method, Response};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::route::Routed;
use crate::body::{AnswerBody, Source, read_whole};
use crate::exchange::{Content, Exchange};
use crate::gate::Gate;
use crate::refusal::Refusal;
use crate::route::CompiledRoute;

/// Larger bodies are counted and not looked at: they would have to be held in memory.
const MOST_BYTES: u64 = 256 * 1024;

/// Remembers what a request looks like.
pub(super) async fn request(routed: &mut Routed, gate: &Gate) -> Result<(), Refusal> {
    let (api, limit) = (routed.route().name.clone(), routed.route().rules.body_bytes);
    let exchange = routed.exchange_mut();
    let mut body = None;
    if is_small_json(&exchange.head.headers) {
        let bytes = read_whole(exchange, limit, gate.config.server.timeouts, |_| {}).await?;
        body = json(&bytes);
        exchange.body = Content::Buffered(bytes);
    }
    let head = &exchange.head;
    let (operation, path) = gate.learning.operation(&api, head.method.as_str(), head.uri.path());
    let query = head.uri.query().unwrap_or_default();
    let request = LearnedRequest { path: &path, query, content_type: None, body: body.as_ref(), faults: &[] };
    gate.learning.request(&api, &operation, &request, seconds(exchange.arrived));
    Ok(())
}

/// Remembers what an answer looks like.
pub(super) async fn answer<S: Source>(
    mut response: Response<AnswerBody<S>>,
    route: &CompiledRoute,
    exchange: &Exchange,
    method: &Method,
    gate: &Gate,
) -> Result<Response<AnswerBody<S>>, Refusal> {
    let mut body = None;
    if *method != Method::HEAD && !response.body().is_end_stream() && is_small_json(response.headers()) {
        let (head, whole) = response.into_parts();
        let bytes = whole.collect().await.map_err(|_| Refusal::UpstreamFault("answer-cut"))?.to_bytes();
        body = json(&bytes);
        response = Response::from_parts(head, AnswerBody::full(bytes));
    }
    let (operation, _) = gate.learning.operation(&route.name, method.as_str(), exchange.head.uri.path());
    let status = response.status().as_u16();
    let answer = LearnedAnswer { status, content_type: None, body: body.as_ref(), faults: &[] };
    gate.learning.answer(&route.name, &operation, &answer, seconds(exchange.arrived));
    Ok(response)
}

fn json(bytes: &Bytes) -> Option<Json> {
    read(bytes, Limits::default()).ok()
}

/// Whether a body is JSON and says that it is small.
fn is_small_json(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let essence = text(header::CONTENT_TYPE).and_then(|it| it.split(';').next()).unwrap_or_default().trim();
    let is_json = essence.eq_ignore_ascii_case("application/json") || essence.ends_with("+json");
    let length = text(header::CONTENT_LENGTH).and_then(|it| it.parse::<u64>().ok());
    is_json && !headers.contains_key(header::CONTENT_ENCODING) && length.is_some_and(|it| it <= MOST_BYTES)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
