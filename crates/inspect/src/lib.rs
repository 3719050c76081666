//! Whether a message is well formed, declared and harmless: pure functions over bytes that a stranger sent, fuzzed alone.

#![forbid(unsafe_code)]

mod document;
pub mod graphql;
pub mod json;
pub mod learn;
pub mod openapi;
pub mod protobuf;
pub mod schema;
pub mod sensitive;
