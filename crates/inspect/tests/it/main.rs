//! What the room promises, from outside.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod closed_world;
mod json_schema_suite;
mod openapi;
mod published;
mod tighten;
