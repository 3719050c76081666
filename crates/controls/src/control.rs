use std::fmt;

use serde::Serialize;

/// The name of a control: a room and a defence in kebab-case, `authz.ownership`. Part of the audit log's contract: an id
/// that was released is never given to another defence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ControlId(&'static str);

impl ControlId {
    /// Names a control; those of this version stand in [`CATALOGUE`](crate::CATALOGUE).
    pub const fn new(id: &'static str) -> Self {
        Self(id)
    }

    /// The id as text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for ControlId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

/// One defence: what it promises, and which known risks it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Control {
    /// The name that events and reports use.
    pub id: ControlId,
    /// A headline of a few words.
    pub title: &'static str,
    /// What holds while the control is in force, in one sentence.
    pub promise: &'static str,
    /// The risks of the OWASP API Security Top 10 2023 that it lowers.
    pub owasp_api: &'static [OwaspApi],
    /// Chapters of OWASP ASVS 5.0 it contributes to, as their numbers (`8` is V8, Authorization).
    pub asvs: &'static [u8],
    /// Weaknesses it closes, as CWE numbers.
    pub cwe: &'static [u16],
}

/// A risk of the OWASP API Security Top 10, edition 2023.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum OwaspApi {
    /// Broken object level authorization.
    #[serde(rename = "API1:2023")]
    Api1,
    /// Broken authentication.
    #[serde(rename = "API2:2023")]
    Api2,
    /// Broken object property level authorization.
    #[serde(rename = "API3:2023")]
    Api3,
    /// Unrestricted resource consumption.
    #[serde(rename = "API4:2023")]
    Api4,
    /// Broken function level authorization.
    #[serde(rename = "API5:2023")]
    Api5,
    /// Unrestricted access to sensitive business flows.
    #[serde(rename = "API6:2023")]
    Api6,
    /// Server side request forgery.
    #[serde(rename = "API7:2023")]
    Api7,
    /// Security misconfiguration.
    #[serde(rename = "API8:2023")]
    Api8,
    /// Improper inventory management.
    #[serde(rename = "API9:2023")]
    Api9,
    /// Unsafe consumption of APIs.
    #[serde(rename = "API10:2023")]
    Api10,
}

impl OwaspApi {
    /// The id that the list itself uses, `API1:2023`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api1 => "API1:2023",
            Self::Api2 => "API2:2023",
            Self::Api3 => "API3:2023",
            Self::Api4 => "API4:2023",
            Self::Api5 => "API5:2023",
            Self::Api6 => "API6:2023",
            Self::Api7 => "API7:2023",
            Self::Api8 => "API8:2023",
            Self::Api9 => "API9:2023",
            Self::Api10 => "API10:2023",
        }
    }
}

impl fmt::Display for OwaspApi {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
