use super::Natural;

/// Semantic Versioning 2.0.0 §11. The derived order is the specified one: [`Stage`] and [`Identifier`] list their variants
/// from the lowest up, and of two lists the one that continues is the greater.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SemVer {
    pub(super) core: [Natural; 3],
    pub(super) stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Prerelease(Vec<Identifier>),
    Release,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identifier {
    Number(Natural),
    Text(Box<str>),
}

/// A version with its build metadata, which Dart's pub orders last (`pub_semver`: none comes before any).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Built {
    pub(super) version: SemVer,
    build: Vec<Identifier>,
}

impl SemVer {
    pub(super) const fn is_prerelease(&self) -> bool {
        matches!(self.stage, Stage::Prerelease(_))
    }
}

impl Built {
    /// Reads a version; missing minor and patch are zero, since advisories write `1.21`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (text, build) = match text.split_once('+') {
            Some((text, build)) => (text, identifiers(build)?),
            None => (text, Vec::new()),
        };
        let (core, stage) = match text.split_once('-') {
            Some((core, stage)) => (core, Stage::Prerelease(identifiers(stage)?)),
            None => (text, Stage::Release),
        };
        let mut numbers = core.split('.').map(Natural::parse);
        let first = numbers.next()??;
        let mut next = || numbers.next().unwrap_or_else(|| Some(Natural::default()));
        let core = [first, next()?, next()?];
        numbers.next().is_none().then_some(Self { version: SemVer { core, stage }, build })
    }
}

fn identifiers(text: &str) -> Option<Vec<Identifier>> {
    text.split('.').map(identifier).collect()
}

fn identifier(text: &str) -> Option<Identifier> {
    let allowed = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    allowed.then(|| Natural::parse(text).map_or_else(|| Identifier::Text(text.into()), Identifier::Number))
}
