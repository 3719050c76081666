//! The control catalogue: what Bartizan enforces, by the ids that events, posture and reports name.
//!
//! Pure data. A control is named once here and everywhere else by its [`ControlId`]; frameworks are referred to by their
//! ids only (OWASP API Security Top 10 2023, OWASP ASVS 5.0 chapters, CWE), never by their text.
//!
//! ```
//! use bartizan_controls::{CATALOGUE, authz};
//!
//! assert_eq!(authz::OWNERSHIP.id.as_str(), "authz.ownership");
//! assert!(CATALOGUE.iter().any(|control| control.id == authz::OWNERSHIP.id));
//! ```
#![forbid(unsafe_code)]

mod catalogue;
mod control;
mod finding;
mod rating;

pub use catalogue::{CATALOGUE, authn, authz, by_id, evidence, gate, scan};
pub use control::{Control, ControlId, OwaspApi};
pub use finding::{Excerpt, ExcerptRange, Finding, Fingerprint, Fix, Location, Position, Rule, Span};
pub use rating::{Confidence, Severity};
