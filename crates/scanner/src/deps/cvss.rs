//! CVSS scores from vectors: advisories carry the vector, and the severity of a finding is its score.

mod v3;
mod v4;

use std::fmt;

use bartizan_controls::Severity;

/// A score from 0.0 to 10.0, in tenths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(u8);

/// A vector that is none, or of a version that is not scored here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{vector}` is no CVSS vector of version 3.0, 3.1 or 4.0: {what}")]
pub struct NotAVector {
    vector: String,
    what: &'static str,
}

impl Score {
    /// Scores a vector: its base metrics, for version 4 with its threat and environmental metrics where it has them.
    ///
    /// Source: CVSS 3.1 §7 and 4.0 §8 (<https://www.first.org/cvss/>).
    ///
    /// # Errors
    /// [`NotAVector`], if a base metric is missing, doubled or has a value that does not exist.
    pub fn of(vector: &str) -> Result<Self, NotAVector> {
        let fault = |what| NotAVector { vector: vector.chars().take(120).collect(), what };
        let (version, metrics) = vector.trim().split_once('/').ok_or_else(|| fault("there are no metrics"))?;
        let metrics = Metrics::parse(metrics).map_err(fault)?;
        match version {
            "CVSS:3.0" | "CVSS:3.1" => v3::score(&metrics).map_err(fault),
            "CVSS:4.0" => v4::score(&metrics).map_err(fault),
            _ => Err(fault("it does not begin with a version that is known")),
        }
    }

    /// Rounds to tenths; stays between 0.0 and 10.0 whatever it is given.
    fn from_tenths(tenths: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held between 0 and 100")]
        Self(tenths.clamp(0.0, 100.0) as u8)
    }

    /// The score in tenths, 0 to 100.
    pub const fn tenths(self) -> u8 {
        self.0
    }

    /// The word for the score, by CVSS's own scale (3.1 §5, 4.0 §6): 0.1, 4.0, 7.0, 9.0.
    pub const fn severity(self) -> Severity {
        match self.0 {
            0 => Severity::Info,
            1..=39 => Severity::Low,
            40..=69 => Severity::Medium,
            70..=89 => Severity::High,
            _ => Severity::Critical,
        }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

/// The metrics of a vector: `AV:N/AC:L/…`.
struct Metrics<'a>(Vec<(&'a str, &'a str)>);

/// Version 4 has 32.
const MAX_METRICS: usize = 40;

impl<'a> Metrics<'a> {
    fn parse(text: &'a str) -> Result<Self, &'static str> {
        let mut metrics: Vec<(&str, &str)> = Vec::new();
        for part in text.trim_end_matches('/').split('/') {
            let (name, value) = part.split_once(':').ok_or("a metric without value")?;
            if metrics.iter().any(|(known, _)| *known == name) || metrics.len() >= MAX_METRICS {
                return Err("a metric stands in it twice");
            }
            metrics.push((name, value));
        }
        Ok(Self(metrics))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests;
