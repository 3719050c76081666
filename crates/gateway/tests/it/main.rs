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
mod flaky;
mod forward;
mod harness;
mod limits;
mod listening;
mod reload;
mod tls;
mod upstream_faults;
mod upstream_groups;
mod upstream_protocols;
mod upstream_retries;
mod wire;
