//! Lock files and manifests: which file is of which format, and how each is read into one [`Lock`].

mod bun;
mod cargo;
mod composer;
mod conan;
mod gemfile;
mod go;
mod gradle;
mod mix;
mod msbuild;
mod npm;
mod nuget;
mod package_json;
mod pdm;
mod pipfile;
mod pnpm;
mod poetry;
pub(super) mod pom;
mod pubspec;
mod requirements;
mod uv;
mod yarn;

#[cfg(test)]
mod tests;

pub(super) use go::sums;
pub(super) use msbuild::Project as MsBuildProject;
pub(super) use package_json::Manifest;

use super::ecosystem::Ecosystem;
use super::package::Lock;

/// The largest file that is read; the largest lock files seen are below 10 MB.
pub const MAX_BYTES: usize = 64 << 20;
/// The most packages that one file may name.
pub const MAX_PACKAGES: usize = 250_000;

/// The format of a lock file or manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// `Cargo.lock`.
    Cargo,
    /// `package-lock.json` 1 to 3, `npm-shrinkwrap.json`.
    Npm,
    /// `yarn.lock` of Yarn 1 and of berry.
    Yarn,
    /// `pnpm-lock.yaml` 5 to 9.
    Pnpm,
    /// `bun.lock`.
    Bun,
    /// `poetry.lock`.
    Poetry,
    /// `uv.lock`.
    Uv,
    /// `Pipfile.lock`.
    Pipfile,
    /// `requirements.txt` and its like.
    Requirements,
    /// `pdm.lock`.
    Pdm,
    /// `go.mod`.
    Go,
    /// `gradle.lockfile`.
    Gradle,
    /// `Gemfile.lock`.
    Gemfile,
    /// `composer.lock`.
    Composer,
    /// `packages.lock.json`.
    NuGet,
    /// `mix.lock`.
    Mix,
    /// `pubspec.lock`.
    Pubspec,
    /// `conan.lock`.
    Conan,
}

/// Why a file is not read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// More than [`MAX_BYTES`].
    #[error("it is larger than 64 MiB")]
    TooLarge,
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// More than [`MAX_PACKAGES`], or far more parts than as many packages would have.
    #[error("it names more packages than a project can have")]
    TooMany,
    /// Nested deeper than any lock file.
    #[error("line {line}: it is nested deeper than 64 levels")]
    TooDeep {
        /// Where the limit is passed.
        line: u32,
    },
    /// A YAML alias: how a few lines become gigabytes.
    #[error("line {line}: a YAML alias, which no package manager writes into a lock file")]
    Alias {
        /// Where the first one stands.
        line: u32,
    },
    /// Not the syntax that the file's name promises.
    #[error("line {line}: {what}")]
    Syntax {
        /// Where it breaks.
        line: u32,
        /// What the parser says.
        what: String,
    },
    /// The syntax holds, but it is another kind of file or a version of it that is not known.
    #[error("{0}")]
    Unknown(String),
}

impl Format {
    /// The format that a file's name says, by the last parts of its path.
    pub fn of(path: &str) -> Option<Self> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        Some(match name {
            "Cargo.lock" => Self::Cargo,
            "package-lock.json" | "npm-shrinkwrap.json" => Self::Npm,
            "yarn.lock" => Self::Yarn,
            "pnpm-lock.yaml" => Self::Pnpm,
            "bun.lock" => Self::Bun,
            "poetry.lock" => Self::Poetry,
            "uv.lock" => Self::Uv,
            "Pipfile.lock" => Self::Pipfile,
            "pdm.lock" => Self::Pdm,
            "go.mod" => Self::Go,
            "gradle.lockfile" | "buildscript-gradle.lockfile" => Self::Gradle,
            "Gemfile.lock" | "gems.locked" => Self::Gemfile,
            "composer.lock" => Self::Composer,
            "packages.lock.json" => Self::NuGet,
            "mix.lock" => Self::Mix,
            "pubspec.lock" => Self::Pubspec,
            "conan.lock" => Self::Conan,
            _ if is_requirements(directory, name) => Self::Requirements,
            _ => return None,
        })
    }

    /// Where the packages of such a file come from.
    pub const fn ecosystem(self) -> Ecosystem {
        match self {
            Self::Cargo => Ecosystem::CratesIo,
            Self::Npm | Self::Yarn | Self::Pnpm | Self::Bun => Ecosystem::Npm,
            Self::Poetry | Self::Uv | Self::Pipfile | Self::Requirements | Self::Pdm => Ecosystem::PyPi,
            Self::Go => Ecosystem::Go,
            Self::Gradle => Ecosystem::Maven,
            Self::Gemfile => Ecosystem::RubyGems,
            Self::Composer => Ecosystem::Packagist,
            Self::NuGet => Ecosystem::NuGet,
            Self::Mix => Ecosystem::Hex,
            Self::Pubspec => Ecosystem::Pub,
            Self::Conan => Ecosystem::ConanCenter,
        }
    }

    /// Whether such files hold a hash of each package's content, so that one without it is a finding.
    pub const fn has_integrity(self) -> bool {
        matches!(
            self,
            Self::Cargo
                | Self::Npm
                | Self::Yarn
                | Self::Pnpm
                | Self::Bun
                | Self::Poetry
                | Self::Uv
                | Self::Pipfile
                | Self::Pdm
        )
    }

    /// The command that moves one package of such a file to a version; `direct` where the project itself names it.
    pub fn upgrade(self, name: &str, version: &str, direct: bool) -> String {
        match self {
            Self::Cargo => format!("cargo update -p {name} --precise {version}"),
            Self::Npm if direct => format!("npm install {name}@{version}"),
            Self::Npm => format!("npm update {name}"),
            Self::Yarn => format!("yarn up {name}@{version}"),
            Self::Pnpm => format!("pnpm update {name}@{version}"),
            Self::Bun => format!("bun update {name}@{version}"),
            Self::Poetry if direct => format!("poetry add {name}@^{version}"),
            Self::Poetry => format!("poetry update {name}"),
            Self::Uv => format!("uv lock --upgrade-package {name}=={version}"),
            Self::Pipfile => format!("pipenv upgrade {name}=={version}"),
            Self::Requirements => format!("write {name}=={version}"),
            Self::Pdm => format!("pdm update {name}"),
            Self::Go => format!("go get {name}@v{}", version.trim_start_matches('v')),
            Self::Gradle => format!("gradle dependencies --update-locks {name}"),
            Self::Gemfile => format!("bundle update {name} --conservative"),
            Self::Composer => format!("composer update {name} --with {name}:{version}"),
            Self::NuGet => format!("dotnet add package {name} --version {version}"),
            Self::Mix => format!("mix deps.update {name}"),
            Self::Pubspec => format!("dart pub upgrade {name}"),
            Self::Conan => format!("conan lock add --requires={name}/{version}"),
        }
    }

    /// Reads a file of this format.
    ///
    /// # Errors
    /// A [`LockError`] where nothing of it can be used. What is wrong with a part is a gap of the [`Lock`].
    pub fn parse(self, bytes: &[u8]) -> Result<Lock, LockError> {
        let text = text(bytes)?;
        let lock = match self {
            Self::Cargo => cargo::parse(text),
            Self::Npm => npm::parse(text),
            Self::Yarn => yarn::parse(text),
            Self::Pnpm => pnpm::parse(text),
            Self::Bun => bun::parse(text),
            Self::Poetry => poetry::parse(text),
            Self::Uv => uv::parse(text),
            Self::Pipfile => pipfile::parse(text),
            Self::Requirements => Ok(requirements::parse(text)),
            Self::Pdm => pdm::parse(text),
            Self::Go => Ok(go::parse(text)),
            Self::Gradle => Ok(gradle::parse(text)),
            Self::Gemfile => Ok(gemfile::parse(text)),
            Self::Composer => composer::parse(text),
            Self::NuGet => nuget::parse(text),
            Self::Mix => Ok(mix::parse(text)),
            Self::Pubspec => pubspec::parse(text),
            Self::Conan => conan::parse(text),
        }?;
        if lock.packages.len() > MAX_PACKAGES { Err(LockError::TooMany) } else { Ok(lock) }
    }
}

/// `requirements.txt`, `requirements-dev.txt`, `dev-requirements.txt`, `requirements/base.txt`.
fn is_requirements(directory: &str, name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".txt") else { return false };
    stem.starts_with("requirements")
        || stem.ends_with("requirements")
        || directory.rsplit('/').next().is_some_and(|parent| parent == "requirements")
}

fn is_text(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|extension| extension == "txt")
}

/// The text of a file that is not too large.
pub(super) fn text(bytes: &[u8]) -> Result<&str, LockError> {
    if bytes.len() > MAX_BYTES {
        return Err(LockError::TooLarge);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|_| LockError::NotUtf8)
}

/// The lines of a text with their numbers, from 1.
fn numbered(text: &str) -> impl Iterator<Item = (u32, &str)> {
    text.lines().zip(1_u32..).map(|(line, number)| (number, line))
}

/// A repository's address as tools write it into lock files: `git+https://host/path?branch=main#commit`.
fn git(address: &str) -> super::package::Source {
    let address = address.strip_prefix("git+").unwrap_or(address);
    let (url, fragment) = address.split_once('#').map_or((address, None), |(url, fragment)| (url, Some(fragment)));
    let commit = fragment.map(|fragment| fragment.strip_prefix("commit=").unwrap_or(fragment));
    let commit = commit.filter(|commit| is_commit(commit)).map(str::to_owned);
    // The query is the branch or tag by which the commit was found.
    let url = url.split_once('?').map_or(url, |(url, _reference)| url);
    super::package::Source::Git { url: url.to_owned(), commit }
}

/// Whether a reference is a commit and no branch or tag: 40 (SHA-1) or 64 (SHA-256) hexadecimal digits, or an unambiguous part.
fn is_commit(reference: &str) -> bool {
    (7..=64).contains(&reference.len()) && reference.bytes().all(|byte| byte.is_ascii_hexdigit())
}
