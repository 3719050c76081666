//! Dependencies: what lock files name, held against the advisories of its ecosystem.

mod advice;
pub mod advisory;
pub mod cvss;
mod ecosystem;
pub mod import;
mod imports;
pub mod index;
mod inventory;
mod kind;
pub mod lock;
mod package;
mod purl;
mod rule;
pub mod sbom;
mod squat;
pub mod version;
mod vulnerability;

pub use ecosystem::Ecosystem;
pub use inventory::{Inventory, LockedFile};
pub use kind::{Deps, DepsConfig};
pub use package::{Gap, Lock, Package, Parent, Relation, Scope, Source, Unpinned};
pub use purl::purl;
pub use vulnerability::{Verdict, Vulnerability, judge};
