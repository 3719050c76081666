//! The order of versions, as each ecosystem's own tools have it: a wrong order is a missed or an invented vulnerability.

mod composer;
mod conan;
mod gem;
mod maven;
mod natural;
pub mod npm_range;
mod nuget;
mod pep440;
mod semver;

#[cfg(test)]
mod tests;

use natural::Natural;

/// The rules by which versions of an ecosystem are written and ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Semantic Versioning 2.0.0: crates.io, npm, Hex.
    SemVer,
    /// Semantic Versioning with a leading `v`; pseudo-versions are its pre-releases, `+incompatible` carries no order.
    Go,
    /// Python's PEP 440.
    Pep440,
    /// Maven's `ComparableVersion`.
    Maven,
    /// `Gem::Version`.
    Gem,
    /// NuGet: four numbers, pre-releases without regard to case.
    NuGet,
    /// Composer's normalized versions.
    Composer,
    /// Dart's pub: Semantic Versioning in which build metadata carries order.
    Pub,
    /// Conan 2.
    Conan,
}

/// A version that has been read. Versions of one [`Scheme`] are totally ordered; across schemes the order means nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Parsed);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Parsed {
    SemVer(semver::SemVer),
    Pep440(pep440::Pep440),
    Maven(maven::Maven),
    Gem(gem::Gem),
    NuGet(nuget::NuGet),
    Composer(composer::Composer),
    Pub(semver::Built),
    Conan(conan::Conan),
}

/// A text that is no version of its ecosystem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no version of this ecosystem")]
pub struct NotAVersion {
    text: String,
}

/// The longest version that is read; registries allow far less.
const MAX_LENGTH: usize = 256;

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    /// [`NotAVersion`] where the ecosystem's own tools would not order the text either.
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, NotAVersion> {
        let trimmed = text.trim();
        let parsed = (trimmed.len() <= MAX_LENGTH).then(|| Self::read(scheme, trimmed)).flatten();
        parsed.map(Self).ok_or_else(|| NotAVersion { text: text.chars().take(80).collect() })
    }

    fn read(scheme: Scheme, text: &str) -> Option<Parsed> {
        Some(match scheme {
            Scheme::SemVer => Parsed::SemVer(semver::Built::parse(text)?.version),
            Scheme::Go => Parsed::SemVer(semver::Built::parse(text.strip_prefix('v').unwrap_or(text))?.version),
            Scheme::Pep440 => Parsed::Pep440(pep440::Pep440::parse(text)?),
            Scheme::Maven => Parsed::Maven(maven::Maven::parse(text)?),
            Scheme::Gem => Parsed::Gem(gem::Gem::parse(text)?),
            Scheme::NuGet => Parsed::NuGet(nuget::NuGet::parse(text)?),
            Scheme::Composer => Parsed::Composer(composer::Composer::parse(text)?),
            Scheme::Pub => Parsed::Pub(semver::Built::parse(text)?),
            Scheme::Conan => Parsed::Conan(conan::Conan::parse(text)?),
        })
    }

    /// Whether the version announces itself as not yet released (`-rc.1`, `.dev0`, `-SNAPSHOT`): none to send users to.
    pub fn is_prerelease(&self) -> bool {
        match &self.0 {
            Parsed::SemVer(version) => version.is_prerelease(),
            Parsed::Pub(built) => built.version.is_prerelease(),
            Parsed::Pep440(version) => version.is_prerelease(),
            Parsed::Maven(version) => version.is_prerelease(),
            Parsed::Gem(version) => version.is_prerelease(),
            Parsed::NuGet(version) => version.is_prerelease(),
            Parsed::Composer(version) => version.is_prerelease(),
            Parsed::Conan(version) => version.is_prerelease(),
        }
    }
}
