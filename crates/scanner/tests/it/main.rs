//! Whole scans of trees and repositories that the tests make, most of them hostile.
#![expect(clippy::unwrap_used, reason = "a test's harness stops at the first thing that is not as it should be")]

mod fix;
mod history;
mod hostile;
mod moved;
mod repeatable;
mod targets;
mod tree;
