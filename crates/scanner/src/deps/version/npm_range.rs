//! The ranges of npm's package.json, as node-semver reads them.

use super::semver::{Built, SemVer, Stage};
use super::{Natural, Parsed, Scheme, Version};

/// A range such as `^1.2.3 || >=2 <3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpmRange {
    alternatives: Vec<Vec<Comparator>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparator {
    bound: Bound,
    version: SemVer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Less,
    AtMost,
    Exactly,
    AtLeast,
    More,
}

/// Real ranges have a handful of parts.
const MAX_LENGTH: usize = 512;

impl NpmRange {
    /// Reads a range; [`None`] where the text is none, such as a URL, an alias or a tag.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        text.split("||").map(alternative).collect::<Option<Vec<_>>>().map(|alternatives| Self { alternatives })
    }

    /// Whether the range holds the version. A pre-release is held only where a comparator names one of the same three numbers.
    pub fn contains(&self, version: &str) -> bool {
        let Ok(Version(Parsed::SemVer(version))) = Version::parse(Scheme::SemVer, version) else { return false };
        self.alternatives.iter().any(|comparators| {
            comparators.iter().all(|comparator| comparator.holds(&version))
                && (!version.is_prerelease()
                    || comparators.iter().any(|comparator| {
                        comparator.version.is_prerelease() && comparator.version.core == version.core
                    }))
        })
    }
}

impl Comparator {
    fn holds(&self, version: &SemVer) -> bool {
        match self.bound {
            Bound::Less => *version < self.version,
            Bound::AtMost => *version <= self.version,
            Bound::Exactly => *version == self.version,
            Bound::AtLeast => *version >= self.version,
            Bound::More => *version > self.version,
        }
    }
}

fn alternative(text: &str) -> Option<Vec<Comparator>> {
    if let Some((low, high)) = text.split_once(" - ") {
        let mut comparators = Partial::parse(low.trim())?.at_least();
        comparators.extend(Partial::parse(high.trim())?.at_most());
        return Some(comparators);
    }
    let mut comparators = Vec::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let (operator, rest) = operator(word);
        // `>= 1.2` has its version in the next word.
        let partial = Partial::parse(if rest.is_empty() && !operator.is_empty() { words.next()? } else { rest })?;
        comparators.extend(match operator {
            "^" => partial.caret(),
            "~" | "~>" => partial.tilde(),
            ">=" => partial.at_least(),
            ">" => partial.more(),
            "<=" => partial.at_most(),
            "<" => partial.less(),
            _ => partial.exactly(),
        });
    }
    Some(comparators)
}

fn operator(word: &str) -> (&str, &str) {
    for operator in ["^", "~>", "~", ">=", ">", "<=", "<", "="] {
        if let Some(rest) = word.strip_prefix(operator) {
            return (operator, rest);
        }
    }
    ("", word)
}

/// A version of which the end may be left out or be `x`.
struct Partial {
    given: Vec<Natural>,
    stage: Stage,
}

impl Partial {
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(['v', '=']).unwrap_or(text);
        if matches!(text, "" | "*" | "x" | "X") {
            return Some(Self { given: Vec::new(), stage: Stage::Release });
        }
        let core = text.split(['-', '+']).next()?;
        let parts: Vec<&str> = core.split('.').collect();
        let given: Vec<Natural> = parts
            .iter()
            .take_while(|part| !matches!(**part, "x" | "X" | "*"))
            .map(|part| Natural::parse(part))
            .collect::<Option<_>>()?;
        let wild = parts.iter().skip(given.len()).all(|part| matches!(*part, "x" | "X" | "*"));
        if parts.len() > 3 || !wild {
            return None;
        }
        let stage = if given.len() == 3 { Built::parse(text)?.version.stage } else { Stage::Release };
        Some(Self { given, stage })
    }

    fn floor(&self) -> SemVer {
        let mut numbers = self.given.iter().cloned();
        let mut next = || numbers.next().unwrap_or_default();
        SemVer { core: [next(), next(), next()], stage: self.stage.clone() }
    }

    /// The lowest version, pre-releases among them, after all that begin with the first `count` numbers.
    fn ceiling(&self, count: usize) -> Option<SemVer> {
        let mut numbers: Vec<Natural> = self.given.iter().take(count).cloned().collect();
        let last = numbers.last_mut()?;
        *last = last.next();
        let mut numbers = numbers.into_iter();
        let mut next = || numbers.next().unwrap_or_default();
        Some(SemVer { core: [next(), next(), next()], stage: Stage::Prerelease(Vec::new()) })
    }

    fn at_least(&self) -> Vec<Comparator> {
        vec![Comparator { bound: Bound::AtLeast, version: self.floor() }]
    }

    fn below(&self, count: usize) -> Vec<Comparator> {
        self.ceiling(count).map(|version| Comparator { bound: Bound::Less, version }).into_iter().collect()
    }

    fn exactly(&self) -> Vec<Comparator> {
        if self.given.len() == 3 {
            return vec![Comparator { bound: Bound::Exactly, version: self.floor() }];
        }
        [self.at_least(), self.below(self.given.len())].concat()
    }

    fn at_most(&self) -> Vec<Comparator> {
        if self.given.len() == 3 {
            return vec![Comparator { bound: Bound::AtMost, version: self.floor() }];
        }
        self.below(self.given.len())
    }

    fn less(&self) -> Vec<Comparator> {
        let mut version = self.floor();
        if self.given.len() < 3 {
            version.stage = Stage::Prerelease(Vec::new());
        }
        vec![Comparator { bound: Bound::Less, version }]
    }

    fn more(&self) -> Vec<Comparator> {
        if self.given.len() == 3 {
            return vec![Comparator { bound: Bound::More, version: self.floor() }];
        }
        // `>1` begins at 2.0.0; nothing is more than `*`.
        let version = self.ceiling(self.given.len()).map(|ceiling| SemVer { stage: Stage::Release, ..ceiling });
        match version {
            Some(version) => vec![Comparator { bound: Bound::AtLeast, version }],
            None => vec![
                Comparator { bound: Bound::Less, version: self.floor() },
                Comparator { bound: Bound::More, version: self.floor() },
            ],
        }
    }

    fn tilde(&self) -> Vec<Comparator> {
        [self.at_least(), self.below(self.given.len().min(2))].concat()
    }

    /// Up to the next change of the first number that is not zero.
    fn caret(&self) -> Vec<Comparator> {
        let significant =
            self.given.iter().position(|number| !number.is_zero()).map_or(self.given.len(), |index| index + 1);
        [self.at_least(), self.below(significant)].concat()
    }
}
