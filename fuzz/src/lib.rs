//! What each fuzz target does with its input, and what must hold whatever that is. The fuzzer calls these functions with
//! inputs that it invents (`fuzz_targets/`), `tests/replay.rs` with those that were kept (`corpus/`).
//!
//! The gate's modules are private to their crate: they are compiled here a second time, from the same files.
#![forbid(unsafe_code)]
#![allow(dead_code, reason = "of the gate's modules only the parsers are called")]

mod answer;
mod client_address;
mod dependencies;
mod gate;
mod documents;
mod grpc_messages;
mod languages;
mod machines;
mod oauth;
mod path;
mod people;
mod proxy_protocol;
mod streams;
mod tokens;
mod trace_context;
mod websocket;
mod wire;

/// A target: its name and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target; `fuzz_targets/` has a file for each, `corpus/` a folder.
pub const TARGETS: &[Target] = &[
    ("api_key", tokens::api_key),
    ("certificate", machines::certificate),
    ("claims", tokens::claims),
    ("cookies", gate::cookies),
    ("discovery", tokens::discovery),
    ("dpop_proof", machines::dpop_proof),
    ("form", people::form),
    ("forwarded", gate::forwarded),
    ("graphql", languages::graphql),
    ("graphql_schema", languages::graphql_schema),
    ("grpc", streams::grpc),
    ("introspection", machines::introspection),
    ("json", documents::json),
    ("jwks", tokens::jwks),
    ("lockfile", dependencies::lockfile),
    ("mask", gate::mask),
    ("oauth_request", oauth::oauth_request),
    ("openapi_body", documents::body),
    ("openapi_document", documents::document),
    ("osv", dependencies::osv),
    ("passkey", people::passkey),
    ("path", gate::path),
    ("protobuf", languages::protobuf),
    ("proxy_protocol", gate::proxy_protocol),
    ("query", gate::query),
    ("return_to", people::return_to),
    ("token", tokens::token),
    ("trace", gate::trace),
    ("traceparent", gate::traceparent),
    ("version", dependencies::version),
    ("webhook", machines::webhook),
    ("websocket", streams::websocket),
    ("wire", gate::wire),
];

/// Runs the target of that name.
pub fn run(name: &str, input: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("the target is in the table");
    target(input);
}
