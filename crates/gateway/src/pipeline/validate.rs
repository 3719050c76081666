use bartizan_policy::CredentialKind;
use http::header;

use super::authorize::Authorized;
use super::{declared, graphql, learn};
use crate::config::Shapes;
use crate::exchange::Trail;
use crate::gate::Gate;
use crate::grpc;
use crate::refusal::Refusal;
use crate::websocket::handshake;

/// A request whose shape was held against what its route declares. Routes that are declared in the configuration have no document,
/// nothing is claimed of their requests, and the posture says so.
pub(crate) struct Validated(Authorized);

impl Validated {
    /// Whether the upstream has still to be asked for an owner.
    pub(super) fn has_pending_owner(&self) -> bool {
        self.0.pending_owner.is_some()
    }

    pub(super) fn into_authorized(self) -> Authorized {
        self.0
    }
}

/// The place of the stage *validate*: what an OpenAPI document says of a request is held against it here, and what a route says that
/// takes WebSocket connections or gRPC calls.
pub(super) async fn validate(mut authorized: Authorized, gate: &Gate, trail: &mut Trail) -> Result<Validated, Refusal> {
    let exchange = authorized.routed.exchange();
    let rules = &authorized.routed.route().rules;
    let head = &exchange.head;
    if rules.grpc.is_some() && !grpc::is_call(&head.headers) {
        return Err(Refusal::NotGrpc);
    }
    match &rules.websocket {
        Some(websocket) if handshake::is_asked(head) => {
            let kind = authorized.caller.as_ref().map(|known| known.principal.credential);
            // A route that looks at no credential leaves cookies to the upstream.
            let by_cookie = kind == Some(CredentialKind::Session)
                || (rules.credentials.is_empty() && head.headers.contains_key(header::COOKIE));
            let judged = handshake::judge(exchange, websocket, by_cookie, gate)?;
            authorized.handshake = Some(Box::new(judged));
        }
        // An extended CONNECT asks for nothing else, and an answer to a GET would be taken for a tunnel.
        None if handshake::is_asked(head) && head.version == http::Version::HTTP_2 => {
            return Err(Refusal::Handshake("not-on-this-route"));
        }
        _ => {}
    }
    if let Some(contract) = rules.contract.clone() {
        // Boxed: a route without a document pays nothing for it, its future included.
        Box::pin(declared::judge(&mut authorized.routed, &contract, gate, trail)).await?;
    } else if rules.shapes == Shapes::Learned && authorized.handshake.is_none() {
        Box::pin(learn::request(&mut authorized.routed, gate)).await?;
    }
    // What is asked for on a WebSocket connection comes after its handshake, and nobody reads it: the posture says so.
    if let Some(endpoint) = authorized.routed.route().graphql.clone().filter(|_| authorized.handshake.is_none()) {
        Box::pin(graphql::judge(&mut authorized, &endpoint, gate, trail)).await?;
    }
    Ok(Validated(authorized))
}
