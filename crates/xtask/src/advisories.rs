//! Cargo.lock against the `RustSec` advisories in OSV's form (<https://ossf.github.io/osv-schema/>), offline.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use semver::Version;
use serde::Deserialize;

use crate::metadata::Metadata;
use crate::report::Report;

/// Names the folder that holds OSV's `crates.io.zip`.
const DATA: &str = "BARTIZAN_OSV";
/// `RustSec`'s largest advisory has about 12 KiB; the archive comes from outside.
const MAX_ADVISORY: u64 = 1 << 20;
const MAX_ADVISORIES: usize = 100_000;

pub(crate) fn run(metadata: &Metadata, report: &mut Report) -> Result<()> {
    let directory =
        std::env::var_os(DATA).map_or_else(|| metadata.workspace_root.join("../shared/data/osv"), PathBuf::from);
    let archive = directory.join("crates.io.zip");
    if !archive.exists() {
        report.line(&format!(
            "advisories: NOT checked: no {} (its OSV export of crates.io; {DATA} names another folder)",
            archive.display()
        ));
        return Ok(());
    }
    let advisories = read_archive(&archive)?;
    let locked =
        Locked::parse(&std::fs::read_to_string(metadata.file("Cargo.lock")).context("cannot read Cargo.lock")?)?;
    let policy = Policy::parse(&std::fs::read_to_string(metadata.file("deny.toml")).context("cannot read deny.toml")?)?;
    let newest = advisories.iter().map(|advisory| advisory.modified.as_str()).max().unwrap_or("never").to_owned();
    let before = report.faults();
    judge(&advisories, &locked, &policy, report);
    if report.faults() == before {
        report.line(&format!(
            "advisories ok: {} crates of Cargo.lock against {} advisories (newest of {newest}), {} excepted",
            locked.len(),
            advisories.len(),
            policy.ignore.len()
        ));
    }
    Ok(())
}

/// One advisory, in the part of OSV's schema that `RustSec` fills.
#[derive(Deserialize)]
struct Advisory {
    id: String,
    modified: String,
    #[serde(default)]
    summary: String,
    withdrawn: Option<String>,
    #[serde(default)]
    affected: Vec<Affected>,
}

#[derive(Deserialize)]
struct Affected {
    package: AffectedPackage,
    #[serde(default)]
    ranges: Vec<Range>,
    #[serde(default)]
    database_specific: RustSec,
}

#[derive(Deserialize)]
struct AffectedPackage {
    name: String,
}

#[derive(Default, Deserialize)]
struct RustSec {
    /// `unmaintained`, `unsound` or `notice`; none for a vulnerability.
    informational: Option<String>,
}

#[derive(Deserialize)]
struct Range {
    events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Introduced(String),
    Fixed(String),
    LastAffected(String),
}

impl Range {
    /// OSV's evaluation: the events in the order of versions switch "affected" on and off.
    fn contains(&self, version: &Version) -> Result<bool> {
        let mut events = self.events.iter().map(Event::parse).collect::<Result<Vec<_>>>()?;
        events.sort();
        Ok(events.iter().fold(false, |affected, (at, switch)| match switch {
            Switch::On if at <= version => true,
            Switch::Off if at <= version => false,
            Switch::OffAfter if at < version => false,
            _ => affected,
        }))
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Switch {
    Off,
    On,
    OffAfter,
}

impl Event {
    fn parse(&self) -> Result<(Version, Switch)> {
        let (text, switch) = match self {
            Self::Introduced(text) => (text, Switch::On),
            Self::Fixed(text) => (text, Switch::Off),
            Self::LastAffected(text) => (text, Switch::OffAfter),
        };
        // OSV writes `0` for "from the first version on".
        let text = if text == "0" { "0.0.0-0" } else { text };
        Ok((Version::parse(text).with_context(|| format!("`{text}` is not a version"))?, switch))
    }
}

fn read_archive(path: &Path) -> Result<Vec<Advisory>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut archive = zip::ZipArchive::new(file).with_context(|| format!("{} is not a zip archive", path.display()))?;
    ensure!(archive.len() <= MAX_ADVISORIES, "{} has more than {MAX_ADVISORIES} entries", path.display());
    let mut advisories = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let entry = archive.by_index(index)?;
        let name = format!("entry {index} of {}", path.display());
        let mut text = String::new();
        // The declared size is the archive's word only; reading stops by itself.
        entry.take(MAX_ADVISORY).read_to_string(&mut text).with_context(|| format!("cannot read {name}"))?;
        advisories.push(serde_json::from_str(&text).with_context(|| format!("{name} is not an OSV record"))?);
    }
    ensure!(!advisories.is_empty(), "{} holds no advisory: an empty list would pass everything", path.display());
    Ok(advisories)
}

/// The crates of Cargo.lock that come from a registry: name → versions.
struct Locked(BTreeMap<String, BTreeSet<Version>>);

impl Locked {
    fn parse(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Lock {
            package: Vec<LockedPackage>,
        }
        #[derive(Deserialize)]
        struct LockedPackage {
            name: String,
            version: Version,
            source: Option<String>,
        }
        let lock: Lock = toml::from_str(text).context("Cargo.lock is not a lock file")?;
        let mut crates = BTreeMap::<_, BTreeSet<_>>::new();
        for package in lock.package.into_iter().filter(|package| package.source.is_some()) {
            crates.entry(package.name).or_default().insert(package.version);
        }
        Ok(Self(crates))
    }

    fn len(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }
}

/// The `[advisories]` section of deny.toml, of whose keys these two are ours.
struct Policy {
    unmaintained: Unmaintained,
    ignore: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Unmaintained {
    /// An unmaintained crate fails wherever it stands in the graph.
    #[default]
    All,
    /// It is noted.
    None,
}

impl Policy {
    fn parse(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct File {
            advisories: Section,
        }
        #[derive(Deserialize)]
        struct Section {
            #[serde(default)]
            unmaintained: Unmaintained,
            #[serde(default)]
            ignore: Vec<Exception>,
        }
        #[derive(Deserialize)]
        struct Exception {
            id: String,
            reason: String,
        }
        let file: File = toml::from_str(text)
            .context("deny.toml: an entry of [advisories] ignore is `{ id = \"…\", reason = \"…\" }`")?;
        let mut ignore = BTreeMap::new();
        for Exception { id, reason } in file.advisories.ignore {
            ensure!(!reason.trim().is_empty(), "deny.toml: the exception for {id} gives no reason");
            ignore.insert(id, reason);
        }
        Ok(Self { unmaintained: file.advisories.unmaintained, ignore })
    }
}

fn judge(advisories: &[Advisory], locked: &Locked, policy: &Policy, report: &mut Report) {
    let mut unused: BTreeSet<&str> = policy.ignore.keys().map(String::as_str).collect();
    for advisory in advisories.iter().filter(|advisory| advisory.withdrawn.is_none()) {
        for affected in &advisory.affected {
            for version in locked.0.get(&affected.package.name).into_iter().flatten() {
                match affected.ranges.iter().map(|range| range.contains(version)).collect::<Result<Vec<_>>>() {
                    Ok(answers) if !answers.contains(&true) => {}
                    Ok(_) if unused.remove(advisory.id.as_str()) || policy.ignore.contains_key(&advisory.id) => {}
                    Ok(_) => hit(advisory, affected, version, policy, report),
                    // Unreadable bounds count as a hit: a check that cannot decide must not pass.
                    Err(error) => report.fault(
                        &format!(
                            "{}: the bounds for `{}` cannot be read: {error:#}",
                            advisory.id, affected.package.name
                        ),
                        "look at the advisory, then except it in deny.toml with the reason if it does not reach us",
                    ),
                }
            }
        }
    }
    for id in unused {
        report.fault(
            &format!("deny.toml excepts {id}, which no longer matches a crate of Cargo.lock"),
            "remove the exception, so that it does not cover the next crate",
        );
    }
}

fn hit(advisory: &Advisory, affected: &Affected, version: &Version, policy: &Policy, report: &mut Report) {
    let kind = affected.database_specific.informational.as_deref().unwrap_or("vulnerability");
    let text = format!("{} ({kind}): {} {version}: {}", advisory.id, affected.package.name, advisory.summary);
    if kind == "unmaintained" && policy.unmaintained == Unmaintained::None {
        report.note(&text);
    } else {
        report.fault(
            &text,
            &format!(
                "`cargo update -p {}`, replace the crate, or except it with a reason in [advisories] ignore of deny.toml",
                affected.package.name
            ),
        );
    }
}

#[cfg(test)]
mod tests;
