use std::sync::Arc;

use bartizan_policy::Owner;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full, Limited as LengthLimit};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::Instant;

use super::authenticate::Known;
use super::authorize::Authorized;
use super::filter::transport;
use super::inspect::Inspected;
use super::ownership::MOST_DOCUMENT_BYTES;
use super::{AskUpstream, Question};
use crate::answer::Transport;
use crate::body::{AnswerBody, BodyFault, BodyWatch, RequestBody};
use crate::exchange::{Content, Exchange, Trail};
use crate::fields;
use crate::gate::Gate;
use crate::ports::LocalService;
use crate::refusal::{Limited, Refusal};
use crate::route::{CompiledRoute, Target};
use crate::upstream::{Deadlines, Pool, Remote, SendFault};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const BARTIZAN_ASSERTION: HeaderName = HeaderName::from_static("bartizan-assertion");

/// An upstream's answer that nobody has looked at yet.
pub(crate) struct Forwarded {
    pub(super) response: Response<AnswerBody>,
    pub(super) context: Context,
}

/// What the stages after *forward* still need of the request.
pub(crate) struct Context {
    pub(super) route: Arc<CompiledRoute>,
    pub(super) caller: Option<Arc<Known>>,
    pub(super) limited: Option<Limited>,
    pub(super) pending_owner: Option<Owner>,
    pub(super) method: Method,
    pub(super) origin: Option<HeaderValue>,
    pub(super) request_id: bartizan_evidence::RequestId,
    pub(super) over_tls: bool,
}

impl Forwarded {
    pub(super) fn pending_owner(&self) -> Option<(Owner, Arc<Known>)> {
        let owner = self.context.pending_owner.clone()?;
        let is_field = matches!(owner.source, bartizan_policy::OwnerSource::Field(_));
        self.context.caller.clone().filter(|_| is_field).map(|caller| (owner, caller))
    }
}

/// Sends what was judged, exactly as it was judged, and what the gate says about it.
pub(super) async fn forward(
    inspected: Inspected,
    gate: &Arc<Gate>,
    pool: &Pool,
    trail: &mut Trail,
) -> Result<Forwarded, Refusal> {
    let mut authorized = inspected.into_permitted().into_authorized();
    let mut headers = std::mem::take(&mut authorized.routed.exchange_mut().head.headers);
    let reads_answer = authorized.pending_owner.is_some() || authorized.routed.route().answer.mask.is_some();
    Outbound::new(&authorized, gate).set_fields(&mut headers, reads_answer)?;
    let Authorized { routed, caller, limited, pending_owner, .. } = authorized;
    let (exchange, route, _) = routed.into_parts();
    let Exchange { mut head, body, connection, request_id, delivery, .. } = exchange;
    head.headers = headers;
    head.version = Version::HTTP_11;
    let context = Context {
        method: head.method.clone(),
        origin: head.headers.get(header::ORIGIN).cloned(),
        route: route.clone(),
        caller,
        limited,
        pending_owner,
        request_id,
        over_tls: connection.tls.is_some(),
    };
    let response = match &route.target {
        Target::Remote(remote) => {
            let idle = gate.config.server.timeouts.body_idle;
            let is_buffered = matches!(body, Content::Buffered(_));
            let (body, watch) = match body {
                Content::Stream(incoming) => RequestBody::bounded(incoming, route.rules.body_bytes, idle),
                Content::Buffered(bytes) => (RequestBody::from(bytes), BodyWatch::default()),
            };
            if !body.is_empty() && !head.headers.contains_key(header::CONTENT_LENGTH) {
                // Unless told, hyper takes a GET for one without a body, and the upstream would not get what was judged.
                head.headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
            let answer = send(Request::from_parts(head, body), remote, &route, pool, &watch).await;
            if !is_buffered {
                trail.request_bytes(watch.bytes());
            }
            answer?
        }
        Target::Local(service) => call(head, body, service.as_ref(), route.rules.body_bytes).await?,
    };
    if let Some(delivery) = delivery {
        delivery.answered(response.status());
    }
    Ok(Forwarded { response, context })
}

async fn send(
    request: Request<RequestBody>,
    remote: &Arc<Remote>,
    route: &CompiledRoute,
    pool: &Pool,
    watch: &BodyWatch,
) -> Result<Response<AnswerBody>, Refusal> {
    let deadlines = Deadlines::starting_now(route.rules.timeouts);
    let (response, lease) = pool.send(remote, request, deadlines).await.map_err(|fault| refusal(fault, watch))?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Refusal::UpstreamFault("switched-protocols-unasked"));
    }
    Ok(response.map(|incoming| AnswerBody::upstream(incoming, lease, deadlines.total)))
}

/// Whose fault a failed exchange is: a body that the client cut looks to the upstream's connection like any other error.
fn refusal(fault: SendFault, watch: &BodyWatch) -> Refusal {
    match (watch.fault(), fault) {
        (Some(BodyFault::TooLarge), _) => Refusal::BodyTooLarge,
        (Some(BodyFault::TooSlow), _) => Refusal::BodyTooSlow,
        (Some(BodyFault::Broken), _) => Refusal::Malformed("body-cut"),
        (None, SendFault::Unreachable(cause)) => Refusal::UpstreamUnreachable(cause),
        (None, SendFault::Timeout(what)) => Refusal::UpstreamTimeout(what),
        (None, SendFault::NoAnswer(cause)) => Refusal::UpstreamFault(cause),
    }
}

/// Hands the request to a room of this process, with its body read up to the route's limit.
async fn call(
    head: http::request::Parts,
    body: Content,
    service: &dyn LocalService,
    limit: u64,
) -> Result<Response<AnswerBody>, Refusal> {
    let bytes = match body {
        Content::Buffered(bytes) => bytes,
        Content::Stream(incoming) => {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            LengthLimit::new(incoming, limit).collect().await.map_err(|_| Refusal::BodyTooLarge)?.to_bytes()
        }
    };
    let response = service.call(Request::from_parts(head, bytes)).await;
    let (head, body) = response.into_parts();
    let bytes = whole(body).await;
    Ok(Response::from_parts(head, AnswerBody::full(bytes)))
}

async fn whole(body: Full<bytes::Bytes>) -> bytes::Bytes {
    match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(never) => match never {},
    }
}

/// What the gate says to the upstream about a request.
pub(crate) struct Outbound<'a> {
    exchange: &'a Exchange,
    route: &'a CompiledRoute,
    caller: Option<&'a Known>,
    gate: &'a Gate,
}

impl<'a> Outbound<'a> {
    pub(super) fn new(authorized: &'a Authorized, gate: &'a Gate) -> Self {
        let routed = &authorized.routed;
        Self { exchange: routed.exchange(), route: routed.route(), caller: authorized.caller.as_deref(), gate }
    }

    /// Removes whatever a client said in the gate's name and says it anew. `reads_answer`: the gate has to read the answer's body.
    pub(super) fn set_fields(&self, headers: &mut HeaderMap, reads_answer: bool) -> Result<(), Refusal> {
        fields::strip_hop_by_hop(headers);
        fields::strip_identity(headers);
        join_cookies(headers);
        // hyper answered `100-continue` itself; the upstream would answer it a second time.
        headers.remove(header::EXPECT);
        if reads_answer {
            // A part of a document, an encoded one or "not modified" could not be read.
            for partial in [
                header::ACCEPT_ENCODING,
                header::RANGE,
                header::IF_RANGE,
                header::IF_NONE_MATCH,
                header::IF_MODIFIED_SINCE,
            ] {
                headers.remove(partial);
            }
        }
        let exchange = self.exchange;
        let text = |text: &str| HeaderValue::from_str(text).map_err(|_| Refusal::Internal("unwritable-field"));
        let host = text(&exchange.authority)?;
        let scheme = match transport(exchange.connection.tls.is_some(), self.gate) {
            Transport::Tls => "https",
            Transport::Plain => "http",
        };
        headers.insert(X_REQUEST_ID, text(exchange.request_id.as_text().as_str())?);
        headers.insert(X_FORWARDED_FOR, text(&exchange.client.to_string())?);
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
        headers.insert(X_FORWARDED_HOST, host.clone());
        headers.insert(header::FORWARDED, text(&self.forwarded(scheme))?);
        headers.insert(header::HOST, host);
        if let Some(assertion) = self.gate.assertions.assertion(self.gate, self.route, self.caller, exchange.now)? {
            headers.insert(BARTIZAN_ASSERTION, assertion);
        }
        Ok(())
    }

    /// `Forwarded` (`RFC 7239`): one element, since whatever came before it is not believed.
    fn forwarded(&self, scheme: &str) -> String {
        let host = &self.exchange.authority;
        match self.exchange.client {
            std::net::IpAddr::V4(client) => format!(r#"for={client};host="{host}";proto={scheme}"#),
            std::net::IpAddr::V6(client) => format!(r#"for="[{client}]";host="{host}";proto={scheme}"#),
        }
    }
}

/// HTTP/2 may split `Cookie`; HTTP/1 must not (`RFC 9113 §8.2.3`).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(header::COOKIE).iter().nth(1).is_none() {
        return;
    }
    let pieces: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    match HeaderValue::from_bytes(&pieces.join(&b"; "[..])) {
        Ok(joined) => drop(headers.insert(header::COOKIE, joined)),
        Err(_) => drop(headers.remove(header::COOKIE)),
    }
}

impl AskUpstream for Pool {
    async fn document(&self, question: Question) -> Result<Value, Refusal> {
        let Question { remote, timeouts, path, headers } = question;
        let mut request = Request::new(RequestBody::Empty);
        *request.uri_mut() = path.parse().map_err(|_| Refusal::Internal("look-up-path-unreadable"))?;
        *request.headers_mut() = headers;
        let deadlines = Deadlines::starting_now(timeouts);
        let watch = BodyWatch::default();
        let (response, lease) = self.send(&remote, request, deadlines).await.map_err(|fault| refusal(fault, &watch))?;
        if response.status() != StatusCode::OK {
            return Err(Refusal::OwnerUnknown("look-up-did-not-succeed"));
        }
        let bytes = document_bytes(response.into_body(), deadlines.total).await?;
        lease.give_back();
        serde_json::from_slice(&bytes).map_err(|_| Refusal::OwnerUnknown("look-up-is-not-json"))
    }
}

async fn document_bytes(body: Incoming, deadline: Instant) -> Result<bytes::Bytes, Refusal> {
    let whole = LengthLimit::new(body, MOST_DOCUMENT_BYTES).collect();
    let collected = tokio::time::timeout_at(deadline, whole).await.map_err(|_| Refusal::UpstreamTimeout("look-up"))?;
    Ok(collected.map_err(|_| Refusal::OwnerUnknown("look-up-too-large-or-cut"))?.to_bytes())
}
