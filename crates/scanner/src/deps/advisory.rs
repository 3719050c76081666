//! Advisories in the form of OSV (<https://ossf.github.io/osv-schema/>).

mod range;
mod record;

use serde::{Deserialize, Serialize};

pub use range::{Affected, Event, Range};
pub use record::{MalformedRecord, parse};

/// What one advisory says of one package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advisory {
    /// Its id in the database that publishes it: `RUSTSEC-2023-0071`, `GHSA-…`, `PYSEC-…`, `GO-…`, `MAL-…`.
    #[serde(rename = "i")]
    pub id: String,
    /// The same weakness in other databases.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// One line.
    #[serde(rename = "s", default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// What it tells of.
    #[serde(rename = "k", default, skip_serializing_if = "Class::is_vulnerability")]
    pub class: Class,
    /// CVSS vectors.
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    pub vectors: Vec<String>,
    /// The database's own word for the severity, where there is no vector: `MODERATE`.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// The versions between events.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Range>,
    /// Single versions.
    #[serde(rename = "v", default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<String>,
}

/// What an advisory tells of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// A weakness that can be used.
    #[default]
    Vulnerability,
    /// The package itself is an attack.
    Malicious,
    /// Nobody mends it any more.
    Unmaintained,
    /// It breaks its language's promises of memory safety, if called in some way.
    Unsound,
    /// Something to know.
    Notice,
}

impl Class {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    fn is_vulnerability(&self) -> bool {
        *self == Self::Vulnerability
    }
}
