//! The gate on real sockets, promise by promise: each test starts its own gate, its own upstream and its own audit log.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a helper that fails fails its test"
)]

mod acme;
mod admit;
mod authenticate;
mod authorize;
mod certificate_callers;
mod client_certificates;
mod declared;
mod dpop;
mod events;
mod fields;
mod filter;
mod flaky;
mod floods;
mod forward;
mod framed;
mod graphql;
mod harness;
mod http2_floods;
mod introspection;
mod layer;
mod limits;
mod listening;
mod ocsp;
mod reload;
mod sessions;
mod slow;
mod smuggling;
mod streams;
mod tls;
mod traces;
mod upstream_faults;
mod upstream_groups;
mod upstream_http2;
mod upstream_protocols;
mod upstream_retries;
mod webhooks;
mod websocket;
mod websocket_places;
mod wire;
