//! Licences, bans, sources and duplicates by cargo-deny; advisories from OSV data by ourselves, since cargo-deny wants a
//! clone of the `RustSec` repository, and a build without a network has none.

use std::process::Command;

use anyhow::{Context, Result};

use crate::advisories;
use crate::metadata::Metadata;
use crate::report::Report;
use crate::tools::CARGO_DENY;

pub(crate) fn run(report: &mut Report) -> Result<()> {
    let metadata = Metadata::read()?;
    let program = CARGO_DENY.locate(&metadata.target_directory)?;
    let status = Command::new(&program)
        .args(["--locked", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"])
        .current_dir(&metadata.workspace_root)
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    if !status.success() {
        report.fault(
            "cargo-deny found what deny.toml forbids",
            "replace the crate, or change deny.toml and say why there",
        );
    }
    advisories::run(&metadata, report)
}
