use std::sync::Arc;

use bartizan_policy::{Facts, Owner, decide};

use super::authenticate::Authenticated;
use super::authenticate::Known;
use super::limit::IdentityLimited;
use super::route::Routed;
use crate::refusal::Refusal;
use crate::websocket::Handshake;

/// A request that its caller may make, as far as the head tells.
pub(crate) struct Authorized {
    pub(super) routed: Routed,
    pub(super) caller: Option<Arc<Known>>,
    pub(super) pending_owner: Option<Box<Owner>>,
    /// The WebSocket handshake that the request is, if it is one.
    pub(super) handshake: Option<Box<Handshake>>,
    _decided: Decided,
}

/// Made here and nowhere else.
struct Decided(());

/// Decides by the route's access rule; without a rule that holds, the answer is no.
pub(super) fn authorize(limited: IdentityLimited) -> Result<Authorized, Refusal> {
    let authenticated = limited.into_authenticated();
    let pending_owner = judge(&authenticated)?;
    let (routed, caller) = authenticated.into_parts();
    Ok(Authorized { routed, caller, pending_owner, handshake: None, _decided: Decided(()) })
}

fn judge(authenticated: &Authenticated) -> Result<Option<Box<Owner>>, Refusal> {
    let exchange = authenticated.exchange();
    let facts = Facts { client: exchange.client, parameters: authenticated.parameters(), now: exchange.now() };
    let permit = decide(&authenticated.route().rules.access, authenticated.caller(), facts).map_err(Refusal::Denied)?;
    Ok(permit.pending_owner().cloned().map(Box::new))
}
