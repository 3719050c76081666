//! The gate before any backend.
#![forbid(unsafe_code)]

fn main() {}
