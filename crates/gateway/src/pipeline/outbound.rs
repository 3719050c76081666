//! What the gate says to an upstream about a request, in place of whatever the client said in its name.

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::authenticate::Known;
use super::authorize::Authorized;
use super::filter::transport;
use crate::answer::Transport;
use crate::exchange::Exchange;
use crate::fields;
use crate::gate::Gate;
use crate::refusal::Refusal;
use crate::route::CompiledRoute;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const BARTIZAN_ASSERTION: HeaderName = HeaderName::from_static("bartizan-assertion");

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
        fields::strip_request(headers);
        join_cookies(headers);
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
        let host = &exchange.authority;
        let scheme = match transport(exchange.connection.tls.is_some(), self.gate) {
            Transport::Tls => "https",
            Transport::Plain => "http",
        };
        headers.insert(X_REQUEST_ID, written(exchange.request_id.as_text().as_bytes())?);
        let Forwarding { x_forwarded_for, forwarded, .. } = Forwarding::of(exchange, scheme)?;
        headers.insert(X_FORWARDED_FOR, x_forwarded_for);
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
        headers.insert(X_FORWARDED_HOST, host.clone());
        headers.insert(header::FORWARDED, forwarded);
        headers.insert(header::HOST, host.clone());
        if let Some(assertion) = self.gate.assertions.assertion(self.gate, self.route, self.caller, exchange.now())? {
            headers.insert(BARTIZAN_ASSERTION, assertion);
        }
        Ok(())
    }
}

/// For whom a request is, in the fields that upstreams read.
#[derive(Clone, Debug)]
pub(crate) struct Forwarding {
    client: IpAddr,
    host: HeaderValue,
    scheme: &'static str,
    x_forwarded_for: HeaderValue,
    forwarded: HeaderValue,
}

impl Forwarding {
    /// What the first request of the connection wrote, if it says the same: a proxy's connection carries requests of many clients.
    fn of(exchange: &Exchange, scheme: &'static str) -> Result<Self, Refusal> {
        let (kept, client, host) = (&exchange.connection.forwarding, exchange.client, &exchange.authority);
        if let Some(same) = kept.get().filter(|it| it.client == client && it.host == host && it.scheme == scheme) {
            return Ok(same.clone());
        }
        let x_forwarded_for = written(&address(client))?;
        let forwarded = written(&forwarded(client, host, scheme))?;
        // A copy: the value is part of the buffer that the request was read into, which would stay as long as the connection.
        let anew = Self { client, host: written(host.as_bytes())?, scheme, x_forwarded_for, forwarded };
        // Taken already, by a request that said something else: that one stays.
        let _ = kept.set(anew.clone());
        Ok(anew)
    }
}

fn written(text: &[u8]) -> Result<HeaderValue, Refusal> {
    HeaderValue::from_bytes(text).map_err(|_| Refusal::Internal("unwritable-field"))
}

/// An address as text. `core::fmt` takes ten times as long for the usual kind, and each request has it twice.
fn address(client: IpAddr) -> Vec<u8> {
    let IpAddr::V4(client) = client else { return client.to_string().into_bytes() };
    let mut text = Vec::with_capacity(16);
    for octet in client.octets() {
        if !text.is_empty() {
            text.push(b'.');
        }
        text.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
    }
    text
}

/// `Forwarded` (`RFC 7239`): one element, since whatever came before it is not believed.
fn forwarded(client: IpAddr, host: &HeaderValue, scheme: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(64 + host.len());
    let (before, after): (&[u8], &[u8]) = match client {
        IpAddr::V4(_) => (b"for=", b";host=\""),
        IpAddr::V6(_) => (b"for=\"[", b"]\";host=\""),
    };
    text.extend_from_slice(before);
    text.extend_from_slice(&address(client));
    for piece in [after, host.as_bytes(), b"\";proto=", scheme.as_bytes()] {
        text.extend_from_slice(piece);
    }
    text
}

/// HTTP/2 may split `Cookie`; HTTP/1 must not (`RFC 9113 §8.2.3`).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.iter().filter(|(name, _)| *name == header::COOKIE).nth(1).is_none() {
        return;
    }
    let pieces: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    match HeaderValue::from_bytes(&pieces.join(&b"; "[..])) {
        Ok(joined) => drop(headers.insert(header::COOKIE, joined)),
        Err(_) => drop(headers.remove(header::COOKIE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_newer_kind_stands_in_brackets_and_quotes() {
        let element = |client: &str| {
            let element = forwarded(client.parse().unwrap(), &HeaderValue::from_static("api.example:8443"), "https");
            String::from_utf8(element).unwrap()
        };
        assert_eq!(element("192.0.2.7"), r#"for=192.0.2.7;host="api.example:8443";proto=https"#);
        assert_eq!(element("2001:db8::7"), r#"for="[2001:db8::7]";host="api.example:8443";proto=https"#);
    }
}
