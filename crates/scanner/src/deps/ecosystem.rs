use std::borrow::Cow;

use super::version::Scheme;

/// Where packages of one kind are published, by the name that OSV gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    /// Rust.
    CratesIo,
    /// Dart and Flutter.
    Pub,
    /// Go modules.
    Go,
    /// Elixir and Erlang.
    Hex,
    /// Java and its relatives.
    Maven,
    /// Node.js.
    Npm,
    /// .NET.
    NuGet,
    /// PHP.
    Packagist,
    /// Python.
    PyPi,
    /// Ruby.
    RubyGems,
    /// C and C++.
    ConanCenter,
}

impl Ecosystem {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::CratesIo,
        Self::Pub,
        Self::Go,
        Self::Hex,
        Self::Maven,
        Self::Npm,
        Self::NuGet,
        Self::Packagist,
        Self::PyPi,
        Self::RubyGems,
        Self::ConanCenter,
    ];

    /// The name in OSV records (<https://ossf.github.io/osv-schema/#affectedpackage-field>).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CratesIo => "crates.io",
            Self::Pub => "Pub",
            Self::Go => "Go",
            Self::Hex => "Hex",
            Self::Maven => "Maven",
            Self::Npm => "npm",
            Self::NuGet => "NuGet",
            Self::Packagist => "Packagist",
            Self::PyPi => "PyPI",
            Self::RubyGems => "RubyGems",
            Self::ConanCenter => "ConanCenter",
        }
    }

    /// The ecosystem that OSV names so. A suffix after `:`, such as a repository's address, names a part of it.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.split_once(':').map_or(name, |(name, _part)| name);
        Self::ALL.into_iter().find(|ecosystem| ecosystem.as_str() == name)
    }

    /// How its versions are ordered.
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::CratesIo | Self::Npm | Self::Hex => Scheme::SemVer,
            Self::Pub => Scheme::Pub,
            Self::Go => Scheme::Go,
            Self::Maven => Scheme::Maven,
            Self::NuGet => Scheme::NuGet,
            Self::Packagist => Scheme::Composer,
            Self::PyPi => Scheme::Pep440,
            Self::RubyGems => Scheme::Gem,
            Self::ConanCenter => Scheme::Conan,
        }
    }

    /// The form of a name by which packages are the same: PyPI does not tell `_`, `-`, `.` and case apart (PEP 503), NuGet,
    /// Packagist and Hex not the case.
    pub fn key(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::PyPi => Cow::Owned(pep503(name)),
            Self::NuGet | Self::Packagist | Self::Hex if name.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                Cow::Owned(name.to_ascii_lowercase())
            }
            _ => Cow::Borrowed(name),
        }
    }
}

fn pep503(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for c in name.chars() {
        if !matches!(c, '-' | '_' | '.') {
            key.push(c.to_ascii_lowercase());
        } else if !key.ends_with('-') {
            key.push('-');
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_registry_takes_for_one_have_one_key() {
        assert_eq!(Ecosystem::PyPi.key("Ruamel__yaml.-Clib"), "ruamel-yaml-clib");
        assert_eq!(Ecosystem::NuGet.key("Newtonsoft.Json"), "newtonsoft.json");
        assert_eq!(Ecosystem::Go.key("github.com/BurntSushi/toml"), "github.com/BurntSushi/toml");
        assert_eq!(Ecosystem::Npm.key("JSONStream"), "JSONStream");
    }

    #[test]
    fn a_part_of_an_ecosystem_is_that_ecosystem() {
        assert_eq!(Ecosystem::named("Maven:https://repo.example/releases"), Some(Ecosystem::Maven));
        assert_eq!(Ecosystem::named("Debian:12"), None);
        for ecosystem in Ecosystem::ALL {
            assert_eq!(Ecosystem::named(ecosystem.as_str()), Some(ecosystem));
        }
    }
}
