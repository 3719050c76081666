//! Static findings: what must not be released, found in one pass over a tree, offline, with the same bytes of output every time.
//!
//! The frame ([`scan`]) walks the tree, reads each file once and hands it to every [`Kind`] that wants it. Kinds push
//! [`Finding`](bartizan_controls::Finding)s, and tell what they could not look at; the frame takes out what is suppressed with a
//! reason or known from before, and sorts the rest into a [`Report`], which [`mod@format`] writes.
#![forbid(unsafe_code)]

mod baseline;
pub mod deps;
mod excluded;
mod findings;
mod fingerprint;
mod fix;
pub mod format;
mod kind;
mod report;
mod repository;
pub mod rules;
mod scan;
pub mod secrets;
mod source;
mod suppression;
mod target;
mod tracked;
mod tree;
mod walk;

pub use baseline::{Baseline, BaselineError};
pub use findings::{Findings, Gap, GapReason};
pub use fingerprint::{blurred, fingerprint};
pub use fix::{Change, Fixes, Refusal, Refused, Uncommitted, WriteError, fixes};
pub use kind::{Kind, KindName, UnknownKind};
pub use report::{Coverage, FailOn, Report};
pub use scan::{Limits, MakeKinds, Progress, ScanError, Selection, scan, scan_history};
pub use source::SourceFile;
pub use target::Target;
