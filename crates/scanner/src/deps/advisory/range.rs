use serde::{Deserialize, Serialize};

use super::Advisory;
use crate::deps::version::{Scheme, Version};

/// Versions between events: each event switches "affected" on or off from a version on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range(pub Vec<Event>);

/// Where a range begins or ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Affected from here on; `0` is before every version.
    #[serde(rename = "i")]
    Introduced(String),
    /// Not affected from here on.
    #[serde(rename = "f")]
    Fixed(String),
    /// Affected up to here, and not after.
    #[serde(rename = "l")]
    LastAffected(String),
    /// Nothing is said from here on.
    #[serde(rename = "m")]
    Limit(String),
}

/// Whether a version is affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Affected {
    /// It is outside of every range.
    No,
    /// A version or a bound cannot be read, so that nobody can tell: counted as affected, with little confidence.
    Unknown,
    /// It is.
    Yes,
}

impl Advisory {
    /// Whether it tells of this version.
    pub fn affects(&self, scheme: Scheme, version: &str) -> Affected {
        if self.versions.iter().any(|affected| same(scheme, affected, version)) {
            return Affected::Yes;
        }
        if self.ranges.is_empty() {
            return Affected::No;
        }
        let Ok(version) = Version::parse(scheme, version) else { return Affected::Unknown };
        self.ranges.iter().map(|range| range.contains(scheme, &version)).max().unwrap_or(Affected::No)
    }

    /// The versions that end a range by mending the weakness.
    pub fn fixed(&self) -> impl Iterator<Item = &str> {
        self.ranges.iter().flat_map(|range| &range.0).filter_map(|event| match event {
            Event::Fixed(version) => Some(version.as_str()),
            _ => None,
        })
    }
}

fn same(scheme: Scheme, one: &str, other: &str) -> bool {
    // Most lists are long, and most of their versions are written as the lock file writes them.
    one == other
        || (one.len().abs_diff(other.len()) < 8
            && matches!((Version::parse(scheme, one), Version::parse(scheme, other)), (Ok(one), Ok(other)) if one == other))
}

impl Range {
    /// OSV's evaluation (<https://ossf.github.io/osv-schema/#evaluation>), without sorting: the last beginning at or before the
    /// version counts, and nothing may have ended it in between.
    fn contains(&self, scheme: Scheme, version: &Version) -> Affected {
        let Some(bounds) = self.0.iter().map(|event| Bound::read(scheme, event)).collect::<Option<Vec<_>>>() else {
            return Affected::Unknown;
        };
        let mut limits = bounds
            .iter()
            .filter_map(|bound| if let Bound::Limit(limit) = bound { Some(limit) } else { None })
            .peekable();
        if limits.peek().is_some() && !limits.any(|limit| version < limit) {
            return Affected::No;
        }
        let beginnings =
            bounds.iter().filter_map(|bound| if let Bound::Begin(begin) = bound { Some(begin) } else { None });
        let Some(begin) = beginnings.filter(|begin| begin.as_ref().is_none_or(|begin| begin <= version)).max() else {
            return Affected::No;
        };
        let is_over = bounds.iter().any(|bound| match bound {
            // Where one version ends and begins a range, it begins it.
            Bound::End(end) => end <= version && begin.as_ref().is_none_or(|begin| begin < end),
            Bound::Last(last) => last < version && begin.as_ref().is_none_or(|begin| begin <= last),
            Bound::Begin(_) | Bound::Limit(_) => false,
        });
        if is_over { Affected::No } else { Affected::Yes }
    }
}

enum Bound {
    /// None is before every version.
    Begin(Option<Version>),
    End(Version),
    Last(Version),
    Limit(Version),
}

impl Bound {
    fn read(scheme: Scheme, event: &Event) -> Option<Self> {
        let parse = |text| Version::parse(scheme, text).ok();
        Some(match event {
            Event::Introduced(zero) if zero == "0" => Self::Begin(None),
            Event::Introduced(text) => Self::Begin(Some(parse(text)?)),
            Event::Fixed(text) => Self::End(parse(text)?),
            Event::LastAffected(text) => Self::Last(parse(text)?),
            Event::Limit(text) => Self::Limit(parse(text)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deps::advisory::Class;

    fn advisory(events: Vec<Event>, versions: &[&str]) -> Advisory {
        Advisory {
            id: "TEST-1".to_owned(),
            aliases: Vec::new(),
            summary: String::new(),
            class: Class::Vulnerability,
            vectors: Vec::new(),
            word: None,
            ranges: vec![Range(events)],
            versions: versions.iter().map(|version| (*version).to_owned()).collect(),
        }
    }

    fn introduced(version: &str) -> Event {
        Event::Introduced(version.to_owned())
    }

    fn fixed(version: &str) -> Event {
        Event::Fixed(version.to_owned())
    }

    #[test]
    fn a_version_is_affected_from_the_beginning_up_to_but_not_with_the_fix() {
        let advisory = advisory(vec![fixed("1.2.4"), introduced("1.0.0")], &[]);
        for (version, affected) in [
            ("0.9.9", Affected::No),
            ("1.0.0-rc.1", Affected::No),
            ("1.0.0", Affected::Yes),
            ("1.2.4-rc.1", Affected::Yes),
            ("1.2.4", Affected::No),
            ("2.0.0", Affected::No),
        ] {
            assert_eq!(advisory.affects(Scheme::SemVer, version), affected, "{version}");
        }
    }

    #[test]
    fn a_weakness_that_came_back_is_one_again() {
        let advisory = advisory(vec![introduced("0"), fixed("1.0.0"), introduced("1.5.0"), fixed("2.0.0")], &[]);
        for (version, affected) in
            [("0.0.1", Affected::Yes), ("1.2.0", Affected::No), ("1.5.0", Affected::Yes), ("2.0.0", Affected::No)]
        {
            assert_eq!(advisory.affects(Scheme::SemVer, version), affected, "{version}");
        }
    }

    #[test]
    fn the_last_affected_version_is_affected_and_the_next_is_not() {
        let advisory = advisory(vec![introduced("0"), Event::LastAffected("1.2".to_owned())], &[]);
        assert_eq!(advisory.affects(Scheme::Pep440, "1.2.0"), Affected::Yes);
        assert_eq!(advisory.affects(Scheme::Pep440, "1.2.post1"), Affected::No);
    }

    #[test]
    fn nothing_is_affected_beyond_the_limit() {
        let advisory = advisory(vec![introduced("0"), Event::Limit("2.0.0".to_owned())], &[]);
        assert_eq!(advisory.affects(Scheme::SemVer, "1.9.9"), Affected::Yes);
        assert_eq!(advisory.affects(Scheme::SemVer, "2.0.0"), Affected::No);
    }

    #[test]
    fn a_listed_version_is_affected_however_it_is_written() {
        let advisory = advisory(vec![introduced("9.0.0")], &["1.0", "2004d"]);
        for version in ["1.0", "1.0.0", "2004d"] {
            assert_eq!(advisory.affects(Scheme::Pep440, version), Affected::Yes, "{version}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_safe() {
        assert_eq!(advisory(vec![introduced("one")], &[]).affects(Scheme::SemVer, "1.0.0"), Affected::Unknown);
        assert_eq!(advisory(vec![introduced("0")], &[]).affects(Scheme::SemVer, "one"), Affected::Unknown);
    }

    proptest::proptest! {
        #[test]
        fn events_in_any_order_mean_the_same(low in 0u64..40, span in 1u64..40, at in 0u64..80, swap in proptest::bool::ANY) {
            let mut events = vec![introduced(&format!("{low}.0.0")), fixed(&format!("{}.0.0", low + span))];
            if swap {
                events.reverse();
            }
            let expected = if (low..low + span).contains(&at) { Affected::Yes } else { Affected::No };
            proptest::prop_assert_eq!(advisory(events, &[]).affects(Scheme::SemVer, &format!("{at}.0.0")), expected);
        }
    }
}
