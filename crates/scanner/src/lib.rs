//! Static findings: what must not be released, found in one pass over a tree, offline, with the same bytes of output every time.

pub mod deps;
pub mod secrets;
