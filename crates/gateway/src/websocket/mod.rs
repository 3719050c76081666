//! WebSocket connections through the gate (`RFC 6455`; over HTTP/2 `RFC 8441`): the handshake is a request like any other and passes
//! every stage, then frames flow through a tunnel that watches their heads and holds none of their payload.

pub(crate) mod frame;
pub(crate) mod handshake;
mod tunnel;
mod watch;

#[cfg(test)]
mod tests;

pub(crate) use handshake::{Handshake, is_own_origin};
pub(crate) use tunnel::Tunnel;
