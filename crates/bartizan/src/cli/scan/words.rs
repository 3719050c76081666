use bartizan_controls::{Confidence, Severity};
use bartizan_scanner::FailOn;
use clap::ValueEnum;

use crate::config::literal::{ScanConfidence, ScanFailOn};

/// From which severity on a scan fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Threshold {
    Critical,
    High,
    Medium,
    Low,
    Never,
}

/// How sure a finding has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Sureness {
    Low,
    Medium,
    High,
}

/// What was said on the command line, or else in the configuration.
pub(super) fn confidence(said: Option<Sureness>, configured: ScanConfidence) -> Confidence {
    match (said, configured) {
        (Some(Sureness::Low), _) | (None, ScanConfidence::Low) => Confidence::Low,
        (Some(Sureness::Medium), _) | (None, ScanConfidence::Medium) => Confidence::Medium,
        (Some(Sureness::High), _) | (None, ScanConfidence::High) => Confidence::High,
    }
}

/// As [`confidence`].
pub(super) fn threshold(said: Option<Threshold>, configured: ScanFailOn) -> FailOn {
    match (said, configured) {
        (Some(Threshold::Critical), _) | (None, ScanFailOn::Critical) => FailOn::Severity(Severity::Critical),
        (Some(Threshold::High), _) | (None, ScanFailOn::High) => FailOn::Severity(Severity::High),
        (Some(Threshold::Medium), _) | (None, ScanFailOn::Medium) => FailOn::Severity(Severity::Medium),
        (Some(Threshold::Low), _) | (None, ScanFailOn::Low) => FailOn::Severity(Severity::Low),
        (Some(Threshold::Never), _) | (None, ScanFailOn::Never) => FailOn::Never,
    }
}
