//! Lock files, manifests, advisories and versions: whatever a repository or a database brings.

use std::sync::OnceLock;

use bartizan_scanner::deps::lock::Format;
use bartizan_scanner::deps::version::npm_range::NpmRange;
use bartizan_scanner::deps::version::{Scheme, Version};
use bartizan_scanner::deps::{Deps, DepsConfig, advisory, cvss, purl};
use bartizan_scanner::secrets::Detector;
use bartizan_scanner::{Findings, Kind as _, SourceFile};

/// A file's name, a line break, its content.
pub(crate) fn lockfile(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let (Some(name), Some(content)) = (parts.next(), parts.next()) else { return };
    let Ok(name) = std::str::from_utf8(name) else { return };
    if let Some(Ok(lock)) = Format::of(name).map(|format| format.parse(content)) {
        for (index, package) in lock.packages.iter().enumerate() {
            assert!(package.parents.iter().all(|parent| parent.package < lock.packages.len() && parent.package != index));
            assert!(package.line >= 1);
            assert_eq!(lock.shortest_way(index).last(), Some(&index));
            assert!(purl(package).is_ascii());
        }
    }
    // Manifests are read by the kind alone.
    static DETECTOR: OnceLock<Detector> = OnceLock::new();
    let deps = Deps::new(DepsConfig::default());
    if deps.wants(name) {
        let mut findings = Findings::default();
        deps.file(&SourceFile::new(name, content, DETECTOR.get_or_init(Detector::new)), &mut findings);
        deps.finish(&mut findings);
    }
}

/// An OSV record.
pub(crate) fn osv(input: &[u8]) {
    let Ok(record) = advisory::parse(input) else { return };
    for (ecosystem, _, advisory) in record.advisories {
        for version in advisory.versions.iter().map(String::as_str).chain(advisory.fixed()).chain(["1.0.0"]) {
            let _ = advisory.affects(ecosystem.scheme(), version);
        }
        for vector in &advisory.vectors {
            assert!(cvss::Score::of(vector).is_ok_and(|score| score.tenths() <= 100) || cvss::Score::of(vector).is_err());
        }
    }
}

/// Two versions, or a range and a version, on two lines.
pub(crate) fn version(input: &[u8]) {
    let Some((one, other)) = std::str::from_utf8(input).ok().and_then(|text| text.split_once('\n')) else { return };
    for scheme in SCHEMES {
        if let (Ok(one), Ok(other)) = (Version::parse(scheme, one), Version::parse(scheme, other)) {
            assert_eq!(one.cmp(&other), other.cmp(&one).reverse());
        }
    }
    let _ = NpmRange::parse(one).map(|range| range.contains(other));
}

const SCHEMES: [Scheme; 9] = [
    Scheme::SemVer,
    Scheme::Go,
    Scheme::Pep440,
    Scheme::Maven,
    Scheme::Gem,
    Scheme::NuGet,
    Scheme::Composer,
    Scheme::Pub,
    Scheme::Conan,
];
