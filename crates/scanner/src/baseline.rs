//! The findings that were there before: a scan tells only what is new beside them.

use std::collections::BTreeMap;

use bartizan_controls::{Finding, Fingerprint};
use serde::{Deserialize, Serialize};

/// The form of the file, so that a later one is refused with a clear word.
const VERSION: u32 = 1;

/// The largest baseline that is read: about two hundred thousand findings.
const MAX_BYTES: usize = 32 << 20;

/// How often each weakness is known. A copy more than that is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    known: BTreeMap<Fingerprint, usize>,
}

/// Why a baseline cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is not in the form that `--write-baseline` writes.
    #[error("the baseline is not in the form that `--write-baseline` writes: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is of another version.
    #[error(
        "the baseline is of version {0}, and this program reads version {VERSION}: write it anew with `--write-baseline`"
    )]
    Version(u32),
    /// It is too large.
    #[error("the baseline is larger than 32 MiB: see that it is the right file")]
    TooLarge,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    findings: Vec<Entry>,
}

/// A known finding. Rule and path are for people who read the file; only the fingerprint counts.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    fingerprint: String,
    rule: String,
    path: String,
}

impl Baseline {
    /// The findings of a report.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut known = BTreeMap::new();
        for finding in findings {
            *known.entry(finding.fingerprint).or_default() += 1;
        }
        Self { known }
    }

    /// Reads what [`Self::write`] wrote.
    ///
    /// # Errors
    /// A [`BaselineError`] if it is something else.
    pub fn parse(text: &[u8]) -> Result<Self, BaselineError> {
        if text.len() > MAX_BYTES {
            return Err(BaselineError::TooLarge);
        }
        let file: File = serde_json::from_slice(text)?;
        if file.version != VERSION {
            return Err(BaselineError::Version(file.version));
        }
        let mut known = BTreeMap::new();
        for entry in file.findings {
            let malformed = || {
                <serde_json::Error as serde::de::Error>::custom(format!("`{}` is no fingerprint", entry.fingerprint))
            };
            *known.entry(parse_fingerprint(&entry.fingerprint).ok_or_else(malformed)?).or_default() += 1;
        }
        Ok(Self { known })
    }

    /// The findings as a baseline file: JSON, one finding a line, so that reviews and merges see what changed.
    ///
    /// # Errors
    /// None but those of the serializer, which has no reason for any.
    pub fn write<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Result<String, serde_json::Error> {
        let mut entries: Vec<String> = Vec::new();
        for finding in findings {
            entries.push(serde_json::to_string(&Entry {
                fingerprint: finding.fingerprint.to_string(),
                rule: finding.rule.id.to_string(),
                path: finding.location.path.clone(),
            })?);
        }
        let separator = if entries.is_empty() { "" } else { "\n" };
        Ok(format!("{{\"version\":{VERSION},\"findings\":[{separator}{}{separator}]}}\n", entries.join(",\n")))
    }

    /// Takes out what is known, as often as it is known, and says how many that were.
    pub fn subtract(mut self, findings: &mut Vec<Finding>) -> usize {
        let before = findings.len();
        findings.retain(|finding| match self.known.get_mut(&finding.fingerprint) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        });
        before - findings.len()
    }
}

fn parse_fingerprint(text: &str) -> Option<Fingerprint> {
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 16];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(Fingerprint(bytes))
}

#[cfg(test)]
mod tests;
