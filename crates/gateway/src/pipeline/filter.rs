use std::sync::Arc;

use bartizan_controls::gate as controls;
use bartizan_evidence::{Recorder, RequestId};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode, Uri};
use tokio::time::Instant;

use super::admit::Admission;
use super::forward::Forwarded;
use super::graphql;
use super::ownership::OwnedAnswer;
use super::streaming;
use super::{declared, learn};
use crate::answer::errors;
use crate::answer::mask::{Mask, Masker};
use crate::answer::{Caller, Transport};
use crate::body::{AnswerBody, Form, Source};
use crate::config::Shapes;
use crate::exchange::{Exchange, OpenAnswer, Trail};
use crate::fields;
use crate::gate::Gate;
use crate::grpc;
use crate::refusal::{Refusal, problem};
use crate::route::CompiledRoute;
use crate::sign_in;

/// What is known of a request when it is refused: its answer still has to be one that the asking page may read.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) route: Option<Arc<CompiledRoute>>,
    pub(super) origin: Option<HeaderValue>,
    pub(super) method: Method,
    pub(super) over_tls: bool,
    /// Whether it is a gRPC call, whose client reads no problem document.
    pub(super) is_grpc: bool,
    /// In which form a client of GraphQL reads errors, on a route for such.
    pub(super) graphql: Option<HeaderValue>,
    /// Where a browser wanted to go, if a sign-in could lead it there.
    pub(super) destination: Option<Box<Uri>>,
    /// The deadline that the client of such a call has set.
    pub(super) deadline: Option<Instant>,
}

/// Brings an upstream's answer into order: what describes the server is removed, what protects the user is added, and what leaked by
/// mistake does not leave.
pub(super) async fn filter<S: Source>(
    owned: OwnedAnswer<S>,
    seen: &Seen,
    gate: &Gate,
    recorder: &Recorder,
    admission: Admission,
    trail: &mut Trail,
) -> Result<Response<AnswerBody<S>>, Refusal> {
    let Forwarded { mut response, authorized, request_body } = owned.into_forwarded();
    let route = authorized.routed.route();
    let exchange = authorized.routed.exchange();
    if authorized.handshake.is_some() && is_handover(&mut response) {
        // Nothing but the handshake is in it: it has no body to describe, and no page.
        route.answer.cookies.harden(response.headers_mut(), transport(seen.over_tls, gate));
        if let Some(Some(tunnel)) = response.body_mut().tunnel_mut() {
            tunnel.attach(recorder.clone(), admission);
        }
        return Ok(response);
    }
    if let Some(contract) = &route.rules.contract {
        let arrived = exchange.arrived;
        response = Box::pin(declared::only_declared(response, contract, &seen.method, arrived, gate, trail)).await?;
    } else if route.rules.shapes == Shapes::Learned {
        response = Box::pin(learn::answer(response, route, exchange, &seen.method, gate)).await?;
    }
    if let Some(endpoint) = &route.graphql {
        response = Box::pin(graphql::without_disclosures(response, &endpoint.rules, gate, trail)).await?;
    }
    let mut response = hide_faults(response, seen, exchange.request_id, trail).await;
    let form = streaming::form(response.headers(), route);
    let headers = response.headers_mut();
    fields::strip_hop_by_hop(headers);
    let transport = transport(seen.over_tls, gate);
    route.answer.cookies.harden(headers, transport);
    apply_cors(route, &seen.method, seen.origin.as_ref(), headers);
    let caller = if authorized.caller.is_some() { Caller::Authenticated } else { Caller::Anonymous };
    route.answer.headers.apply(headers, transport, caller);
    if let Some(limited) = exchange.limited {
        limited.add_fields(headers);
    }
    if form == Some(Form::Events) {
        streaming::pass_at_once(headers);
    }
    if let Some(mask) = &route.answer.mask {
        response = masked(response, mask, trail)?;
    }
    if let Some(form) = form {
        let flow = streaming::flow(form, &authorized, request_body, seen, gate);
        response = response.map(|body| body.flowing(flow));
    }
    let open = OpenAnswer::new(recorder.clone(), exchange.request_id, trail.last_time(), admission);
    Ok(response.map(|body| body.watched(open)))
}

fn is_handover<S: Source>(response: &mut Response<AnswerBody<S>>) -> bool {
    response.status() == StatusCode::SWITCHING_PROTOCOLS || response.body_mut().tunnel_mut().is_some()
}

/// A refusal's answer carries what every answer carries.
pub(super) fn refused(refusal: Refusal, request_id: RequestId, seen: &Seen, gate: &Gate) -> Response<Bytes> {
    if let (Some(route), Some(destination), Some(sign_in)) = (&seen.route, &seen.destination, &gate.config.sign_in)
        && let Some(mut response) = sign_in::redirection(&refusal, route, destination, sign_in)
    {
        route.answer.headers.apply(response.headers_mut(), transport(seen.over_tls, gate), Caller::Anonymous);
        return response;
    }
    let face = (seen.is_grpc || seen.graphql.is_some()).then(|| refusal.clone());
    let mut response = refusal.into_response(request_id);
    match (face, &seen.graphql) {
        (Some(refusal), Some(media_type)) => {
            response = crate::graphql::refused(&refusal, response, media_type.clone());
        }
        (Some(refusal), None) => return grpc::refused(&refusal, response, request_id),
        (None, _) => {}
    }
    let headers = response.headers_mut();
    let transport = transport(seen.over_tls, gate);
    match &seen.route {
        Some(route) => {
            // Without these the page that asked could not tell "sign in again" from a network fault.
            apply_cors(route, &seen.method, seen.origin.as_ref(), headers);
            route.answer.headers.apply(headers, transport, Caller::Anonymous);
        }
        None => gate.plain_headers.apply(headers, transport, Caller::Anonymous),
    }
    response
}

/// Answers a browser that asks whether it may ask, for the first route of the path whose policy knows the method.
pub(super) fn preflight(
    exchange: &Exchange,
    routes: &[Arc<CompiledRoute>],
    gate: &Gate,
) -> Option<(Arc<CompiledRoute>, Response<Bytes>)> {
    let head = &exchange.head;
    let asked = head.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    let asked = Method::from_bytes(asked.as_bytes()).ok()?;
    let route = routes.iter().find(|route| route.rules.methods.contains(&asked)).or(routes.first())?;
    let (status, fields) = route.answer.cors.preflight(&head.method, &head.headers)?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    let transport = transport(exchange.connection.tls.is_some(), gate);
    route.answer.headers.apply(response.headers_mut(), transport, Caller::Anonymous);
    Some((route.clone(), response))
}

/// What the plain HTTP listener answers: the same URL over TLS. The host is the configured one, never the client's `Host`, which
/// would make this an open redirect.
pub(super) fn redirection(target: &http::Uri, gate: &Gate) -> Response<Bytes> {
    let authority = gate.config.server.public_url.authority().map_or("localhost", http::uri::Authority::as_str);
    // `*` is no path: behind an authority it would become a part of the host's name.
    let target = target.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let target = if target.starts_with('/') && target.is_ascii() { target } else { "/" };
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    // `//elsewhere` would be read as another host if it stood alone; behind an authority it is a path.
    if let Ok(location) = HeaderValue::from_str(&format!("https://{authority}{target}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    gate.plain_headers.apply(response.headers_mut(), Transport::Plain, Caller::Anonymous);
    response
}

/// What a certificate authority asks for on the plain listener (`RFC 8555 §8.3`).
pub(super) fn challenge_document(document: String, gate: &Gate) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(document));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    gate.plain_headers.apply(headers, Transport::Plain, Caller::Anonymous);
    response
}

fn apply_cors(route: &CompiledRoute, method: &Method, origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
    let mut request = HeaderMap::new();
    if let Some(origin) = origin {
        request.insert(header::ORIGIN, origin.clone());
    }
    route.answer.cors.apply(method, &request, answer);
}

/// Where a trusted proxy ends TLS, the client speaks it all the same.
pub(super) fn transport(over_tls: bool, gate: &Gate) -> Transport {
    let is_behind_tls = gate.config.server.public_url.scheme_str() == Some("https");
    if over_tls || is_behind_tls { Transport::Tls } else { Transport::Plain }
}

/// Replaces bodies that tell how the upstream is made: every 5xx, and a 4xx that holds a stack trace. What a backend calls a success
/// is not looked at: a page about stack traces is a page.
async fn hide_faults<S: Source>(
    response: Response<AnswerBody<S>>,
    seen: &Seen,
    request_id: RequestId,
    trail: &mut Trail,
) -> Response<AnswerBody<S>> {
    let (head, body) = response.into_parts();
    let is_error = head.status.is_client_error();
    let (body, tells) = if errors::replaces_body(head.status) {
        (body, Some("upstream-error-body"))
    } else if is_error && errors::may_hold_trace(head.headers.get(header::CONTENT_TYPE)) {
        let (start, body) = body.peeked(errors::TRACE_WINDOW).await;
        (body, errors::is_stack_trace(&start).then_some("upstream-stack-trace"))
    } else {
        (body, None)
    };
    let Some(code) = tells else { return Response::from_parts(head, body) };
    trail.observe(controls::ERROR_HYGIENE.id, code);
    let mut answer = problem(head.status, "upstream-error", "The service behind reported an error", request_id);
    // What tells the client when to come back is no secret.
    for kept in [header::RETRY_AFTER, header::ALLOW, header::WWW_AUTHENTICATE] {
        if let Some(value) = head.headers.get(&kept) {
            answer.headers_mut().insert(kept, value.clone());
        }
    }
    if seen.is_grpc {
        answer = grpc::failed(answer, request_id);
    }
    answer.map(AnswerBody::full)
}

/// Puts the masker into the body's way. A body that cannot be read cannot be masked, and does not leave.
fn masked<S: Source>(
    response: Response<AnswerBody<S>>,
    mask: &Mask,
    trail: &mut Trail,
) -> Result<Response<AnswerBody<S>>, Refusal> {
    if response.headers().contains_key(header::CONTENT_ENCODING) {
        trail.observe(controls::MASKING.id, "encoded-answer");
        return Err(Refusal::UpstreamFault("encoded-although-identity-was-asked-for"));
    }
    let (mut head, body) = response.into_parts();
    // These name the body as the upstream made it, and would let a cache or a client take up the other one half-way.
    for about_the_other_body in ["content-digest", "repr-digest", "digest", "content-md5", "etag", "accept-ranges"] {
        head.headers.remove(about_the_other_body);
    }
    Ok(Response::from_parts(head, body.masked(Masker::new(mask.clone()))))
}
