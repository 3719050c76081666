use bartizan_scanner::secrets::Detector;
use bartizan_scanner::{Report, Uncommitted, fixes};

use super::prepared::{Failure, Prepared};
use super::{Output, ReportFormat};

/// Makes the changes that are proven, shows them, and gives the report of what is left.
pub(super) fn apply(
    scan: &Prepared,
    report: Report,
    uncommitted: Uncommitted,
    format: ReportFormat,
    output: Output,
) -> Result<Report, Failure> {
    let fixes = fixes(&scan.targets, &|| scan.make(), &scan.limits, &scan.selection, uncommitted, &report)?;
    let detector = Detector::new();
    for change in &fixes.changes {
        change.write().map_err(|error| Failure::not_done(&error.into()))?;
        // Another format is for a program, which wants nothing before it.
        if format == ReportFormat::Text && !output.quiet {
            output.write(&change.diff(&detector)).map_err(|error| Failure::not_done(&error.into()))?;
        }
    }
    for refused in &fixes.refused {
        output.complain(&format!("not changed: {}: {}: {}", refused.path, refused.what, refused.why));
    }
    if fixes.changes.is_empty() {
        return Ok(report);
    }
    let done: usize = fixes.changes.iter().map(|change| change.what.len()).sum();
    output.complain(&format!("{done} changed in {} files; run your tests before you commit", fixes.changes.len()));
    Ok(scan.run(false, output)?)
}
