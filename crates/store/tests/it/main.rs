//! The store on real engines: `SQLite` always, `PostgreSQL` where `BARTIZAN_TEST_POSTGRES` names a private instance.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod crash;
mod engines;
mod migration;
mod state_directory;
mod unreachable;
mod writing;
