use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response};

use super::filter::{self, Seen};
use super::limit::AddressLimited;
use crate::exchange::{Exchange, Trail};
use crate::gate::Gate;
use crate::graphql;
use crate::refusal::Refusal;
use crate::route::{CompiledRoute, Found};

/// Path parameters, decoded.
pub(crate) type Parameters = Vec<(Arc<str>, String)>;

/// A request for something that is declared.
pub(crate) struct Routed {
    exchange: Box<Exchange>,
    route: Arc<CompiledRoute>,
    parameters: Parameters,
}

impl Routed {
    pub(super) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub(super) fn exchange_mut(&mut self) -> &mut Exchange {
        &mut self.exchange
    }

    pub(super) fn route(&self) -> &Arc<CompiledRoute> {
        &self.route
    }

    pub(super) fn parameters(&self) -> &[(Arc<str>, String)] {
        &self.parameters
    }
}

/// Where a request goes from here.
pub(super) enum Way {
    /// Through the remaining stages.
    Onward(Routed),
    /// Nowhere: a browser asks whether it may ask (`Fetch §3.3`), and the gate answers for the route.
    Preflight(Response<Bytes>),
}

/// Finds the declared route. What is not declared gets 404 and never reaches an upstream.
pub(super) fn find(limited: AddressLimited, gate: &Gate, trail: &mut Trail, seen: &mut Seen) -> Result<Way, Refusal> {
    let exchange = limited.into_exchange();
    let (route, parameters) = match gate.routes.find(exchange.head.uri.path(), &exchange.head.method) {
        Found::Route(route, parameters) => (route, parameters),
        Found::OtherMethods(routes) => return other_methods(&exchange, &routes, gate, trail, seen),
        Found::Nothing => return Err(Refusal::NotDeclared),
    };
    trail.routed(&route);
    seen.route = Some(route.clone());
    seen.graphql = route.graphql.as_ref().map(|_| graphql::media_type(&exchange.head.headers));
    check_length(&exchange, &route)?;
    Ok(Way::Onward(Routed { exchange, route, parameters }))
}

fn other_methods(
    exchange: &Exchange,
    routes: &[Arc<CompiledRoute>],
    gate: &Gate,
    trail: &mut Trail,
    seen: &mut Seen,
) -> Result<Way, Refusal> {
    if exchange.head.method == Method::OPTIONS
        && let Some((route, answer)) = filter::preflight(exchange, routes, gate)
    {
        trail.routed(&route);
        seen.route = Some(route);
        return Ok(Way::Preflight(answer));
    }
    let mut allowed: Vec<Method> = routes.iter().flat_map(|route| route.rules.methods.iter().cloned()).collect();
    if allowed.contains(&Method::GET) && !allowed.contains(&Method::HEAD) {
        allowed.push(Method::HEAD);
    }
    Err(Refusal::MethodNotAllowed(allowed))
}

/// Refuses a body by its announced length, before a byte of it is read.
fn check_length(exchange: &Exchange, route: &CompiledRoute) -> Result<(), Refusal> {
    let announced = exchange.head.headers.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    let announced: Option<u64> = announced.and_then(|length| length.parse().ok());
    if announced.is_some_and(|length| length > route.rules.body_bytes) { Err(Refusal::BodyTooLarge) } else { Ok(()) }
}
