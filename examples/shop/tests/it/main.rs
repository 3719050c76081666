//! Every promise of the README: that the shop works, and that each of its faults can really be used.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod faults;
mod works;
