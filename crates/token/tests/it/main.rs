//! The promises of the room, tried from outside: attacks by section of `RFC 8725`, the outside vectors, and properties.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot be set up fails where it stands")]

mod assertions;
mod attacks;
mod claims;
mod issuers;
mod key_sets;
mod properties;
mod support;
mod wycheproof;
