//! Dependencies: what lock files name, held against the advisories of its ecosystem.

pub mod advisory;
pub mod cvss;
mod ecosystem;
pub mod index;
pub mod lock;
pub mod import;
mod inventory;
mod package;
mod purl;
pub mod sbom;
mod squat;
mod tree;
pub mod version;
mod vulnerability;

pub use ecosystem::Ecosystem;
pub use vulnerability::{Verdict, Vulnerability, judge};
pub use inventory::{Inventory, LockedFile};
pub use purl::purl;
pub use package::{Gap, Lock, Package, Parent, Relation, Scope, Source, Unpinned};
