use std::collections::BTreeMap;
use std::ops::Range;

use bartizan_controls::{Fix, Location};

use crate::SourceFile;
use crate::deps::advice::is_compatible;
use crate::deps::package::Package;
use crate::deps::version::{Scheme, Version};

/// The most dependencies of a manifest whose places are kept; there are some tens of them.
const MAX_PLACES: usize = 10_000;

/// Where lines that may be told of stand, and where a version can be changed without anything else having to change with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub(super) lines: BTreeMap<u32, Location>,
    spots: BTreeMap<u32, Spot>,
}

/// A version that stands in a file as it is, with nothing else in the file depending on it: no hash, no property.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spot {
    range: Range<usize>,
    version: String,
}

impl Places {
    /// The lines of an XML manifest on which a dependency begins.
    pub(super) fn of_manifest(file: &SourceFile<'_>, syntax: Syntax) -> Self {
        let (begin, end) = syntax.bounds();
        let mut places = Self::default();
        for at in memchr::memmem::find_iter(file.bytes(), begin).take(MAX_PLACES) {
            let line = file.line_of(at);
            places.lines.insert(line, file.locate(&(at..at + begin.len())));
            let rest = file.bytes().get(at..).unwrap_or_default();
            let block = memchr::memmem::find(rest, end).and_then(|length| rest.get(..length)).unwrap_or_default();
            places.spots.extend(syntax.version(block).and_then(|range| {
                let version = std::str::from_utf8(block.get(range.clone())?).ok()?.to_owned();
                Some((line, Spot { range: at + range.start..at + range.end, version }))
            }));
        }
        places
    }

    /// Notes the version of `name==1.0` on its line, unless hashes hold it there.
    pub(super) fn add_requirement(&mut self, line: u32, text: &[u8], start: usize) {
        if let Some(range) = requirement_version(text)
            && let Some(version) = text.get(range.clone()).and_then(|version| std::str::from_utf8(version).ok())
        {
            let range = start + range.start..start + range.end;
            self.spots.insert(line, Spot { range, version: version.to_owned() });
        }
    }

    /// The change that brings the package to a version: only to a release, and only where the numbers promise that nothing breaks.
    pub(super) fn raise(&self, package: &Package, to: &str) -> Option<Fix> {
        let spot = self.spots.get(&package.line).filter(|spot| spot.version == package.version)?;
        let scheme: Scheme = package.ecosystem.scheme();
        let is_release = Version::parse(scheme, to).is_ok_and(|version| !version.is_prerelease());
        (is_release && is_compatible(&package.version, to)).then(|| Fix {
            what: format!("`{}` from {} to {to}", package.name, package.version),
            range: spot.range.clone(),
            replacement: to.as_bytes().to_vec(),
        })
    }
}

/// How a manifest writes a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// `<dependency> … <version>1.0</version> … </dependency>`
    Pom,
    /// `<PackageReference … Version="1.0" … >`
    MsBuild,
}

impl Syntax {
    const fn bounds(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::Pom => (b"<dependency>", b"</dependency>"),
            Self::MsBuild => (b"<Package", b">"),
        }
    }

    /// Where the version stands in the block, without white space.
    fn version(self, block: &[u8]) -> Option<Range<usize>> {
        let (before, after): (&[u8], u8) = match self {
            Self::Pom => (b"<version>", b'<'),
            Self::MsBuild => (b" Version=\"", b'"'),
        };
        let start = memchr::memmem::find(block, before)? + before.len();
        let end = start + memchr::memchr(after, block.get(start..)?)?;
        let is_literal = block.get(start..end)?.iter().all(|byte| is_version(*byte));
        (is_literal && start < end).then_some(start..end)
    }
}

const fn is_version(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+' | b'_')
}

/// The version of `name[extra]==1.0 ; marker  # comment`.
fn requirement_version(line: &[u8]) -> Option<Range<usize>> {
    let name = line.iter().position(|byte| !(is_version(*byte) || b"[], ".contains(byte)))?;
    let rest = line.get(name..)?.strip_prefix(b"==")?;
    let start = name + 2 + rest.iter().take_while(|byte| **byte == b' ').count();
    let end = start + line.get(start..)?.iter().take_while(|byte| is_version(**byte)).count();
    let after = line.get(end..)?.trim_ascii_start();
    let is_whole = after.first().is_none_or(|byte| b";#".contains(byte));
    // pip would refuse the new version under the old one's hash.
    (start < end && is_whole && memchr::memmem::find(after, b"--hash").is_none()).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_nothing_else_holds_is_found_where_it_stands() {
        let version = |line: &'static str| requirement_version(line.as_bytes()).map(|range| line.get(range).unwrap());
        for line in
            ["flask==1.0", "flask == 1.0", "Flask[async, dotenv]==1.0 ; python_version > '3'", "flask==1.0 # why\r"]
        {
            assert_eq!(version(line), Some("1.0"), "{line}");
        }
        for line in [
            "flask>=1.0",
            "flask==1.0,<2",
            "flask==1.*",
            "flask==1.0 --hash=sha256:aa",
            "flask==1.0 \\",
            "# flask==1.0",
            "flask==",
            "a @ git+https://x==1.0",
        ] {
            assert_eq!(version(line), None, "{line}");
        }
    }

    #[test]
    fn a_property_is_no_version() {
        let version = |syntax: Syntax, block: &'static str| {
            syntax.version(block.as_bytes()).map(|range| block.get(range).unwrap())
        };
        assert_eq!(version(Syntax::Pom, "<dependency><version>1.2-jre</version>"), Some("1.2-jre"));
        assert_eq!(version(Syntax::Pom, "<dependency><version>${v}</version>"), None);
        assert_eq!(version(Syntax::MsBuild, "<PackageReference Include=\"A\" Version=\"1.2.3\" /"), Some("1.2.3"));
        assert_eq!(version(Syntax::MsBuild, "<PackageReference Include=\"A\" Version=\"[1,2)\" /"), None);
    }
}
