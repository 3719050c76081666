use super::Natural;
use super::natural::split_digits;

/// PEP 440. The derived order is that of the specification: fields from the most to the least significant, variants from the
/// lowest up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pep440 {
    epoch: Natural,
    /// Without trailing zeros: `1.0` is `1`.
    release: Vec<Natural>,
    pre: Pre,
    post: Option<Natural>,
    dev: Dev,
    local: Option<Vec<Local>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pre {
    /// `1.0.dev1` alone comes before `1.0a1`.
    DevelopmentOnly,
    Stage(Stage, Natural),
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Alpha,
    Beta,
    Candidate,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dev {
    Number(Natural),
    None,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Local {
    Text(Box<str>),
    Number(Natural),
}

impl Pep440 {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let text = lower.strip_prefix('v').unwrap_or(&lower);
        let (text, local) = match text.split_once('+') {
            Some((text, local)) => (text, Some(local.split(['.', '-', '_']).map(Local::parse).collect::<Option<_>>()?)),
            None => (text, None),
        };
        let (epoch, text) = match text.split_once('!') {
            Some((epoch, text)) => (Natural::parse(epoch)?, text),
            None => (Natural::default(), text),
        };
        let mut rest = Rest(text);
        let release = rest.release()?;
        let stage = rest.word(&STAGES);
        let post = rest.post();
        let dev = rest.word(&[("dev", ())]).map(|((), number)| number);
        let pre = match (stage, &post, &dev) {
            (Some((stage, number)), ..) => Pre::Stage(stage, number),
            (None, None, Some(_)) => Pre::DevelopmentOnly,
            _ => Pre::None,
        };
        let dev = dev.map_or(Dev::None, Dev::Number);
        rest.0.is_empty().then_some(Self { epoch, release, pre, post, dev, local })
    }

    pub(super) fn is_prerelease(&self) -> bool {
        self.pre != Pre::None || self.dev != Dev::None
    }
}

/// The longer spelling stands before the one that it begins with.
const STAGES: [(&str, Stage); 8] = [
    ("alpha", Stage::Alpha),
    ("a", Stage::Alpha),
    ("beta", Stage::Beta),
    ("b", Stage::Beta),
    ("preview", Stage::Candidate),
    ("pre", Stage::Candidate),
    ("rc", Stage::Candidate),
    ("c", Stage::Candidate),
];

/// What is not read yet.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn release(&mut self) -> Option<Vec<Natural>> {
        let mut release = Vec::new();
        loop {
            let (digits, rest) = split_digits(self.0);
            release.push(Natural::parse(digits)?);
            self.0 = rest;
            match rest.strip_prefix('.') {
                Some(next) if next.starts_with(|c: char| c.is_ascii_digit()) => self.0 = next,
                _ => break,
            }
        }
        while release.last().is_some_and(Natural::is_zero) {
            release.pop();
        }
        Some(release)
    }

    /// One of the words with separators and a number around it, all of which may be left out; nothing is read without the word.
    fn word<T: Copy>(&mut self, words: &[(&str, T)]) -> Option<(T, Natural)> {
        let text = self.0.strip_prefix(SEPARATORS).unwrap_or(self.0);
        let (rest, meaning) = words.iter().find_map(|(word, meaning)| Some((text.strip_prefix(word)?, *meaning)))?;
        let (digits, after) = split_digits(rest.strip_prefix(SEPARATORS).unwrap_or(rest));
        // A separator that no number follows begins the next part: `1.0a.dev1`.
        self.0 = if digits.is_empty() { rest } else { after };
        Some((meaning, Natural::parse(digits).unwrap_or_default()))
    }

    fn post(&mut self) -> Option<Natural> {
        let implicit = self.0.strip_prefix('-').map(split_digits);
        if let Some((digits, rest)) = implicit
            && let Some(number) = Natural::parse(digits)
        {
            self.0 = rest;
            return Some(number);
        }
        self.word(&[("post", ()), ("rev", ()), ("r", ())]).map(|((), number)| number)
    }
}

const SEPARATORS: [char; 3] = ['-', '_', '.'];

impl Local {
    fn parse(text: &str) -> Option<Self> {
        let allowed = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        allowed.then(|| Natural::parse(text).map_or_else(|| Self::Text(text.into()), Self::Number))
    }
}
