//! The program itself, as a child process: what an operator does to it, and what it says.
#![expect(clippy::unwrap_used, reason = "a test's harness stops at the first thing that is not as it should be")]

mod node;
mod operation;
mod privileges;
mod service_manager;
