use super::Natural;
use super::natural::split_digits;

/// Composer: up to four numbers (or a date), a stability with its number, and `-dev`, which comes before what it follows.
/// The derived order is that of PHP's `version_compare` on normalized versions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Composer {
    numbers: Vec<Natural>,
    stability: Stability,
    counter: Vec<Natural>,
    ripeness: Ripeness,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stability {
    Dev,
    Alpha,
    Beta,
    Candidate,
    Stable,
    Patch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ripeness {
    Development,
    Released,
}

/// What stands for `x` in `1.2.x-dev`: the tip of a branch comes after all that is tagged on it.
const TIP: &str = "9999999";

impl Composer {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let text = lower.split_once('+').map_or(lower.as_str(), |(version, _build)| version);
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut rest = Rest(text);
        let numbers = rest.numbers()?;
        let (stability, counter) = rest.stability();
        let ripeness = rest.ripeness();
        if !rest.0.is_empty() {
            return None;
        }
        Some(match (stability, ripeness) {
            (Stability::Stable, Ripeness::Development) => {
                Self { numbers, stability: Stability::Dev, counter, ripeness: Ripeness::Released }
            }
            _ => Self { numbers, stability, counter, ripeness },
        })
    }

    pub(super) fn is_prerelease(&self) -> bool {
        self.stability < Stability::Stable || self.ripeness == Ripeness::Development
    }
}

struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn numbers(&mut self) -> Option<Vec<Natural>> {
        let mut numbers = Vec::new();
        loop {
            let (digits, rest) = split_digits(self.0);
            let wildcard = self.0.strip_prefix(['x', '*']).filter(|_| !numbers.is_empty());
            if let Some(rest) = wildcard {
                // `.x` stands for all that follow, and only a branch has it.
                let tip = Natural::parse(TIP)?;
                numbers.resize(4, tip);
                self.0 = rest;
                return self.0.ends_with("dev").then_some(numbers);
            }
            numbers.push(Natural::parse(digits)?);
            self.0 = rest;
            match rest.strip_prefix('.') {
                Some(next) if next.starts_with(|c: char| c.is_ascii_digit() || c == 'x' || c == '*') => self.0 = next,
                _ => break,
            }
        }
        // Beyond five digits the first number is a date, which is not padded.
        let is_date = numbers.first().is_some_and(|first| Natural::parse("99999").is_some_and(|limit| *first > limit));
        if !is_date {
            if numbers.len() > 4 {
                return None;
            }
            numbers.resize(4, Natural::default());
        }
        Some(numbers)
    }

    fn stability(&mut self) -> (Stability, Vec<Natural>) {
        let text = self.0.strip_prefix(['.', '_', '-']).unwrap_or(self.0);
        let found = STABILITIES.iter().find_map(|(word, stability)| Some((text.strip_prefix(word)?, *stability)));
        let Some((mut rest, stability)) = found else { return (Stability::Stable, Vec::new()) };
        let mut counter = Vec::new();
        loop {
            let (digits, after) = split_digits(rest.strip_prefix(['.', '-']).unwrap_or(rest));
            let Some(number) = Natural::parse(digits) else { break };
            counter.push(number);
            rest = after;
        }
        self.0 = rest;
        (stability, counter)
    }

    fn ripeness(&mut self) -> Ripeness {
        let text = self.0.strip_prefix(['.', '-']).unwrap_or(self.0);
        match text.strip_prefix("dev") {
            Some(rest) => {
                self.0 = rest;
                Ripeness::Development
            }
            None => Ripeness::Released,
        }
    }
}

/// The longer spelling stands before the one that it begins with.
const STABILITIES: [(&str, Stability); 10] = [
    ("stable", Stability::Stable),
    ("alpha", Stability::Alpha),
    ("a", Stability::Alpha),
    ("beta", Stability::Beta),
    ("b", Stability::Beta),
    ("rc", Stability::Candidate),
    ("patch", Stability::Patch),
    ("pl", Stability::Patch),
    ("p", Stability::Patch),
    ("release", Stability::Stable),
];
