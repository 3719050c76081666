use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header::{self, HeaderMap, HeaderValue};
use http::uri::Authority;
use http::{Method, Uri, Version};

use crate::client_address::client_address;
use crate::exchange::{Exchange, Raw, Trail};
use crate::gate::Gate;
use crate::path::CanonicalPath;
use crate::path::query::Query;
use crate::refusal::Refusal;

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
    let head = &exchange.head;
    let server = &gate.config.server;
    check_sizes(&head.uri, &head.headers, server.bounds)?;
    check_method(&head.method)?;
    check_framing(head)?;
    let authority = authority(head)?;
    check_host(&authority, gate, exchange.connection.client.is_loopback())?;
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
    exchange.authority =
        HeaderValue::from_str(authority.as_str()).map_err(|_| Refusal::Malformed("unreadable-host"))?;
    trail.admitted(&exchange);
    Ok(Admitted(exchange))
}

fn check_sizes(target: &Uri, headers: &HeaderMap, bounds: crate::config::Bounds) -> Result<(), Refusal> {
    let target_bytes = target.path().len() + target.query().map_or(0, |query| query.len() + 1);
    if target_bytes > bounds.target_bytes.get() {
        return Err(Refusal::TargetTooLong);
    }
    // Four bytes a field: colon, space and line end, as HTTP/1 would have sent it.
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if headers.len() > bounds.headers.get() || bytes > bounds.head_bytes.get() {
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
fn check_framing(head: &http::request::Parts) -> Result<(), Refusal> {
    let headers = &head.headers;
    let count = |name| headers.get_all(name).iter().count();
    if count(header::CONTENT_LENGTH) > 1 {
        return Err(Refusal::Malformed("repeated-content-length"));
    }
    let codings = count(header::TRANSFER_ENCODING);
    if codings > 0 {
        if head.version != Version::HTTP_11 {
            return Err(Refusal::Malformed("transfer-encoding-outside-http-1.1"));
        }
        if headers.contains_key(header::CONTENT_LENGTH) {
            return Err(Refusal::Malformed("content-length-with-transfer-encoding"));
        }
        let only = headers.get(header::TRANSFER_ENCODING).filter(|_| codings == 1);
        if only.is_none_or(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
            return Err(Refusal::Malformed("transfer-encoding-other-than-chunked"));
        }
    }
    for single in [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::ORIGIN, header::EXPECT] {
        if count(single) > 1 {
            return Err(Refusal::Malformed("repeated-single-field"));
        }
    }
    match headers.get(header::EXPECT) {
        Some(expect) if !expect.as_bytes().eq_ignore_ascii_case(b"100-continue") => Err(Refusal::ExpectationFailed),
        _ => Ok(()),
    }
}

/// Whom the client asked for, said once: in `Host`, in `:authority`, or in both alike (`RFC 9112 §3.2`, `RFC 9113 §8.3.1`).
fn authority(head: &http::request::Parts) -> Result<Authority, Refusal> {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Refusal::Malformed("repeated-host"));
    }
    let host = host
        .map(|host| Authority::try_from(host.as_bytes()).map_err(|_| Refusal::Malformed("unreadable-host")))
        .transpose()?;
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
    Ok(authority)
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
