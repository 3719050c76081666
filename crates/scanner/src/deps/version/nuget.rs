use super::Natural;
use super::semver::{Built, Stage};

/// NuGet: up to four numbers, the missing ones zero; pre-release labels by Semantic Versioning, without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NuGet {
    numbers: [Natural; 4],
    stage: Stage,
}

impl NuGet {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.split_once('+').map_or(text, |(version, _build)| version);
        let (numbers, labels) = match text.split_once('-') {
            Some((numbers, labels)) => (numbers, Some(labels.to_ascii_lowercase())),
            None => (text, None),
        };
        let mut parts = numbers.split('.').map(Natural::parse);
        let first = parts.next()??;
        let mut next = || parts.next().unwrap_or_else(|| Some(Natural::default()));
        let numbers = [first, next()?, next()?, next()?];
        let stage = match labels {
            // The labels' grammar and order are those of Semantic Versioning.
            Some(labels) => Built::parse(&format!("0-{labels}"))?.version.stage,
            None => Stage::Release,
        };
        parts.next().is_none().then_some(Self { numbers, stage })
    }

    pub(super) const fn is_prerelease(&self) -> bool {
        matches!(self.stage, Stage::Prerelease(_))
    }
}
