//! Answers without an end of their own: recognized here, watched over in their body.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::authorize::Authorized;
use super::filter::Seen;
use crate::body::{BodyWatch, Flow, Form};
use crate::gate::Gate;
use crate::grpc;
use crate::route::CompiledRoute;
use crate::vigil::Vigil;

const EVENT_STREAM: &[u8] = b"text/event-stream";
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Whether an answer flows, and in which form. gRPC only where the route says so: what it is excused from are limits.
pub(super) fn form(headers: &HeaderMap, route: &CompiledRoute) -> Option<Form> {
    let kind = headers.get(header::CONTENT_TYPE)?.as_bytes();
    if let Some((start, rest)) = kind.split_at_checked(EVENT_STREAM.len())
        && start.eq_ignore_ascii_case(EVENT_STREAM)
        && matches!(rest.first(), None | Some(b';' | b' '))
    {
        return Some(Form::Events);
    }
    (route.rules.grpc.is_some() && grpc::is_call(headers)).then_some(Form::Grpc)
}

/// Tells whatever stands between the gate and the client to pass events on as they come.
pub(super) fn pass_at_once(headers: &mut HeaderMap) {
    headers.entry(X_ACCEL_BUFFERING).or_insert(HeaderValue::from_static("no"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
}

/// What bounds such an answer.
pub(super) fn flow(
    form: Form,
    authorized: &Authorized,
    request_body: Option<BodyWatch>,
    seen: &Seen,
    gate: &Gate,
) -> Flow {
    let exchange = authorized.routed.exchange();
    let vigil = Vigil {
        caller: authorized.caller.clone(),
        route: authorized.routed.route().clone(),
        client: exchange.client,
        parameters: authorized.routed.parameters().to_vec(),
        standing: gate.standing.clone(),
    };
    let idle = authorized.routed.route().rules.timeouts.stream_idle;
    let deadline = if form == Form::Grpc { seen.deadline } else { None };
    let mut flow = Flow::new(form, idle, deadline, Some(vigil).filter(Vigil::is_needed));
    flow.request = request_body;
    flow
}
