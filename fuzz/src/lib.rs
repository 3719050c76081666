//! What each fuzz target does with its input, and what must hold whatever that is. The fuzzer calls these functions with
//! inputs that it invents (`fuzz_targets/`), `tests/replay.rs` with those that were kept (`corpus/`).
//!
//! The gate's modules are private to their crate: they are compiled here a second time, from the same files.
#![forbid(unsafe_code)]
#![allow(dead_code, reason = "of the gate's modules only the parsers are called")]

mod answer;
mod client_address;
mod gate;
mod path;
mod proxy_protocol;
mod tokens;

/// A target: its name and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// Every target; `fuzz_targets/` has a file for each, `corpus/` a folder.
pub const TARGETS: &[Target] = &[
    ("api_key", tokens::api_key),
    ("claims", tokens::claims),
    ("cookies", gate::cookies),
    ("discovery", tokens::discovery),
    ("forwarded", gate::forwarded),
    ("jwks", tokens::jwks),
    ("mask", gate::mask),
    ("path", gate::path),
    ("proxy_protocol", gate::proxy_protocol),
    ("query", gate::query),
    ("token", tokens::token),
    ("trace", gate::trace),
];

/// Runs the target of that name.
pub fn run(name: &str, input: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("the target is in the table");
    target(input);
}
