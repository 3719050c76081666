//! Which engines keep the state: `SQLite` in one directory, or `PostgreSQL`; connections, migrations, transactions.
//!
//! A room that keeps something owns its tables: it states its [`Migrations`] and its [`Query`]s as constants, reads with
//! [`Store::rows`] and [`Store::row`], and changes state with a [`Write`]: a list of statements that happen together or not at all.
//! One text of a query serves both engines. To that end columns hold integers (`BIGINT`; in a `STRICT` table of `SQLite` `INTEGER`),
//! `TEXT` and `BYTEA` (`BLOB`) only, times are microseconds, booleans are 0 and 1, and [`Store::prepare`] lets each room test all its
//! queries against both.
//!
//! Invariants: sqlx is private to this crate; SQL is `&'static str`, so no value can ever become SQL; state is never read, judged and
//! then written: a condition stands in the statement that changes it, and [`Expect`] says what must have come of it.

mod connection;
mod error;
mod migrations;
mod postgres;
mod query;
mod row;
mod sqlite;
mod state_directory;
mod store;
mod value;
mod write;
mod writer;

pub use error::{Constraint, DirectoryFault, Fault, MigrationFault, Place, StoreError};
pub use migrations::{Migrations, Step};
pub use query::Query;
pub use row::{FromValue, Row};
pub use store::{Config, Store};
pub use value::Value;
pub use write::{Expect, Outcome, Write};
