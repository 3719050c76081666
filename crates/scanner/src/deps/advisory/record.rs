use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Advisory, Class, Event, Range};
use crate::deps::ecosystem::Ecosystem;

/// A text that is no OSV record.
#[derive(Debug, thiserror::Error)]
#[error("it is no OSV record: {0}")]
pub struct MalformedRecord(#[from] serde_json::Error);

/// What a record says, for each package of the ecosystems that are known. Nothing, if it was withdrawn.
#[derive(Debug, PartialEq, Eq)]
pub struct Parsed {
    /// When it was last changed, RFC 3339.
    pub modified: String,
    /// For each package what it says.
    pub advisories: Vec<(Ecosystem, String, Advisory)>,
}

/// Reads one record.
///
/// # Errors
/// [`MalformedRecord`], if it is not JSON or a member has another type than the schema says.
pub fn parse(bytes: &[u8]) -> Result<Parsed, MalformedRecord> {
    let record: Record = serde_json::from_slice(bytes)?;
    let mut packages = BTreeMap::<(Ecosystem, String), Advisory>::new();
    if record.withdrawn.is_none() {
        for affected in &record.affected {
            let Some(ecosystem) = affected.package.as_ref().and_then(|package| Ecosystem::named(&package.ecosystem))
            else {
                continue;
            };
            let name =
                affected.package.as_ref().map(|package| ecosystem.key(&package.name).into_owned()).unwrap_or_default();
            // A record may speak of several branches of one package.
            let advisory = packages.entry((ecosystem, name)).or_insert_with(|| record.advisory(affected));
            advisory
                .ranges
                .extend(affected.ranges.iter().filter(|range| range.kind != "GIT").map(ReportedRange::events));
            advisory.versions.extend(affected.versions.iter().cloned());
        }
    }
    let advisories = packages.into_iter().map(|((ecosystem, name), advisory)| (ecosystem, name, advisory)).collect();
    Ok(Parsed { modified: record.modified, advisories })
}

#[derive(Deserialize)]
struct Record {
    id: String,
    #[serde(default)]
    modified: String,
    withdrawn: Option<String>,
    #[serde(default)]
    aliases: Nullable<Vec<String>>,
    #[serde(default)]
    summary: Nullable<String>,
    #[serde(default)]
    details: Nullable<String>,
    #[serde(default)]
    severity: Nullable<Vec<ReportedSeverity>>,
    #[serde(default)]
    affected: Vec<AffectedPackage>,
    #[serde(default)]
    database_specific: serde_json::Value,
}

/// Databases write `null` for what they leave out.
type Nullable<T> = Option<T>;

#[derive(Deserialize)]
struct AffectedPackage {
    package: Option<NamedPackage>,
    #[serde(default)]
    ranges: Vec<ReportedRange>,
    #[serde(default)]
    versions: Vec<String>,
    #[serde(default)]
    severity: Vec<ReportedSeverity>,
    #[serde(default)]
    database_specific: serde_json::Value,
}

#[derive(Deserialize)]
struct NamedPackage {
    ecosystem: String,
    name: String,
}

#[derive(Clone, Deserialize)]
struct ReportedSeverity {
    score: String,
}

#[derive(Deserialize)]
struct ReportedRange {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    events: Vec<ReportedEvent>,
}

#[derive(Deserialize)]
struct ReportedEvent {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

/// A summary is one line of a report.
const MAX_SUMMARY: usize = 200;

impl Record {
    fn advisory(&self, affected: &AffectedPackage) -> Advisory {
        let severities = self.severity.iter().flatten().chain(&affected.severity);
        let text = [&self.summary, &self.details].into_iter().flatten().find(|text| !text.trim().is_empty());
        let line = text.and_then(|text| text.trim().lines().next()).unwrap_or_default().trim_start_matches(['#', ' ']);
        Advisory {
            id: self.id.clone(),
            aliases: self.aliases.clone().unwrap_or_default(),
            summary: line.chars().take(MAX_SUMMARY).collect(),
            class: self.class(affected),
            // No limit (`*`) is the default, and a vector is all that is read of a severity.
            vectors: severities
                .map(|severity| severity.score.clone())
                .filter(|score| score.starts_with("CVSS:"))
                .collect(),
            word: self.database_specific.get("severity").and_then(serde_json::Value::as_str).map(str::to_owned),
            ranges: Vec::new(),
            versions: Vec::new(),
        }
    }

    fn class(&self, affected: &AffectedPackage) -> Class {
        if self.id.starts_with("MAL-") {
            return Class::Malicious;
        }
        match affected.database_specific.get("informational").and_then(serde_json::Value::as_str) {
            Some("unmaintained") => Class::Unmaintained,
            Some("unsound") => Class::Unsound,
            Some(_) => Class::Notice,
            None => Class::Vulnerability,
        }
    }
}

impl ReportedRange {
    fn events(&self) -> Range {
        let event = |event: &ReportedEvent| {
            let introduced = event.introduced.clone().map(Event::Introduced);
            let fixed = event.fixed.clone().map(Event::Fixed);
            let last = event.last_affected.clone().map(Event::LastAffected);
            // `*` is no limit at all, which is what no limit says too.
            let limit = event.limit.clone().filter(|limit| limit != "*").map(Event::Limit);
            introduced.or(fixed).or(last).or(limit)
        };
        Range(self.events.iter().filter_map(event).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withdrawn_record_says_nothing() {
        let record = br#"{"id": "X-1", "modified": "2026-01-01T00:00:00Z", "withdrawn": "2026-01-02T00:00:00Z",
            "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1.0.0"]}]}"#;
        assert!(parse(record).unwrap().advisories.is_empty());
    }

    #[test]
    fn branches_of_one_package_are_one_advisory() {
        let record = br#"{"id": "GHSA-1", "modified": "2026-01-01T00:00:00Z", "aliases": null,
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            "affected": [
              {"package": {"ecosystem": "PyPI", "name": "A_b"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}]}]},
              {"package": {"ecosystem": "PyPI", "name": "a-b"}, "ranges": [{"type": "GIT", "repo": "r", "events": [{"introduced": "0"}]},
                {"type": "ECOSYSTEM", "events": [{"introduced": "2"}, {"last_affected": "2.1"}]}], "versions": ["2.0"]},
              {"package": {"ecosystem": "Debian:12", "name": "a-b"}, "versions": ["1"]}]}"#;
        let parsed = parse(record).unwrap();
        let [(Ecosystem::PyPi, name, advisory)] = parsed.advisories.as_slice() else { panic!("{parsed:?}") };
        assert_eq!(name, "a-b");
        assert_eq!(advisory.ranges.len(), 2);
        assert_eq!(advisory.versions, ["2.0"]);
        assert_eq!(advisory.vectors.len(), 1);
    }
}
