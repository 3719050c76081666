//! The gate on real sockets, promise by promise: each test starts its own gate, its own upstream and its own audit log.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails its test")]

mod acme;
mod admit;
mod authenticate;
mod authorize;
mod client_certificates;
mod events;
mod fields;
mod filter;
mod floods;
mod forward;
mod frames;
mod harness;
mod http2_floods;
mod limits;
mod listening;
mod reload;
mod slow;
mod smuggling;
mod tls;
mod traces;
mod upstream_faults;
mod wire;
