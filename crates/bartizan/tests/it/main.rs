//! The program itself, as a child process: what an operator does to it, and what it says.
#![expect(clippy::unwrap_used, reason = "a test's harness stops at the first thing that is not as it should be")]

mod client_certificates;
mod identity;
mod memory;
mod metrics;
mod names;
mod node;
mod observed;
mod operation;
mod overload;
mod privileges;
mod restart;
mod scan;
mod service_manager;
