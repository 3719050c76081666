use std::net::IpAddr;
use std::num::NonZeroU32;

use bartizan_policy::{Principal, Rate};

use super::admit::Admitted;
use super::authenticate::Authenticated;
use crate::exchange::Exchange;
use crate::gate::Gate;
use crate::ports::CounterKey;
use crate::refusal::{Limited, Refusal};
use crate::route::CompiledRoute;

/// A request whose address has not used up its share.
pub(crate) struct AddressLimited(Box<Exchange>);

/// A request whose caller has not used up its share.
pub(crate) struct IdentityLimited(Authenticated);

impl AddressLimited {
    pub(super) fn into_exchange(self) -> Box<Exchange> {
        self.0
    }
}

impl IdentityLimited {
    pub(super) fn into_authenticated(self) -> Authenticated {
        self.0
    }
}

/// Counts the address before anything costs more than a look-up: a flood from one place never reaches a signature check.
pub(super) async fn by_address(admitted: Admitted, gate: &Gate) -> Result<AddressLimited, Refusal> {
    let exchange = admitted.into_exchange();
    let key = address_key(gate, "address", exchange.client);
    count(gate, "address", key, gate.config.limits.address).await?;
    Ok(AddressLimited(exchange))
}

/// Counts the caller, over all routes and on this one. Who is not signed in counts by address.
pub(super) async fn by_identity(mut authenticated: Authenticated, gate: &Gate) -> Result<IdentityLimited, Refusal> {
    let caller = authenticated.caller();
    let client = authenticated.exchange().client;
    if let Some(caller) = caller {
        count(gate, "identity", identity_key(gate, caller, None), gate.config.limits.identity).await?;
    }
    let route = authenticated.route();
    if let Some(rate) = route.rules.limit {
        let key = match caller {
            Some(caller) => identity_key(gate, caller, Some(route)),
            None => gate.counter_key(&("route", route.name.as_ref(), gate.prefix_of(client))),
        };
        let limited = count(gate, "route", key, rate).await?;
        authenticated.exchange_mut().limited = Some(limited);
    }
    Ok(IdentityLimited(authenticated))
}

/// Whether the address may try a credential at all: guessing is cut off before the guess costs a signature check.
pub(super) async fn may_try_credential(gate: &Gate, client: IpAddr) -> Result<(), Refusal> {
    let rate = gate.config.limits.failed_authentication;
    let key = address_key(gate, "failed-authentication", client);
    let verdict = gate.counters.look(key, rate).get().await;
    let limited = Limited { limit: "failed-authentication", rate, verdict };
    if verdict.allowed { Ok(()) } else { Err(Refusal::RateLimited(limited)) }
}

/// Counts a credential that did not hold.
pub(super) async fn credential_failed(gate: &Gate, client: IpAddr) {
    let key = address_key(gate, "failed-authentication", client);
    gate.counters.count(key, gate.config.limits.failed_authentication, NonZeroU32::MIN).get().await;
}

async fn count(gate: &Gate, limit: &'static str, key: CounterKey, rate: Rate) -> Result<Limited, Refusal> {
    let verdict = gate.counters.count(key, rate, NonZeroU32::MIN).get().await;
    let limited = Limited { limit, rate, verdict };
    if verdict.allowed { Ok(limited) } else { Err(Refusal::RateLimited(limited)) }
}

fn address_key(gate: &Gate, limit: &'static str, client: IpAddr) -> CounterKey {
    gate.counter_key(&(limit, gate.prefix_of(client)))
}

fn identity_key(gate: &Gate, caller: &Principal, route: Option<&CompiledRoute>) -> CounterKey {
    // Two tokens of one user count as one user; a key counts for itself.
    gate.counter_key(&("identity", &caller.issuer, &caller.subject, route.map(|route| route.name.as_ref())))
}
