//! Whether a message is well formed, declared and harmless: pure functions over bytes that a stranger sent, fuzzed alone.

pub mod openapi;
