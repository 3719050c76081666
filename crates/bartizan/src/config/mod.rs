//! The configuration: `bartizan.toml` in, each room's typed `Config` out, or every fault of the file at once.

mod check;
mod digest;
mod environment;
mod expect;
mod faults;
mod hints;
mod later;
pub mod literal;
mod load;
pub mod posture;
mod redact;
mod reference;
mod render;
mod resolve;
mod schema;
mod source;
mod tree;
pub mod units;

pub use digest::Digest;
pub use environment::{Environment, Process};
pub use faults::{Fault, FaultKind, FaultRecord, Faults, Severity};
pub use load::{ApiDocument, Console, Identity, Loaded, load, load_scan};
pub use posture::Posture;
pub use reference::reference;
pub use render::Style;
pub use schema::json_schema;
pub use source::{Position, Source};

#[cfg(test)]
mod tests;
