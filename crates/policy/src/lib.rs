//! Pure decisions: who a caller is ([`Principal`]), what a route asks ([`Access`]), what ends early ([`Revocation`]) and how
//! often something may happen ([`Rate`]).
//!
//! Nothing here does I/O, keeps a clock or knows of HTTP: `now` and every fact are parameters, so that each decision can be
//! replayed and tested as a table.
#![forbid(unsafe_code)]

mod access;
mod owner;
mod principal;
mod rate;
mod revocation;
mod time;

pub use access::{Access, Attribute, Denial, Facts, Hours, Permit, Rule, StepUp, decide};
pub use owner::{Owner, OwnerSource};
pub use principal::{Authentication, CredentialKind, IssuerName, Principal, PrincipalKind, Strength, Subject, TokenId};
pub use rate::{Rate, RateError, Tat, Verdict};
pub use revocation::{Revocation, RevocationSet};
pub use time::Timestamp;
