//! A sampled request as two spans: the gate's own (server), with an event where each stage began, and the exchange with the upstream
//! (client), whose id the upstream got as its parent. Both end with the head of the answer.

use super::logs::{method, own_attributes, request_attributes, unix_nanos};
use super::messages::{KeyValue, Link, Span, SpanEvent, Status};
use crate::event::RequestEvent;
use crate::{Event, Outcome, Stage, Trace};

const SERVER: i32 = 2;
const CLIENT: i32 = 3;
const STATUS_ERROR: i32 = 2;
/// That a parent's being remote is told, and that it is (`SpanFlags` of the protocol).
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

pub(super) fn is_sampled(event: &Event) -> bool {
    matches!(event, Event::Request(request) if request.trace.as_ref().is_some_and(|trace| trace.sampled))
}

/// The spans of an event; none of one that is not sampled.
pub(super) fn of(event: &Event) -> impl Iterator<Item = Span> {
    let request = match event {
        Event::Request(request) => Some(request),
        _ => None,
    };
    let sampled = request.and_then(|request| Some((request, request.trace.as_deref().filter(|it| it.sampled)?)));
    let (server, client) = match sampled {
        Some((request, trace)) => (Some(server(request, trace)), client(request, trace)),
        None => (None, None),
    };
    server.into_iter().chain(client)
}

fn server(request: &RequestEvent, trace: &Trace) -> Span {
    let start = unix_nanos(request.time);
    let method = request.method.as_str();
    let name = request.route.as_ref().map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
    let mut attributes = request_attributes(request);
    attributes.extend(own_attributes(request));
    let remote_parent = if trace.parent.is_some() { IS_REMOTE } else { 0 };
    let link = |(id, span): (crate::TraceId, crate::SpanId)| Link {
        trace_id: id.bytes().to_vec(),
        span_id: span.bytes().to_vec(),
    };
    Span {
        trace_id: trace.id.bytes().to_vec(),
        span_id: trace.span.bytes().to_vec(),
        parent_span_id: trace.parent.map(|parent| parent.bytes().to_vec()).unwrap_or_default(),
        name,
        kind: SERVER,
        start_time_unix_nano: start,
        end_time_unix_nano: start.saturating_add(nanos(request.timings.total())),
        attributes,
        events: stages(request, start),
        links: trace.link.map(link).into_iter().collect(),
        status: status(request),
        flags: 1 | HAS_IS_REMOTE | remote_parent,
    }
}

/// Stages follow one another, so that each began where those before it had ended; one that ran twice is told as one.
fn stages(request: &RequestEvent, start: u64) -> Vec<SpanEvent> {
    let begun = request.timings.iter().scan(start, |at, (stage, took)| {
        let begun = *at;
        *at = at.saturating_add(nanos(took));
        Some((stage, begun, took))
    });
    begun
        .map(|(stage, time_unix_nano, took)| SpanEvent {
            time_unix_nano,
            name: format!("bartizan.stage.{}", stage.as_str()),
            attributes: vec![KeyValue::whole("bartizan.duration_ns", nanos(took))],
        })
        .collect()
}

fn client(request: &RequestEvent, trace: &Trace) -> Option<Span> {
    let upstream = request.upstream.as_deref()?;
    let took = request.timings.of(Stage::Forward);
    if took.is_zero() {
        return None;
    }
    let before = request.timings.iter().take_while(|(stage, _)| *stage < Stage::Forward);
    let start = before.fold(unix_nanos(request.time), |at, (_, took)| at.saturating_add(nanos(took)));
    let mut attributes = vec![
        method(request.method.as_str()),
        KeyValue::text("server.address", upstream),
        KeyValue::text("bartizan.upstream", upstream),
    ];
    let has_answered = request.outcome == Outcome::Answered;
    if has_answered {
        attributes.push(KeyValue::whole("http.response.status_code", request.status));
    }
    Some(Span {
        trace_id: trace.id.bytes().to_vec(),
        span_id: trace.upstream_span.bytes().to_vec(),
        parent_span_id: trace.span.bytes().to_vec(),
        name: request.method.as_str().to_owned(),
        kind: CLIENT,
        start_time_unix_nano: start,
        end_time_unix_nano: start.saturating_add(nanos(took)),
        attributes,
        status: status(request),
        flags: 1 | HAS_IS_REMOTE,
        ..Span::default()
    })
}

/// A refusal is the gate at work; only what failed, or the upstream answered with 5xx, is an error.
fn status(request: &RequestEvent) -> Option<Status> {
    let failed = request.outcome == Outcome::Failed || request.status >= 500;
    let message = request.reason.as_ref().map_or_else(String::new, |reason| reason.code.to_owned());
    failed.then_some(Status { message, code: STATUS_ERROR })
}

fn nanos(took: std::time::Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}
