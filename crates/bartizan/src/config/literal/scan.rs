use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::units::Size;

/// What `bartizan scan` looks for and when it fails: the same for everyone who scans the project. Flags of the command line go before
/// it. The gate does not read this section.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scan {
    /// What is looked for; everything without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<ScanKind>>,
    /// From which severity on the scan fails. `"never"` lets everything pass that is found.
    pub fail_on: ScanFailOn,
    /// How sure a finding has to be to be told. What is less sure is counted.
    pub confidence: ScanConfidence,
    /// What is not scanned, in the syntax of `.gitignore`, such as `"vendor/"`. Nothing is found in it.
    pub exclude: Vec<String>,
    /// A file of findings that were there before, as `bartizan scan --write-baseline` writes it. They are counted and not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<PathBuf>,
    /// Files and directories of rules of the project's own: declared ones (`*.yaml`) and policies (`*.rego`).
    pub rules: Vec<PathBuf>,
    /// Whether the scan fails if there is something that it could not look at.
    pub strict: bool,
    /// Which licences nothing may depend on, as far as lock files name them.
    pub licences: ScanLicences,
    /// The largest file that is read. Larger ones are counted as not looked at.
    pub max_file: Size,
}

impl Default for Scan {
    fn default() -> Self {
        Self {
            only: None,
            fail_on: ScanFailOn::High,
            confidence: ScanConfidence::Medium,
            exclude: Vec::new(),
            baseline: None,
            rules: Vec::new(),
            strict: false,
            licences: ScanLicences::default(),
            max_file: Size::new(16 << 20),
        }
    }
}

/// Which licences nothing may depend on, as far as lock files name them.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScanLicences {
    /// SPDX names, such as `"AGPL-3.0-only"`. A choice of licences is denied if all of them are.
    pub deny: Vec<String>,
}

/// What a scan looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScanKind {
    /// Credentials in files.
    Secrets,
    /// Packages with known weaknesses.
    Deps,
    /// The project's own rules.
    Rules,
}

/// From which severity on a scan fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScanFailOn {
    /// From critical findings on.
    Critical,
    /// From high ones on.
    High,
    /// From medium ones on.
    Medium,
    /// From low ones on.
    Low,
    /// Whatever is found.
    Never,
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScanConfidence {
    /// A sign that has innocent explanations too.
    Low,
    /// Likely, but one fact was not seen.
    Medium,
    /// Every fact that makes it true was seen.
    High,
}
