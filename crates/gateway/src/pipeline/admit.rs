use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::Authority;
use http::{Method, Uri, Version};

use crate::client_address::client_address;
use crate::config::TracePolicy;
use crate::exchange::{Exchange, Raw, Trail};
use crate::gate::Gate;
use crate::path::CanonicalPath;
use crate::path::query::Query;
use crate::refusal::Refusal;
use crate::trace;
use crate::trace_context::TRACEPARENT;
use crate::websocket::handshake;

/// A request that can be read in one way only.
pub(crate) struct Admitted(Box<Exchange>);

impl Admitted {
    pub(super) fn into_exchange(self) -> Box<Exchange> {
        self.0
    }
}

/// A place among the requests in flight, given back when the answer has flowed.
pub(crate) struct Admission(Arc<AtomicUsize>);

impl Admission {
    /// A place, if fewer than `most` are taken.
    pub(crate) fn take(in_flight: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let before = in_flight.fetch_add(1, Ordering::Relaxed);
        let place = Self(in_flight.clone());
        (before < most).then_some(place)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Refuses what gate and upstream, or two parsers, could read differently; normalizes what remains, once.
pub(super) fn admit(raw: Raw, gate: &Gate, trail: &mut Trail) -> Result<Admitted, Refusal> {
    let mut exchange = raw.into_unjudged();
    if let Some(policy) = gate.config.trace {
        // First of all, so that what is refused has its place in the trace too.
        let client = exchange.connection.client;
        enter_trace(policy, &mut exchange.head.headers, client, gate, trail);
    }
    if handshake::is_extended_connect(&exchange.head) {
        // It opens a connection to the resource that a GET would be for (`RFC 8441 §5`), and is routed and judged as one.
        exchange.head.method = Method::GET;
    }
    let head = &exchange.head;
    let server = &gate.config.server;
    let survey = Survey::of(&head.headers);
    check_sizes(&head.uri, &survey, server.bounds)?;
    check_method(&head.method)?;
    check_framing(head, &survey)?;
    let authority = authority(head, &survey, gate, exchange.connection.client)?;
    let client = client_address(exchange.connection.client, &head.headers, &server.trusted_proxies)
        .map_err(|fault| Refusal::AmbiguousForwarding(fault.code()))?;
    let path = CanonicalPath::parse(head.uri.path()).map_err(|fault| Refusal::AmbiguousPath(fault.code()))?;
    if let Some(query) = head.uri.query() {
        Query::parse(query).map_err(|fault| Refusal::AmbiguousPath(fault.code()))?;
    }
    if !path.is_as_sent() || head.uri.authority().is_some() {
        exchange.head.uri = judged_target(&path, head.uri.query())?;
    }
    exchange.client = client;
    exchange.authority = authority;
    trail.admitted(&exchange);
    Ok(Admitted(exchange))
}

fn enter_trace(policy: TracePolicy, headers: &mut HeaderMap, peer: IpAddr, gate: &Gate, trail: &mut Trail) {
    let mut random = [0; 36];
    // Without randomness there are no ids, and the request is not part of a trace: not worth refusing service for.
    let _ = aws_lc_rs::rand::fill(&mut random);
    match trace::enter(policy, headers, peer, &gate.config.server.trusted_proxies, &random) {
        Some(trace) => trail.traced(trace),
        None => drop(headers.remove(TRACEPARENT)),
    }
}

/// What the fields are, from one pass over them: asking for each name costs a hash for every one of them.
#[derive(Default)]
struct Survey<'a> {
    fields: usize,
    bytes: usize,
    hosts: Said<'a>,
    lengths: Said<'a>,
    codings: Said<'a>,
    expectations: Said<'a>,
    others: [Said<'a>; 3],
}

/// A field that may be said once: its first value, and how often it is there.
#[derive(Clone, Copy, Default)]
struct Said<'a> {
    first: Option<&'a HeaderValue>,
    times: usize,
}

/// Beside those that frame the message: fields of which gate and upstream could believe different ones.
const SINGLE: [HeaderName; 3] = [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::ORIGIN];

impl<'a> Survey<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let mut survey = Self::default();
        for (name, value) in headers {
            survey.fields += 1;
            // Four bytes a field: colon, space and line end, as HTTP/1 would have sent it.
            survey.bytes += name.as_str().len() + value.len() + 4;
            let said = if *name == header::HOST {
                &mut survey.hosts
            } else if *name == header::CONTENT_LENGTH {
                &mut survey.lengths
            } else if *name == header::TRANSFER_ENCODING {
                &mut survey.codings
            } else if *name == header::EXPECT {
                &mut survey.expectations
            } else if let Some((_, said)) = SINGLE.iter().zip(&mut survey.others).find(|(single, _)| *single == name) {
                said
            } else {
                continue;
            };
            said.first.get_or_insert(value);
            said.times += 1;
        }
        survey
    }
}

fn check_sizes(target: &Uri, survey: &Survey<'_>, bounds: crate::config::Bounds) -> Result<(), Refusal> {
    let target_bytes = target.path().len() + target.query().map_or(0, |query| query.len() + 1);
    if target_bytes > bounds.target_bytes.get() {
        return Err(Refusal::TargetTooLong);
    }
    if survey.fields > bounds.headers.get() || survey.bytes > bounds.head_bytes.get() {
        return Err(Refusal::HeadTooLarge);
    }
    Ok(())
}

/// TRACE echoes credentials back (cross-site tracing); CONNECT would make the gate an open proxy.
fn check_method(method: &Method) -> Result<(), Refusal> {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    if known.contains(method) { Ok(()) } else { Err(Refusal::MethodNotAllowed(known.to_vec())) }
}

/// Request smuggling: what decides where a message ends must be said once, and in one way (`RFC 9112 §6.3`, CWE-444).
fn check_framing(head: &http::request::Parts, survey: &Survey<'_>) -> Result<(), Refusal> {
    if survey.lengths.times > 1 {
        return Err(Refusal::Malformed("repeated-content-length"));
    }
    if let Some(coding) = survey.codings.first {
        if head.version != Version::HTTP_11 {
            return Err(Refusal::Malformed("transfer-encoding-outside-http-1.1"));
        }
        if survey.lengths.times > 0 {
            return Err(Refusal::Malformed("content-length-with-transfer-encoding"));
        }
        if survey.codings.times > 1 || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err(Refusal::Malformed("transfer-encoding-other-than-chunked"));
        }
    }
    if survey.expectations.times > 1 || survey.others.iter().any(|said| said.times > 1) {
        return Err(Refusal::Malformed("repeated-single-field"));
    }
    match survey.expectations.first {
        Some(expect) if !expect.as_bytes().eq_ignore_ascii_case(b"100-continue") => Err(Refusal::ExpectationFailed),
        _ => Ok(()),
    }
}

/// Whom the client asked for, said once: in `Host`, in `:authority`, or in both alike (`RFC 9112 §3.2`, `RFC 9113 §8.3.1`); and one
/// that is served here.
fn authority(
    head: &http::request::Parts,
    survey: &Survey<'_>,
    gate: &Gate,
    peer: IpAddr,
) -> Result<HeaderValue, Refusal> {
    if survey.hosts.times > 1 {
        return Err(Refusal::Malformed("repeated-host"));
    }
    // Nearly every request names the gate as its configuration does: then there is nothing to parse.
    if let (Some(host), None) = (survey.hosts.first, head.uri.authority())
        && *host == gate.own_authority
        // A configuration that names no authority accepts no empty `Host` for it.
        && !host.is_empty()
    {
        return Ok(host.clone());
    }
    let host = survey.hosts.first.map(|host| Authority::try_from(host.as_bytes())).transpose();
    let host = host.map_err(|_| Refusal::Malformed("unreadable-host"))?;
    let authority = match (host, head.uri.authority()) {
        (Some(host), Some(target)) if !host.as_str().eq_ignore_ascii_case(target.as_str()) => {
            return Err(Refusal::Malformed("host-differs-from-target"));
        }
        (Some(host), _) => host,
        // HTTP/1.1 demands `Host` even beside an absolute target; HTTP/2 has `:authority` in its place.
        (None, Some(target)) if head.version == Version::HTTP_2 => target.clone(),
        (None, _) => return Err(Refusal::Malformed("missing-host")),
    };
    if authority.as_str().contains('@') {
        return Err(Refusal::Malformed("credentials-in-host"));
    }
    check_host(&authority, gate, peer.to_canonical().is_loopback())?;
    HeaderValue::from_str(authority.as_str()).map_err(|_| Refusal::Malformed("unreadable-host"))
}

fn check_host(authority: &Authority, gate: &Gate, from_this_machine: bool) -> Result<(), Refusal> {
    let server = &gate.config.server;
    let host = authority.host();
    let is_ours = server.public_url.host().is_some_and(|ours| ours.eq_ignore_ascii_case(host))
        || server.hosts.iter().any(|ours| &**ours == "*" || ours.eq_ignore_ascii_case(host))
        || (from_this_machine && is_loopback_name(host));
    if is_ours { Ok(()) } else { Err(Refusal::Misdirected) }
}

fn is_loopback_name(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The target that is routed and forwarded: the canonical path with the query as it came.
fn judged_target(path: &CanonicalPath, query: Option<&str>) -> Result<Uri, Refusal> {
    let target = match query {
        Some(query) => format!("{}?{query}", path.as_str()),
        None => path.as_str().to_owned(),
    };
    Uri::try_from(target).map_err(|_| Refusal::AmbiguousPath("unreadable-target"))
}
