use std::sync::Arc;
use std::time::Duration;

use bartizan_controls::inspect as controls;
use bartizan_policy::{Owner, OwnerSource};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited as LengthLimit};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::Instant;

use super::authenticate::Known;
use super::authorize::Authorized;
use super::inspect::Inspected;
use super::outbound::Outbound;
use super::ownership::MOST_DOCUMENT_BYTES;
use super::{AskUpstream, Onward, Question};
use crate::body::{AnswerBody, BodyFault, BodyPace, BodyWatch, Leased, RequestBody};
use crate::config::{ClientTimeouts, Disclosures, MethodContract, Route, UpstreamTimeouts};
use crate::exchange::{Content, Exchange, Trail};
use crate::gate::Gate;
use crate::grpc;
use crate::grpc::shape::{Encoding, Shapes};
use crate::ports::LocalService;
use crate::refusal::Refusal;
use crate::route::{CompiledRoute, Target};
use crate::upstream::{Deadlines, Pool, Remote, SendFault, dedicated};
use crate::vigil::Vigil;
use crate::websocket::Tunnel;

/// An upstream's answer that nobody has looked at yet, with what was decided about its request.
pub(crate) struct Forwarded<S = Leased> {
    pub(super) response: Response<AnswerBody<S>>,
    pub(super) authorized: Authorized,
    /// What becomes of a request's body that may still be on its way.
    pub(super) request_body: Option<BodyWatch>,
}

/// How long an exchange may take, and what it may send.
pub(super) struct Terms {
    pub(super) timeouts: UpstreamTimeouts,
    pub(super) pace: BodyPace,
    pub(super) message_bytes: Option<u32>,
    shapes: Option<Shapes>,
}

impl Terms {
    /// A gRPC call has no end of its own: the client's deadline and silence are what bounds it.
    pub(super) fn of(rules: &Route, headers: &HeaderMap, client: ClientTimeouts) -> Self {
        let Some(grpc) = rules.grpc else {
            return Self { timeouts: rules.timeouts, pace: client.into(), message_bytes: None, shapes: None };
        };
        let total = grpc::timeout(headers).map_or(LONGEST_CALL, |timeout| timeout.min(LONGEST_CALL));
        let timeouts = UpstreamTimeouts { total, ..rules.timeouts };
        // Messages come when there is something to say.
        let pace = BodyPace { idle: rules.timeouts.stream_idle, min_rate: None };
        let limit = grpc.message_bytes;
        let shapes = |method: &Arc<MethodContract>| Shapes::new(method.clone(), limit, Encoding::of(headers));
        Self { timeouts, pace, message_bytes: Some(limit), shapes: rules.method.as_ref().map(shapes) }
    }

    /// The body within what holds for its messages.
    pub(super) fn bound(&mut self, body: RequestBody) -> RequestBody {
        let body = self.message_bytes.into_iter().fold(body, RequestBody::in_messages);
        self.shapes.take().into_iter().fold(body, RequestBody::in_shapes)
    }
}

/// Tells what was found in messages that passed.
pub(super) fn tell_found(watch: &BodyWatch, trail: &mut Trail) {
    if let Some(code) = watch.found().filter(|_| watch.fault().is_none()) {
        trail.observe(controls::GRPC.id, code);
    }
}

/// A gRPC call whose client sets no deadline ends after this long all the same.
const LONGEST_CALL: Duration = Duration::from_hours(24);

impl<S> Forwarded<S> {
    /// Tells the message of a webhook, if it is one, what became of it.
    pub(super) fn settle_delivery(&mut self) {
        if let Some(delivery) = self.authorized.routed.exchange_mut().delivery.take() {
            delivery.answered(self.response.status());
        }
    }

    /// The owner that only the answer can name, and who asks.
    pub(super) fn pending_owner(&self) -> Option<(&Owner, &Arc<Known>)> {
        let owner = self.authorized.pending_owner.as_deref()?;
        let caller = self.authorized.caller.as_ref()?;
        matches!(owner.source, OwnerSource::Field(_)).then_some((owner, caller))
    }
}

impl Onward for Pool {
    type Source = Leased;

    /// Sends what was judged, exactly as it was judged, and what the gate says about it.
    async fn forward(&self, inspected: Inspected, gate: &Gate, trail: &mut Trail) -> Result<Forwarded, Refusal> {
        let mut authorized = inspected.into_permitted().into_authorized();
        let headers = outbound_fields(&mut authorized, gate)?;
        let route = authorized.routed.route().clone();
        let mut request_body = None;
        let remote = chosen(&route.target, &authorized, trail);
        let response = match (remote, &route.target) {
            (Some(remote), _) if authorized.handshake.is_some() => {
                let remote = remote.clone();
                Box::pin(open_websocket(&mut authorized, headers, &remote, &route, gate, self)).await?
            }
            (Some(remote), _) => {
                let exchange = authorized.routed.exchange_mut();
                let mut terms = Terms::of(&route.rules, &headers, gate.config.server.timeouts);
                let body = exchange.take_body();
                let is_buffered = matches!(body, Content::Buffered(_));
                let (body, watch) = match body {
                    Content::Stream(incoming) => {
                        let (body, watch) = RequestBody::bounded(incoming, route.rules.body_bytes, terms.pace);
                        (terms.bound(body), watch)
                    }
                    Content::Buffered(bytes) => (RequestBody::from(bytes), BodyWatch::default()),
                };
                let mut request = request(exchange, headers, body);
                if !request.body().is_empty() && !request.headers().contains_key(header::CONTENT_LENGTH) {
                    // Unless told, hyper takes a GET for one without a body, and the upstream would not get what was judged.
                    request.headers_mut().insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
                }
                let deadlines = Deadlines::starting(trail.last_time().into(), terms.timeouts);
                let answer = send(&mut Some(request), remote, deadlines, self, &watch).await;
                // The stage that read a whole body has told its size.
                if !is_buffered {
                    trail.request_bytes(watch.bytes());
                    tell_found(&watch, trail);
                }
                request_body = terms.message_bytes.map(|_| watch);
                answer?
            }
            (None, Target::Local(service)) => {
                let exchange = authorized.routed.exchange_mut();
                Box::pin(call(exchange, headers, service.as_ref(), route.rules.body_bytes)).await?
            }
            (None, _) => return Err(Refusal::Internal("route-without-upstream")),
        };
        Ok(Forwarded { response, authorized, request_body })
    }
}

/// Which upstream gets the request; none where a room of this process does.
fn chosen<'t>(target: &'t Target, authorized: &Authorized, trail: &mut Trail) -> Option<&'t Arc<Remote>> {
    match target {
        Target::Remote(remote) => Some(remote),
        Target::Split(split) => {
            let caller = authorized.caller.as_ref().map(|known| &known.principal);
            let remote = split.of(caller, authorized.routed.exchange().client)?;
            trail.sent_to(remote.name());
            Some(remote)
        }
        Target::Local(_) => None,
    }
}

/// The request's fields as the upstream gets them.
pub(super) fn outbound_fields(authorized: &mut Authorized, gate: &Gate) -> Result<HeaderMap, Refusal> {
    let mut headers = std::mem::take(&mut authorized.routed.exchange_mut().head.headers);
    let route = authorized.routed.route();
    let is_filtered = route.rules.contract.as_ref().is_some_and(|contract| contract.operation.filters_answers());
    let reads_errors = route.graphql.as_ref().is_some_and(|it| it.rules.errors == Disclosures::Strip);
    let reads_answer = authorized.pending_owner.is_some() || route.answer.mask.is_some() || is_filtered || reads_errors;
    Outbound::new(authorized, gate).set_fields(&mut headers, reads_answer)?;
    Ok(headers)
}

/// The request as it was judged, around another body.
pub(super) fn request<B>(exchange: &mut Exchange, headers: HeaderMap, body: B) -> Request<B> {
    let mut request = Request::new(body);
    *request.method_mut() = exchange.head.method.clone();
    *request.uri_mut() = std::mem::take(&mut exchange.head.uri);
    *request.headers_mut() = headers;
    request
}

async fn send(
    request: &mut Option<Request<RequestBody>>,
    remote: &Arc<Remote>,
    deadlines: Deadlines,
    pool: &Pool,
    watch: &BodyWatch,
) -> Result<Response<AnswerBody>, Refusal> {
    let (response, lease) = pool.send(remote, request, deadlines).await.map_err(|fault| refusal(fault, watch))?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Refusal::UpstreamFault("switched-protocols-unasked"));
    }
    Ok(response.map(|incoming| AnswerBody::upstream(incoming, lease, deadlines.total)))
}

/// Opens a WebSocket connection of its own to the upstream. What the upstream answers instead is passed on like any answer.
async fn open_websocket(
    authorized: &mut Authorized,
    mut headers: HeaderMap,
    remote: &Arc<Remote>,
    route: &Arc<CompiledRoute>,
    gate: &Gate,
    pool: &Pool,
) -> Result<Response<AnswerBody>, Refusal> {
    let (Some(handshake), Some(rules)) = (&authorized.handshake, &route.rules.websocket) else {
        return Err(Refusal::Internal("websocket-without-handshake"));
    };
    handshake.set_fields(&mut headers, rules.compression);
    let asked = headers.clone();
    let vigil = Vigil {
        caller: authorized.caller.clone(),
        route: route.clone(),
        client: authorized.routed.exchange().client,
        parameters: authorized.routed.parameters().to_vec(),
        standing: gate.standing.clone(),
    };
    let deadlines = Deadlines::starting_now(route.rules.timeouts);
    let exchange = authorized.routed.exchange_mut();
    let request_id = exchange.request_id;
    let request = request(exchange, headers, RequestBody::Empty);
    let answer = dedicated(pool, remote, request, deadlines).await;
    let (mut answer, ticket) = answer.map_err(|fault| refusal(fault, &BodyWatch::default()))?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(answer.map(|incoming| AnswerBody::dedicated(incoming, deadlines.total)));
    }
    let (ours, compression) = handshake.accept(&asked, answer.headers())?;
    let upgraded = hyper::upgrade::on(&mut answer).await.map_err(|_| Refusal::UpstreamFault("websocket-handshake"))?;
    let tunnel = Tunnel::new(upgraded, rules.clone(), compression, vigil, request_id, ticket);
    Ok(ours.map(|_| AnswerBody::tunnel(tunnel)))
}

/// Whose fault a failed exchange is: a body that the client cut looks to the upstream's connection like any other error.
fn refusal(fault: SendFault, watch: &BodyWatch) -> Refusal {
    match (watch.fault(), fault) {
        (Some(BodyFault::TooLarge), _) => Refusal::BodyTooLarge,
        (Some(BodyFault::TooSlow), _) => Refusal::BodyTooSlow,
        (Some(BodyFault::Broken), _) => Refusal::Malformed("body-cut"),
        (Some(BodyFault::Malformed), _) => Refusal::Malformed("malformed-body"),
        (Some(BodyFault::Shape), _) => Refusal::Message(watch.found().unwrap_or("grpc-message")),
        (None, SendFault::Unreachable(cause)) => Refusal::UpstreamUnreachable(cause),
        (None, SendFault::Timeout(what)) => Refusal::UpstreamTimeout(what),
        (None, SendFault::NoAnswer(cause) | SendFault::Unprocessed(cause) | SendFault::BadAnswer(cause)) => {
            Refusal::UpstreamFault(cause)
        }
        (None, SendFault::Busy(cause)) => Refusal::UpstreamBusy(cause),
    }
}

/// Hands the request to a room of this process, with its body read up to the route's limit.
async fn call(
    exchange: &mut Exchange,
    headers: HeaderMap,
    service: &dyn LocalService,
    limit: u64,
) -> Result<Response<AnswerBody>, Refusal> {
    let bytes = match exchange.take_body() {
        Content::Buffered(bytes) => bytes,
        Content::Stream(incoming) => {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            LengthLimit::new(incoming, limit).collect().await.map_err(|_| Refusal::BodyTooLarge)?.to_bytes()
        }
    };
    let response = service.call(request(exchange, headers, bytes)).await;
    let (head, body) = response.into_parts();
    let bytes = whole(body).await;
    Ok(Response::from_parts(head, AnswerBody::full(bytes)))
}

async fn whole(body: Full<Bytes>) -> Bytes {
    match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(never) => match never {},
    }
}

impl AskUpstream for Pool {
    async fn document(&self, question: Question) -> Result<Value, Refusal> {
        let Question { route, path, headers } = question;
        let remote = match &route.target {
            Target::Remote(remote) => Some(remote),
            Target::Split(split) => split.first(),
            Target::Local(_) => None,
        };
        let remote = remote.ok_or(Refusal::OwnerUnknown("no-upstream-to-ask"))?;
        let mut request = Request::new(RequestBody::Empty);
        *request.uri_mut() = path.parse().map_err(|_| Refusal::Internal("look-up-path-unreadable"))?;
        *request.headers_mut() = headers;
        let deadlines = Deadlines::starting_now(route.rules.timeouts);
        let watch = BodyWatch::default();
        let sent = &mut Some(request);
        let (response, lease) = self.send(remote, sent, deadlines).await.map_err(|fault| refusal(fault, &watch))?;
        if response.status() != StatusCode::OK {
            return Err(Refusal::OwnerUnknown("look-up-did-not-succeed"));
        }
        let bytes = document_bytes(response.into_body(), deadlines.total).await?;
        lease.give_back();
        serde_json::from_slice(&bytes).map_err(|_| Refusal::OwnerUnknown("look-up-is-not-json"))
    }
}

async fn document_bytes(body: Incoming, deadline: Instant) -> Result<Bytes, Refusal> {
    let whole = LengthLimit::new(body, MOST_DOCUMENT_BYTES).collect();
    let collected = tokio::time::timeout_at(deadline, whole).await.map_err(|_| Refusal::UpstreamTimeout("look-up"))?;
    Ok(collected.map_err(|_| Refusal::OwnerUnknown("look-up-too-large-or-cut"))?.to_bytes())
}
