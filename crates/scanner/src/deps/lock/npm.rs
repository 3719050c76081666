use std::collections::BTreeMap;

use super::LockError;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Asker, Lock, Package, Scope, Source};
use crate::tree::{Entry, Node};

/// package-lock.json and npm-shrinkwrap.json. Versions 2 and 3 list packages by their folder, version 1 nests them.
pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let root = Node::json(text)?;
    let mut lock = Lock::default();
    if let Some(packages) = root.get("packages") {
        by_folder(&mut lock, packages.entries());
    } else if root.get("dependencies").is_some() || root.get("lockfileVersion").is_some() {
        nested(&mut lock, root.entries_of("dependencies"), 0)?;
    } else {
        return Err(LockError::Unknown("it has neither `packages` nor `dependencies`".to_owned()));
    }
    Ok(lock)
}

const FOLDER: &str = "node_modules/";

fn by_folder(lock: &mut Lock, entries: &[Entry<'_>]) {
    let mut folders = BTreeMap::new();
    let mut kept = Vec::new();
    for entry in entries {
        let Some((_, folder_name)) = entry.key.rsplit_once(FOLDER).filter(|_| !entry.node.says("link")) else {
            continue;
        };
        // An alias (`npm:other@1`) is installed in one folder and is another package.
        let name = entry.node.text_of("name").unwrap_or(folder_name);
        let Some(version) = entry.node.text_of("version") else {
            lock.gap(entry.line, format!("`{folder_name}` has no version"));
            continue;
        };
        let mut package = Package::new(Ecosystem::Npm, name, version, entry.line);
        describe(&mut package, &entry.node);
        folders.insert(&*entry.key, lock.packages.len());
        lock.packages.push(package);
        kept.push(entry);
    }
    for (index, entry) in kept.iter().enumerate() {
        connect(
            lock,
            &folders,
            Asker::Package(index),
            entry,
            &["dependencies", "optionalDependencies", "peerDependencies"],
        );
    }
    for project in entries.iter().filter(|entry| !entry.key.contains(FOLDER)) {
        connect(lock, &folders, Asker::Project(Scope::Runtime), project, &["dependencies", "optionalDependencies"]);
        connect(lock, &folders, Asker::Project(Scope::Development), project, &["devDependencies"]);
    }
    lock.mark_transitive();
}

fn describe(package: &mut Package, node: &Node<'_>) {
    if node.says("dev") || node.says("devOptional") {
        package.scope = Scope::Development;
    }
    package.integrity = node.text_of("integrity").map(str::to_owned);
    package.licence = node.text_of("license").map(str::to_owned);
    package.source = source(node.text_of("resolved").unwrap_or(&package.version));
    if node.says("inBundle") || node.says("bundled") {
        // Its content came in the archive of the package that bundles it, under that one's hash.
        package.integrity = package.integrity.take().or_else(|| Some("bundled".to_owned()));
    }
}

pub(super) fn source(resolved: &str) -> Source {
    if resolved.starts_with("git+") || resolved.starts_with("git:") || resolved.starts_with("github:") {
        super::git(resolved)
    } else if resolved.starts_with("file:") {
        Source::Path
    } else if resolved.starts_with("http") && !is_registry(resolved) {
        Source::Url(resolved.to_owned())
    } else {
        Source::Registry
    }
}

/// Registries, npm's and those of others, serve archives below `/-/`; so do their download addresses.
fn is_registry(address: &str) -> bool {
    address.contains("/-/") || address.contains("npm.pkg.github.com/download/")
}

/// Node looks for a module in the folder of who asks, then in each folder above it.
fn connect(lock: &mut Lock, folders: &BTreeMap<&str, usize>, asker: Asker, entry: &Entry<'_>, members: &[&str]) {
    for dependency in members.iter().flat_map(|member| entry.node.entries_of(member)) {
        let mut base = &*entry.key;
        let target = loop {
            let folder = if base.is_empty() {
                format!("{FOLDER}{}", dependency.key)
            } else {
                format!("{base}/{FOLDER}{}", dependency.key)
            };
            if let Some(target) = folders.get(&*folder) {
                break Some(*target);
            }
            if base.is_empty() {
                break None;
            }
            base = base.rfind(FOLDER).map_or("", |at| base.get(..at.saturating_sub(1)).unwrap_or_default());
        };
        if let Some(target) = target {
            lock.ask(asker, target, dependency.node.text().map(str::to_owned));
        }
    }
}

/// Version 1 does not say what the project itself asks for; package.json beside it does.
fn nested(lock: &mut Lock, entries: &[Entry<'_>], depth: usize) -> Result<(), LockError> {
    let first = lock.packages.len();
    for entry in entries {
        let Some(version) = entry.node.text_of("version") else {
            lock.gap(entry.line, format!("`{}` has no version", entry.key));
            continue;
        };
        // `npm:other@1.2.3` is an alias.
        let (name, version) = match version.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
            Some((name, version)) => (name.to_owned(), version),
            None => (entry.key.to_string(), version),
        };
        let mut package = Package::new(Ecosystem::Npm, name, version, entry.line);
        describe(&mut package, &entry.node);
        lock.packages.push(package);
        nested(lock, entry.node.entries_of("dependencies"), depth + 1)?;
    }
    // Who requires what: within one level by name, which is right but for what is nested twice.
    if depth == 0 {
        let by_name: BTreeMap<String, usize> = lock
            .packages
            .iter()
            .enumerate()
            .skip(first)
            .rev()
            .map(|(index, package)| (package.name.clone(), index))
            .collect();
        for entry in entries {
            let Some(parent) = by_name.get(&*entry.key) else { continue };
            for required in entry.node.entries_of("requires") {
                if let Some(target) = by_name.get(&*required.key) {
                    lock.ask(Asker::Package(*parent), *target, required.node.text().map(str::to_owned));
                }
            }
        }
    }
    Ok(())
}
