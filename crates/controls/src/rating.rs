use std::fmt;

use serde::Serialize;

/// How much harm follows if a finding is true. Ordered: `Low < Critical`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; harms nobody by itself.
    Info,
    /// Helps an attacker who already has something else.
    Low,
    /// Harms under conditions that do occur.
    Medium,
    /// Harms users or data when somebody tries.
    High,
    /// Whole systems or everybody's data, without any precondition.
    Critical,
}

impl Severity {
    /// The word that reports and the command line use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// How sure a finding is, apart from how bad it would be. Ordered: `Low < High`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A sign that has innocent explanations too.
    Low,
    /// Likely, but one fact was not seen.
    Medium,
    /// Every fact that makes it true was seen.
    High,
}

impl Confidence {
    /// The word that reports use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
