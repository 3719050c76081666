use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bartizan_controls::{Confidence, Finding, Location, Rule, Severity};

use super::place::Places;
use super::read::tell;
use super::{Deps, ReadLock, State, beside, directory, extension};
use crate::deps::advice::{upgrade, way};
use crate::deps::ecosystem::Ecosystem;
use crate::deps::imports::Imports;
use crate::deps::inventory::{Inventory, LockedFile};
use crate::deps::lock::{Format, Manifest, MsBuildProject, pom};
use crate::deps::package::{Lock, Package, Relation, Scope, Source};
use crate::deps::sbom::denied;
use crate::deps::squat;
use crate::deps::vulnerability::{Verdict, Vulnerability};
use crate::{Findings, GapReason, fingerprint};

impl Deps {
    /// Puts together what several files say, and tells of it.
    pub(super) fn conclude(&self, mut state: State, findings: &mut Findings) -> Inventory {
        let mut inventory = Inventory::default();
        let imports = std::mem::take(&mut state.imports);
        let locks = std::mem::take(&mut state.locks);
        let paths: BTreeSet<String> = locks.keys().cloned().collect();
        for (path, mut read) in locks {
            state.complete(&path, &mut read);
            absent_includes(&path, &read.lock, &paths, findings);
            let file = LockedFile { format: Some(read.format), lock: read.lock, verdicts: read.verdicts };
            self.tell(&path, &file, &read.places, &imports, findings);
            inventory.files.insert(path, file);
        }
        for (path, lock, places) in state.manifests_with_versions(&paths) {
            tell(&path, &lock.gaps, findings);
            let file = self.judged(&path, lock, findings);
            self.tell(&path, &file, &places, &imports, findings);
            inventory.files.insert(path, file);
        }
        self.tell_of_data(&inventory, findings);
        inventory
    }

    fn judged(&self, path: &str, lock: Lock, findings: &mut Findings) -> LockedFile {
        let mut verdicts = BTreeMap::new();
        for (index, package) in lock.packages.iter().enumerate() {
            match self.judge(package) {
                Ok(verdict) if verdict.vulnerabilities.is_empty() => {}
                Ok(verdict) => drop(verdicts.insert(index, verdict)),
                Err(error) => findings.gap(path, GapReason::Unreadable, error.to_string()),
            }
        }
        LockedFile { format: None, lock, verdicts }
    }

    fn tell(&self, path: &str, file: &LockedFile, places: &Places, imports: &Imports, findings: &mut Findings) {
        let place = |package: &Package| {
            let whole = || Location { path: path.to_owned(), span: None, excerpt: None };
            places.lines.get(&package.line).cloned().unwrap_or_else(whole)
        };
        for (index, verdict) in &file.verdicts {
            let Some(package) = file.lock.packages.get(*index) else { continue };
            for found in &verdict.vulnerabilities {
                let fix = verdict.upgrade.as_deref().and_then(|upgrade| places.raise(package, upgrade));
                let mut finding = Finding { fix, ..self.vulnerable(file, *index, verdict, found, place(package)) };
                finding.facts.extend(imported(path, file, *index, imports).map(|place| ("imported", place)));
                findings.push(finding);
            }
        }
        for package in file.lock.packages.iter().filter(|package| package.source != Source::Path) {
            // A reference that its own line was told of already.
            let is_told = file.lock.unpinned.iter().any(|unpinned| unpinned.line == package.line);
            self.doubts(package, is_told, &place, findings);
        }
        for unpinned in file.lock.unpinned.iter().filter(|_| file.format.is_none()) {
            let location = places.lines.get(&unpinned.line).cloned();
            let location = location.unwrap_or_else(|| Location { path: path.to_owned(), span: None, excerpt: None });
            let message =
                format!("`{}` is asked for as `{}`, which names no fixed content", unpinned.name, unpinned.requirement);
            let parts: [&[u8]; 2] = [unpinned.name.as_bytes(), unpinned.requirement.as_bytes()];
            findings.push(plain(&self.rules.unpinned, Severity::Low, Confidence::High, message, location, &parts));
        }
        self.without_hash(file, &place, findings);
    }

    fn vulnerable(
        &self,
        file: &LockedFile,
        index: usize,
        verdict: &Verdict,
        found: &Vulnerability,
        location: Location,
    ) -> Finding {
        let rule = self.rules.of(found.class);
        let package = file.lock.packages.get(index);
        let (name, version) = package.map_or(("", ""), |package| (package.name.as_str(), package.version.as_str()));
        let ecosystem = package.map_or("", |package| package.ecosystem.as_str());
        let mut facts =
            vec![("package", name.to_owned()), ("version", version.to_owned()), ("advisory", found.id.clone())];
        if !found.aliases.is_empty() {
            facts.push(("aliases", found.aliases.iter().cloned().collect::<Vec<_>>().join(", ")));
        }
        facts.push(match &found.score {
            Some((score, vector)) => ("cvss", format!("{score} ({vector})")),
            None => ("cvss", "not scored".to_owned()),
        });
        facts.push(("fixed", found.fixed.clone().unwrap_or_else(|| "in no version".to_owned())));
        if let Some(target) = verdict.upgrade.as_deref().or(found.fixed.as_deref()) {
            facts.push(("upgrade", upgrade(file, index, target)));
        }
        let way = way(file, index);
        if !way.is_empty() {
            facts.push(("way", way));
        }
        if package.is_some_and(|package| package.scope == Scope::Development) {
            facts.push(("scope", "development only".to_owned()));
        }
        Finding {
            rule: rule.clone(),
            severity: found.severity,
            confidence: found.confidence,
            message: message(name, version, found),
            location,
            // Without the version: an upgrade that mends nothing is no new finding.
            fingerprint: fingerprint(&rule.id, &[ecosystem.as_bytes(), name.as_bytes(), found.id.as_bytes()]),
            facts,
            fix: None,
        }
    }

    /// What a package's own entry shows.
    fn doubts(&self, package: &Package, is_told: bool, place: &dyn Fn(&Package) -> Location, findings: &mut Findings) {
        let name = package.name.as_bytes();
        if let Some(known) = squat::imitated(package.ecosystem, &package.name) {
            let message = format!("`{}` looks like the popular `{known}`, and is not it", package.name);
            let parts: [&[u8]; 2] = [package.ecosystem.as_str().as_bytes(), name];
            findings.push(plain(
                &self.rules.typosquat,
                Severity::High,
                Confidence::Medium,
                message,
                place(package),
                &parts,
            ));
        }
        if let Source::Git { url, commit: None } = &package.source
            && !url.is_empty()
            && !is_told
        {
            let message = format!("`{}` is taken from `{url}` without a commit", package.name);
            findings.push(plain(
                &self.rules.mutable,
                Severity::Medium,
                Confidence::High,
                message,
                place(package),
                &[name, url.as_bytes()],
            ));
        }
        if let Some(licence) =
            package.licence.as_deref().filter(|licence| denied(licence, &self.config.denied_licences))
        {
            let message = format!("`{}` is under `{licence}`, which the policy denies", package.name);
            let parts: [&[u8]; 2] = [name, licence.as_bytes()];
            findings.push(plain(
                &self.rules.licence,
                Severity::Medium,
                Confidence::High,
                message,
                place(package),
                &parts,
            ));
        }
    }

    /// One finding for a file: where one package has no hash, often none has.
    fn without_hash(&self, file: &LockedFile, place: &dyn Fn(&Package) -> Location, findings: &mut Findings) {
        let Some(format) = file.format.filter(|format| format.has_integrity() || *format == Format::Go) else { return };
        // A commit is a hash of its content.
        let could =
            |package: &&Package| matches!(package.source, Source::Registry | Source::Url(_)) && package.is_foreign();
        let packages: Vec<&Package> = file.lock.packages.iter().filter(could).collect();
        let without: Vec<&&Package> = packages.iter().filter(|package| package.integrity.is_none()).collect();
        let Some(first) = without.first() else { return };
        // A go.mod without its go.sum is of a library in a workspace, or of no build at all: nothing says what to expect.
        if format == Format::Go && without.len() + 1 >= packages.len() {
            return;
        }
        let names: BTreeSet<&str> = without.iter().map(|package| package.name.as_str()).collect();
        let shown: Vec<String> = names.iter().take(3).map(|name| format!("`{name}`")).collect();
        let more = names
            .len()
            .checked_sub(shown.len())
            .filter(|more| *more > 0)
            .map(|more| format!(" and {more} more"))
            .unwrap_or_default();
        let message =
            format!("{} of {} locked packages have no hash: {}{more}", without.len(), packages.len(), shown.join(", "));
        let parts: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
        findings.push(plain(&self.rules.no_integrity, Severity::Low, Confidence::High, message, place(first), &parts));
    }

    /// Of which ecosystems there are no advisories, or old ones: silence about them means nothing.
    fn tell_of_data(&self, inventory: &Inventory, findings: &mut Findings) {
        let packages =
            inventory.files.values().flat_map(|file| &file.lock.packages).filter(|package| package.is_foreign());
        let ecosystems: BTreeSet<Ecosystem> = packages.map(|package| package.ecosystem).collect();
        for ecosystem in ecosystems {
            let part = self.config.index.as_ref().map(|index| index.part(ecosystem));
            match part {
                None => {
                    findings.gap("advisories", GapReason::NoData, "none were imported: `bartizan advisories import`");
                    return;
                }
                Some(None) => findings.gap(
                    "advisories",
                    GapReason::NoData,
                    format!("none of {} were imported", ecosystem.as_str()),
                ),
                Some(Some(part)) if !part.newest.is_empty() && part.newest < self.config.oldest => {
                    let day = part.newest.get(..10).unwrap_or(&part.newest);
                    findings.gap(
                        "advisories",
                        GapReason::NoData,
                        format!("the newest of {} is of {day}", ecosystem.as_str()),
                    );
                }
                Some(Some(_)) => {}
            }
        }
    }
}

/// Where the source beside the lock file imports the package, or the one that the project came by it through.
fn imported(path: &str, file: &LockedFile, index: usize, imports: &Imports) -> Option<String> {
    let direct = file.lock.shortest_way(index).first().copied().unwrap_or(index);
    let package = file.lock.packages.get(direct)?;
    if direct == index && package.relation == Relation::Transitive {
        return None;
    }
    match imports.place(directory(path), package.ecosystem, &package.name) {
        Some(place) if direct == index => Some(place),
        Some(place) => Some(format!("{place} imports `{}`", package.name)),
        None if Imports::is_telling(package.ecosystem) => {
            Some(format!("`{}` is not seen in the source beside the lock file", package.name))
        }
        None => None,
    }
}

fn message(name: &str, version: &str, found: &Vulnerability) -> String {
    let summary = if found.summary.is_empty() { "known vulnerability" } else { found.summary.trim_end_matches('.') };
    format!("`{name}` {version}: {summary} ({})", found.id)
}

fn plain(
    rule: &Arc<Rule>,
    severity: Severity,
    confidence: Confidence,
    message: String,
    location: Location,
    parts: &[&[u8]],
) -> Finding {
    let fingerprint = fingerprint(&rule.id, parts);
    Finding { rule: rule.clone(), severity, confidence, message, location, fingerprint, facts: Vec::new(), fix: None }
}

/// A requirements file that another one names was read if it is in the tree under a name that tells what it is.
fn absent_includes(path: &str, lock: &Lock, paths: &BTreeSet<String>, findings: &mut Findings) {
    for include in &lock.includes {
        if !paths.contains(&pom::relative(path, include)) {
            findings.gap(path, GapReason::Unparsed, format!("it includes `{include}`, which was not read"));
        }
    }
}

impl State {
    /// What stands beside a lock file and completes it.
    fn complete(&self, path: &str, read: &mut ReadLock) {
        let directory = directory(path);
        let manifest = |name| self.manifests.get(&beside(directory, name));
        match read.format {
            Format::Yarn | Format::Npm | Format::Bun | Format::Pnpm => mark(manifest("package.json"), &mut read.lock),
            Format::Composer => mark(manifest("composer.json"), &mut read.lock),
            Format::Go => {
                let sums = self.sums.get(&beside(directory, "go.sum"));
                for package in read.lock.packages.iter_mut().filter(|package| package.integrity.is_none()) {
                    let key = (package.name.clone(), package.version.clone());
                    package.integrity = sums.and_then(|sums| sums.get(&key)).cloned();
                }
            }
            _ => {}
        }
    }

    /// Manifests that name versions themselves: every pom, and projects of .NET that have no lock file.
    fn manifests_with_versions(self, locks: &BTreeSet<String>) -> Vec<(String, Lock, Places)> {
        let mut found = Vec::new();
        let mut places: BTreeMap<String, Places> = BTreeMap::new();
        let mut poms = BTreeMap::new();
        for (path, (pom, seen)) in self.poms {
            places.insert(path.clone(), seen);
            poms.insert(path, pom);
        }
        for path in poms.keys() {
            found.push((path.clone(), pom::resolve(path, &poms), places.remove(path).unwrap_or_default()));
        }
        for (path, (project, places)) in &self.projects {
            if !is_shared(path) && !locks.contains(&beside(directory(path), "packages.lock.json")) {
                let lock = project.resolve(&above(path, &self.projects));
                found.push((path.clone(), lock, places.clone()));
            }
        }
        found
    }
}

fn mark(manifest: Option<&Manifest>, lock: &mut Lock) {
    if let Some(manifest) = manifest {
        manifest.mark(lock);
    }
}

fn is_shared(path: &str) -> bool {
    extension(path) == "props"
}

/// The files that a project of .NET shares with others, from its own directory up.
fn above<'a>(path: &str, projects: &'a BTreeMap<String, (MsBuildProject, Places)>) -> Vec<&'a MsBuildProject> {
    let mut shared = Vec::new();
    let mut here = directory(path);
    loop {
        for name in ["Directory.Packages.props", "Directory.Build.props"] {
            shared.extend(projects.get(&beside(here, name)).map(|(project, _)| project));
        }
        if here.is_empty() {
            return shared;
        }
        here = directory(here);
    }
}
