use std::collections::BTreeMap;

use super::numbered;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Asker, Lock, Package, Scope, Source};

/// Gemfile.lock: sections at the margin, gems at four columns, what they ask for at six.
pub(super) fn parse(text: &str) -> Lock {
    let mut reader = Reader::default();
    for (number, line) in numbered(text) {
        let trimmed = line.trim_start();
        match line.len() - trimmed.len() {
            _ if trimmed.is_empty() => {}
            0 => reader.begin(trimmed),
            2 => reader.attribute(number, trimmed),
            4 => reader.gem(number, trimmed),
            _ => reader.dependency(trimmed),
        }
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    lock: Lock,
    section: Section,
    remote: String,
    revision: Option<String>,
    asked: Vec<(usize, String, Option<String>)>,
    direct: Vec<String>,
    sums: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Section {
    Gems,
    Git,
    Path,
    Dependencies,
    Checksums,
    #[default]
    Other,
}

impl Reader {
    fn begin(&mut self, name: &str) {
        self.section = match name.trim() {
            "GEM" | "PLUGIN SOURCE" => Section::Gems,
            "GIT" => Section::Git,
            "PATH" => Section::Path,
            "DEPENDENCIES" => Section::Dependencies,
            "CHECKSUMS" => Section::Checksums,
            _ => Section::Other,
        };
        self.remote.clear();
        self.revision = None;
    }

    fn attribute(&mut self, number: u32, line: &str) {
        match self.section {
            Section::Dependencies => self.direct.push(gem_name(line).to_owned()),
            Section::Checksums => {
                if let Some((gem, sum)) = line.split_once(" sha256=") {
                    self.sums.insert(gem.to_owned(), format!("sha256:{sum}"));
                }
            }
            Section::Gems | Section::Git | Section::Path => match line.split_once(": ") {
                Some(("remote", remote)) => remote.clone_into(&mut self.remote),
                Some(("revision", revision)) => self.revision = Some(revision.to_owned()),
                Some(_) => {}
                None if line == "specs:" || line == "remote:" => {}
                None => self.lock.gap(number, format!("`{line}` is not understood")),
            },
            Section::Other => {}
        }
    }

    fn gem(&mut self, number: u32, line: &str) {
        if !matches!(self.section, Section::Gems | Section::Git | Section::Path) {
            return;
        }
        let Some((name, version)) =
            line.split_once(" (").and_then(|(name, rest)| Some((name, rest.strip_suffix(')')?)))
        else {
            self.lock.gap(number, format!("`{line}` is not `name (version)`"));
            return;
        };
        // After `-` stands the platform of a compiled gem; a version itself has none.
        let version = version.split_once('-').map_or(version, |(version, _platform)| version);
        let mut package = Package::new(Ecosystem::RubyGems, name, version, number);
        package.integrity = self.sums.get(line).cloned();
        package.source = match self.section {
            Section::Git => Source::Git { url: self.remote.clone(), commit: self.revision.clone() },
            Section::Path => Source::Path,
            _ => Source::Registry,
        };
        self.lock.packages.push(package);
    }

    fn dependency(&mut self, line: &str) {
        let Some(parent) = self.lock.packages.len().checked_sub(1) else { return };
        let requirement = line.split_once(" (").map(|(_, rest)| rest.trim_end_matches(')').to_owned());
        self.asked.push((parent, gem_name(line).to_owned(), requirement));
    }

    fn finish(self) -> Lock {
        let Self { mut lock, asked, direct, sums, .. } = self;
        for package in &mut lock.packages {
            package.integrity = sums.get(&format!("{} ({})", package.name, package.version)).cloned();
        }
        let index: BTreeMap<String, usize> =
            lock.packages.iter().enumerate().rev().map(|(index, package)| (package.name.clone(), index)).collect();
        for (parent, name, requirement) in asked {
            if let Some(target) = index.get(&name) {
                lock.ask(Asker::Package(parent), *target, requirement);
            }
        }
        for target in direct.iter().filter_map(|name| index.get(name)) {
            lock.ask(Asker::Project(Scope::Runtime), *target, None);
        }
        if !direct.is_empty() {
            lock.mark_transitive();
        }
        lock
    }
}

/// `name (requirement)!`: the mark says that the gem does not come from the default source.
fn gem_name(line: &str) -> &str {
    line.split_once(" (").map_or(line, |(name, _)| name).trim_end_matches('!')
}
