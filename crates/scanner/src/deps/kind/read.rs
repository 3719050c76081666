use std::collections::BTreeMap;

use bartizan_controls::{Confidence, Finding, Severity};

use super::place::{Places, Syntax};
use super::{Deps, ReadLock, directory, extension};
use crate::deps::index::IndexError;
use crate::deps::lock::{Format, LockError, MAX_BYTES, Manifest, MsBuildProject, pom::Pom, sums};
use crate::deps::package::{Gap, Package, Source, Unpinned};
use crate::deps::squat;
use crate::deps::vulnerability::{Verdict, judge};
use crate::{Findings, GapReason, SourceFile, fingerprint};

/// Files that are no lock files and complete what those say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Other {
    PackageJson,
    ComposerJson,
    CargoToml,
    GoSum,
    Pom,
    MsBuild,
}

impl Other {
    pub(super) fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        // What is installed is not what the project asks for.
        if directory(path).split('/').any(|part| matches!(part, "node_modules" | "vendor")) {
            return None;
        }
        Some(match name {
            "package.json" => Self::PackageJson,
            "composer.json" => Self::ComposerJson,
            "Cargo.toml" => Self::CargoToml,
            "go.sum" => Self::GoSum,
            "pom.xml" => Self::Pom,
            "packages.config" | "Directory.Packages.props" | "Directory.Build.props" => Self::MsBuild,
            _ if matches!(extension(name), "csproj" | "fsproj" | "vbproj") => Self::MsBuild,
            _ => return None,
        })
    }
}

impl Deps {
    pub(super) fn lock_file(&self, format: Format, file: &SourceFile<'_>, findings: &mut Findings) {
        let lock = match format.parse(file.bytes()) {
            Ok(lock) => lock,
            Err(error) => return unread(file, &error, findings),
        };
        told(file, &lock.gaps, findings);
        for unpinned in &lock.unpinned {
            findings.push(self.unpinned(file, unpinned, format.ecosystem().as_str()));
        }
        let mut verdicts = BTreeMap::new();
        let mut places = Places::default();
        for (index, package) in lock.packages.iter().enumerate().filter(|(_, package)| package.source != Source::Path) {
            match self.judge(package) {
                Ok(verdict) if verdict.vulnerabilities.is_empty() => {}
                Ok(verdict) => drop(verdicts.insert(index, verdict)),
                Err(error) => {
                    findings.gap(file.path(), GapReason::Unreadable, error.to_string());
                    break;
                }
            }
            if verdicts.contains_key(&index) || self.is_doubtful(format, package) {
                let place = || file.locate(&file.on_line(package.line, &package.name));
                places.lines.entry(package.line).or_insert_with(place);
            }
            if format == Format::Requirements && verdicts.contains_key(&index) {
                let line = file.line(package.line);
                places.add_requirement(package.line, file.bytes().get(line.clone()).unwrap_or_default(), line.start);
            }
        }
        let read = ReadLock { format, lock, verdicts, places };
        self.state().locks.insert(file.path().to_owned(), read);
    }

    /// What is known against a package; nothing, where there are no advisories at all.
    pub(super) fn judge(&self, package: &Package) -> Result<Verdict, IndexError> {
        let Some(index) = self.config.index.as_ref().filter(|_| package.is_foreign()) else {
            return Ok(Verdict::default());
        };
        let advisories = index.advisories(package.ecosystem, &package.name)?;
        Ok(judge(package.ecosystem.scheme(), &package.version, &advisories))
    }

    /// Whether something may be told of it that no advisory says.
    fn is_doubtful(&self, format: Format, package: &Package) -> bool {
        (package.integrity.is_none() && (format.has_integrity() || format == Format::Go))
            || matches!(package.source, Source::Git { .. } | Source::Url(_))
            || squat::imitated(package.ecosystem, &package.name).is_some()
            || (package.licence.is_some() && !self.config.denied_licences.is_empty())
    }

    pub(super) fn other(&self, other: Other, file: &SourceFile<'_>, findings: &mut Findings) {
        let path = file.path().to_owned();
        let outcome = match other {
            Other::PackageJson => {
                Manifest::package_json(file.bytes()).map(|manifest| self.manifest(file, manifest, "npm", findings))
            }
            Other::ComposerJson => Manifest::composer_json(file.bytes())
                .map(|manifest| self.manifest(file, manifest, "Packagist", findings)),
            Other::CargoToml => {
                Manifest::cargo_toml(file.bytes()).map(|manifest| self.manifest(file, manifest, "crates.io", findings))
            }
            Other::GoSum => go_sum(file).map(|sums| drop(self.state().sums.insert(path, sums))),
            Other::Pom => Pom::parse(file.bytes()).map(|pom| {
                let places = Places::of_manifest(file, Syntax::Pom);
                self.state().poms.insert(path, (pom, places));
            }),
            Other::MsBuild => MsBuildProject::parse(file.bytes()).map(|project| {
                let places = Places::of_manifest(file, Syntax::MsBuild);
                self.state().projects.insert(path, (project, places));
            }),
        };
        if let Err(error) = outcome {
            unread(file, &error, findings);
        }
    }

    fn manifest(&self, file: &SourceFile<'_>, manifest: Manifest, ecosystem: &str, findings: &mut Findings) {
        for unpinned in &manifest.unpinned {
            findings.push(self.unpinned(file, unpinned, ecosystem));
        }
        self.state().manifests.insert(file.path().to_owned(), manifest);
    }

    fn unpinned(&self, file: &SourceFile<'_>, unpinned: &Unpinned, ecosystem: &str) -> Finding {
        let Unpinned { name, requirement, line } = unpinned;
        let is_address = requirement.contains("://") || requirement.contains('#') || requirement.contains("dev-");
        let rule = if is_address { &self.rules.mutable } else { &self.rules.unpinned };
        Finding {
            rule: rule.clone(),
            severity: if is_address { Severity::Medium } else { Severity::Low },
            confidence: Confidence::High,
            message: format!("`{name}` is asked for as `{requirement}`, which names no fixed content"),
            location: file.locate(&file.on_line(*line, name)),
            fingerprint: fingerprint(&rule.id, &[ecosystem.as_bytes(), name.as_bytes(), requirement.as_bytes()]),
            facts: vec![("package", name.clone()), ("requirement", requirement.clone())],
            fix: None,
        }
    }
}

fn unread(file: &SourceFile<'_>, error: &LockError, findings: &mut Findings) {
    let reason = match error {
        LockError::TooLarge => GapReason::TooLarge,
        LockError::TooMany | LockError::TooDeep { .. } | LockError::Alias { .. } => GapReason::LimitReached,
        LockError::NotUtf8 | LockError::Syntax { .. } | LockError::Unknown(_) => GapReason::Unparsed,
    };
    findings.gap(file.path(), reason, error.to_string());
}

/// What was not understood of a file, the first few by name: a whole file of it is one fault.
pub(super) fn told(file: &SourceFile<'_>, gaps: &[Gap], findings: &mut Findings) {
    tell(file.path(), gaps, findings);
}

const TOLD: usize = 5;

/// As [`told`], where the file is gone already.
pub(super) fn tell(path: &str, gaps: &[Gap], findings: &mut Findings) {
    for gap in gaps.iter().take(TOLD) {
        findings.gap(path, GapReason::Unparsed, format!("line {}: {}", gap.line, gap.what));
    }
    if let Some(more) = gaps.len().checked_sub(TOLD).filter(|more| *more > 0) {
        findings.gap(path, GapReason::Unparsed, format!("and {more} more"));
    }
}

fn go_sum(file: &SourceFile<'_>) -> Result<BTreeMap<(String, String), String>, LockError> {
    if file.bytes().len() > MAX_BYTES {
        return Err(LockError::TooLarge);
    }
    let text = file.text().ok_or(LockError::NotUtf8)?;
    let owned = |((name, version), sum): ((&str, &str), &str)| ((name.to_owned(), version.to_owned()), sum.to_owned());
    Ok(sums(text).into_iter().map(owned).collect())
}
