//! The room as a whole: over its own endpoints, on real stores, with the audit log on disk.

mod node;
mod provider;
