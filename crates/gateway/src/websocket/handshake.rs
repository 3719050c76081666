//! The opening handshake (`RFC 6455 §4`), on both sides of the gate. Each side has keys of its own: the gate is a party to two
//! connections, not a wire between them.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode, Version};
use hyper::ext::Protocol;

use crate::config::{Compression, WebSocket};
use crate::exchange::Exchange;
use crate::gate::Gate;
use crate::refusal::Refusal;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const UPGRADE: HeaderValue = HeaderValue::from_static("Upgrade");
const DEFLATE: &str = "permessage-deflate";

/// A handshake that was judged.
#[derive(Debug)]
pub(crate) struct Handshake {
    over: Over,
    /// What proves to the gate that the upstream speaks WebSocket (`RFC 6455 §4.1`).
    expected: HeaderValue,
    key: HeaderValue,
}

/// How the client opens its connection.
#[derive(Debug)]
enum Over {
    /// By `Upgrade`; the proof that it waits for.
    Http1(HeaderValue),
    /// By an extended CONNECT, which has neither key nor proof (`RFC 8441 §5`).
    Http2,
}

/// Whether a CONNECT opens a WebSocket connection; any other would make the gate an open proxy.
pub(crate) fn is_extended_connect(head: &Parts) -> bool {
    head.method == Method::CONNECT && head.version == Version::HTTP_2 && has_protocol(head)
}

/// Whether a request over HTTP/2 may take its stream over.
pub(crate) fn takes_over<B>(request: &http::Request<B>) -> bool {
    request.method() == Method::CONNECT && request.extensions().get::<Protocol>().is_some()
}

fn has_protocol(head: &Parts) -> bool {
    head.extensions.get::<Protocol>().is_some_and(|protocol| protocol.as_str().eq_ignore_ascii_case("websocket"))
}

/// Whether a request asks to become a WebSocket connection.
pub(crate) fn is_asked(head: &Parts) -> bool {
    if head.version == Version::HTTP_2 {
        return has_protocol(head);
    }
    has_token(&head.headers, &header::UPGRADE, "websocket")
}

/// Judges a handshake. `by_cookie`: whether the caller is known by what a browser sends on its own.
pub(crate) fn judge(
    exchange: &Exchange,
    rules: &WebSocket,
    by_cookie: bool,
    gate: &Gate,
) -> Result<Handshake, Refusal> {
    let head = &exchange.head;
    if head.headers.contains_key(header::TRANSFER_ENCODING)
        || head.headers.get(header::CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0")
    {
        return Err(Refusal::Handshake("body"));
    }
    let over = match head.version {
        Version::HTTP_2 => Over::Http2,
        Version::HTTP_11 if head.method == Method::GET => Over::Http1(proof(&clients_key(head)?)?),
        _ => return Err(Refusal::Handshake("method-or-version")),
    };
    if head.headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version.as_bytes() != b"13") {
        return Err(Refusal::WebSocketVersion);
    }
    check_origin(exchange, rules, by_cookie, gate)?;
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| Refusal::Internal("no-randomness"))?;
    let key =
        HeaderValue::from_str(&STANDARD.encode(random)).map_err(|_| Refusal::Internal("websocket-key-unwritable"))?;
    Ok(Handshake { over, expected: proof(&key)?, key })
}

fn clients_key(head: &Parts) -> Result<HeaderValue, Refusal> {
    if !has_token(&head.headers, &header::CONNECTION, "upgrade") {
        return Err(Refusal::Handshake("connection-without-upgrade"));
    }
    let mut keys = head.headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) if STANDARD.decode(key.as_bytes()).is_ok_and(|key| key.len() == 16) => Ok(key.clone()),
        _ => Err(Refusal::Handshake("key")),
    }
}

/// Cross-site WebSocket hijacking (CWE-1385): the same-origin policy does not hold for WebSocket, so a page of anybody could speak
/// with a user's cookies. A client that names no origin is no browser; but then a cookie is no proof of its user's will either.
fn check_origin(exchange: &Exchange, rules: &WebSocket, by_cookie: bool, gate: &Gate) -> Result<(), Refusal> {
    let Some(origin) = exchange.head.headers.get(header::ORIGIN) else {
        return if by_cookie { Err(Refusal::ForeignOrigin("cookie-without-origin")) } else { Ok(()) };
    };
    let origin = origin.to_str().map_err(|_| Refusal::ForeignOrigin("unreadable-origin"))?;
    let is_listed = rules.origins.iter().any(|listed| listed.as_str() == origin);
    if is_listed || is_own_origin(origin, exchange, gate) {
        Ok(())
    } else {
        Err(Refusal::ForeignOrigin("other-origin"))
    }
}

/// Whether `origin` is one that the gate itself serves: pages of it are the user's own.
pub(crate) fn is_own_origin(origin: &str, exchange: &Exchange, gate: &Gate) -> bool {
    let server = &gate.config.server;
    let is_of = |authority: &str| {
        origin.split_once("://").is_some_and(|(scheme, rest)| {
            let default = if scheme == "https" { ":443" } else { ":80" };
            let is_web = scheme == "https" || scheme == "http";
            is_web && rest.eq_ignore_ascii_case(authority.strip_suffix(default).unwrap_or(authority))
        })
    };
    let by_public_url = server.public_url.authority().is_some_and(|ours| is_of(ours.as_str()))
        && origin.split_once("://").map(|(scheme, _)| scheme) == server.public_url.scheme_str();
    // *admit* let only hosts pass that are ours, unless any is: then a page could name itself (DNS rebinding).
    let is_any_host = server.hosts.iter().any(|host| &**host == "*");
    let by_host = !is_any_host && exchange.authority.to_str().is_ok_and(is_of);
    by_public_url || by_host
}

impl Handshake {
    /// Makes a client's fields the gate's own handshake with the upstream.
    pub(crate) fn set_fields(&self, headers: &mut HeaderMap, compression: Compression) {
        headers.insert(header::CONNECTION, UPGRADE);
        headers.insert(header::UPGRADE, WEBSOCKET);
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(header::SEC_WEBSOCKET_KEY, self.key.clone());
        headers.remove(header::SEC_WEBSOCKET_ACCEPT);
        let offers = match compression {
            Compression::Allow => tokens(headers, &header::SEC_WEBSOCKET_EXTENSIONS).find(|offer| is_deflate(offer)),
            Compression::Strip => None,
        };
        let offer = offers.and_then(|offer| HeaderValue::from_str(&offer).ok());
        headers.remove(header::SEC_WEBSOCKET_EXTENSIONS);
        if let Some(offer) = offer {
            headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, offer);
        }
    }

    /// Holds the upstream's answer against what was asked, and makes the client's from it. The second value says whether messages may
    /// be compressed.
    pub(crate) fn accept(&self, asked: &HeaderMap, answer: &HeaderMap) -> Result<(Response<Bytes>, bool), Refusal> {
        if !has_token(answer, &header::UPGRADE, "websocket")
            || answer.get(header::SEC_WEBSOCKET_ACCEPT) != Some(&self.expected)
        {
            return Err(Refusal::UpstreamFault("websocket-handshake"));
        }
        let mut ours = Response::new(Bytes::new());
        match &self.over {
            Over::Http1(proof) => {
                *ours.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
                ours.headers_mut().insert(header::CONNECTION, UPGRADE);
                ours.headers_mut().insert(header::UPGRADE, WEBSOCKET);
                ours.headers_mut().insert(header::SEC_WEBSOCKET_ACCEPT, proof.clone());
            }
            Over::Http2 => {}
        }
        if let Some(chosen) = answer.get(header::SEC_WEBSOCKET_PROTOCOL) {
            let is_offered = chosen
                .to_str()
                .is_ok_and(|chosen| tokens(asked, &header::SEC_WEBSOCKET_PROTOCOL).any(|offer| offer == chosen));
            if !is_offered {
                return Err(Refusal::UpstreamFault("websocket-protocol-unasked"));
            }
            ours.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, chosen.clone());
        }
        let agreed: Vec<String> = tokens(answer, &header::SEC_WEBSOCKET_EXTENSIONS).collect();
        if !agreed.is_empty() {
            // What was not offered would make frames mean something else than the watch reads.
            let was_offered = asked.contains_key(header::SEC_WEBSOCKET_EXTENSIONS);
            if !was_offered || agreed.len() > 1 || !agreed.iter().all(|extension| is_deflate(extension)) {
                return Err(Refusal::UpstreamFault("websocket-extension-unasked"));
            }
            if let Some(value) = answer.get(header::SEC_WEBSOCKET_EXTENSIONS) {
                ours.headers_mut().insert(header::SEC_WEBSOCKET_EXTENSIONS, value.clone());
            }
        }
        for cookie in answer.get_all(header::SET_COOKIE) {
            ours.headers_mut().append(header::SET_COOKIE, cookie.clone());
        }
        Ok((ours, !agreed.is_empty()))
    }
}

fn is_deflate(extension: &str) -> bool {
    extension.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(DEFLATE))
}

/// `Sec-WebSocket-Accept` for a key (`RFC 6455 §4.2.2`). SHA-1 proves understanding here, not origin.
fn proof(key: &HeaderValue) -> Result<HeaderValue, Refusal> {
    const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key.as_bytes(), GUID].concat());
    HeaderValue::from_str(&STANDARD.encode(hash)).map_err(|_| Refusal::Internal("websocket-proof-unwritable"))
}

fn has_token(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    tokens(headers, name).any(|token| token.eq_ignore_ascii_case(wanted))
}

fn tokens(headers: &HeaderMap, name: &HeaderName) -> impl Iterator<Item = String> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let tokens: Vec<String> = values.flat_map(|value| value.split(',')).map(|token| token.trim().to_owned()).collect();
    tokens.into_iter().filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_that_of_the_standard() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(proof(&key).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "RFC 6455 §1.3");
    }
}
