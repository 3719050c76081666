//! Who people are: users, their credentials and sessions ([`people`]), and the OAuth 2.1 and OpenID Connect provider that speaks for
//! them ([`provider`]). A vertical slice with its own tables and its own router ([`Identity::answer`]), which the binary mounts as a
//! local upstream of the gate: its endpoints pass the same pipeline as everybody's.
//!
//! Invariants: nothing that opens an account is stored as it is; every act is on disk, in the audit log, before its answer leaves; the
//! endpoints behave the same for accounts that exist and for those that do not; a page needs no script but where a passkey is used, and
//! runs none that is not a file of ours.

mod config;
mod context;
mod error;
mod ground;
mod identity;
mod mail;
mod moment;
mod pages;
pub mod people;
pub mod provider;

pub use config::{Aaguid, AdminPasskeys, Config, Cost, PasswordRules, SessionRules, Theme};
pub use context::Context;
pub use error::IdentityError;
pub use ground::{Clock, Parts};
pub use identity::{Command, CommandError, Identity};
pub use mail::{MailSecurity, MailSender, MailServer};
pub use moment::Moment;

use bartizan_store::{Migrations, Query};

/// The tables of this room, to be given to the store.
pub const MIGRATIONS: &[Migrations] = &[people::MIGRATIONS, provider::MIGRATIONS];

/// Every query of this room, for the test that prepares them on both engines.
pub fn queries() -> Vec<Query> {
    [people::queries(), provider::queries()].concat()
}
