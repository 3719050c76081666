//! What the gate says to an upstream about a request, in place of whatever the client said in its name.

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
        let host = exchange.authority.clone();
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
        if let Some(assertion) = self.gate.assertions.assertion(self.gate, self.route, self.caller, exchange.now())? {
            headers.insert(BARTIZAN_ASSERTION, assertion);
        }
        Ok(())
    }

    /// `Forwarded` (`RFC 7239`): one element, since whatever came before it is not believed.
    fn forwarded(&self, scheme: &str) -> String {
        // *admit* let no authority pass that is no text.
        let host = self.exchange.authority.to_str().unwrap_or_default();
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
