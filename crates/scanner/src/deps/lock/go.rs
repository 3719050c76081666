use std::collections::{BTreeMap, BTreeSet};

use super::numbered;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Lock, Package, Relation, Source};

/// go.mod. From Go 1.17 on it names every module that the build needs, the indirect ones by a comment. The language's own version
/// is the module `stdlib`, as the Go vulnerability database calls it.
pub(super) fn parse(text: &str) -> Lock {
    let mut lock = Lock::default();
    let mut block = String::new();
    let mut replaced = BTreeMap::new();
    let mut excluded = BTreeSet::new();
    for (number, line) in numbered(text) {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        let mut words: Vec<&str> = code.split_whitespace().map(|word| word.trim_matches(['"', '`'])).collect();
        match words.as_slice() {
            [")"] => block.clear(),
            [directive, "("] => (*directive).clone_into(&mut block),
            [] => {}
            _ => {
                let directive = if block.is_empty() { words.remove(0).to_owned() } else { block.clone() };
                match (directive.as_str(), words.as_slice()) {
                    ("require", [name, version]) => {
                        let mut package = Package::new(Ecosystem::Go, *name, *version, number);
                        let is_indirect =
                            comment.split_whitespace().next().is_some_and(|word| word.starts_with("indirect"));
                        package.relation = if is_indirect { Relation::Transitive } else { Relation::Direct };
                        lock.packages.push(package);
                    }
                    ("replace", words) => replacement(words, &mut replaced),
                    ("exclude", [name, version]) => drop(excluded.insert(((*name).to_owned(), (*version).to_owned()))),
                    ("go" | "toolchain", [version]) => standard_library(&mut lock, version, number),
                    ("module" | "retract" | "godebug" | "tool" | "ignore", _) => {}
                    _ => lock.gap(number, format!("`{}` is not understood", code.trim())),
                }
            }
        }
    }
    lock.packages.retain(|package| !excluded.contains(&(package.name.clone(), package.version.clone())));
    for package in &mut lock.packages {
        let exact = replaced.get(&(package.name.clone(), Some(package.version.clone())));
        if let Some((name, version)) = exact.or_else(|| replaced.get(&(package.name.clone(), None))) {
            replace(package, name, version.as_deref());
        }
    }
    lock
}

type Replaced = BTreeMap<(String, Option<String>), (String, Option<String>)>;

/// `old [version] => new [version]`; a new one without version is a folder.
fn replacement(words: &[&str], replaced: &mut Replaced) {
    let Some(arrow) = words.iter().position(|word| *word == "=>") else { return };
    let (old, new) = words.split_at(arrow);
    let text = |words: &[&str], index: usize| words.get(index).map(|word| (*word).to_owned());
    if let (Some(old_name), Some(new_name)) = (text(old, 0), text(new, 1)) {
        replaced.insert((old_name, text(old, 1)), (new_name, text(new, 2)));
    }
}

fn replace(package: &mut Package, name: &str, version: Option<&str>) {
    match version {
        Some(version) => {
            name.clone_into(&mut package.name);
            version.clone_into(&mut package.version);
        }
        None => package.source = Source::Path,
    }
}

/// Only a whole version, `1.22.3`, says which standard library is meant; the toolchain is at least as new as the language.
fn standard_library(lock: &mut Lock, version: &str, number: u32) {
    let version = version.strip_prefix("go").unwrap_or(version);
    if version.bytes().filter(|byte| *byte == b'.').count() < 2 {
        return;
    }
    lock.packages.retain(|package| package.name != "stdlib");
    let mut package = Package::new(Ecosystem::Go, "stdlib", version, number);
    package.relation = Relation::Direct;
    package.integrity = Some("toolchain".to_owned());
    lock.packages.push(package);
}

/// The modules of a go.sum whose content it holds a hash of (`h1:`, not that of go.mod alone): name and version.
pub(in crate::deps) fn sums(text: &str) -> BTreeMap<(&str, &str), &str> {
    let line = |line| {
        let mut words = str::split_whitespace(line);
        let (name, version, sum) = (words.next()?, words.next()?, words.next()?);
        (!version.ends_with("/go.mod")).then_some(((name, version), sum))
    };
    text.lines().filter_map(line).take(super::MAX_PACKAGES).collect()
}
