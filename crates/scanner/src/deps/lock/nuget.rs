use std::collections::BTreeMap;

use super::LockError;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Asker, Lock, Package, Relation};
use crate::tree::{Entry, Node};

/// packages.lock.json: for each target framework the packages by name.
pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let root = Node::json(text)?;
    let frameworks = root.get("dependencies").filter(|_| root.get("version").is_some());
    let frameworks = frameworks.ok_or_else(|| LockError::Unknown("it has no `dependencies`".to_owned()))?;
    let mut lock = Lock::default();
    let mut index = BTreeMap::<(String, String), usize>::new();
    for framework in frameworks.entries() {
        for entry in framework.node.entries() {
            add(&mut lock, &mut index, entry);
        }
    }
    for framework in frameworks.entries() {
        connect(&mut lock, framework.node.entries());
    }
    lock.mark_transitive();
    Ok(lock)
}

fn add(lock: &mut Lock, index: &mut BTreeMap<(String, String), usize>, entry: &Entry<'_>) {
    let node = &entry.node;
    let Some(version) = node.text_of("resolved") else {
        // Another project of the same solution has no version.
        if node.text_of("type") != Some("Project") {
            lock.gap(entry.line, format!("`{}` has no `resolved` version", entry.key));
        }
        return;
    };
    let at = *index.entry((entry.key.to_string(), version.to_owned())).or_insert_with(|| {
        let mut package = Package::new(Ecosystem::NuGet, &*entry.key, version, entry.line);
        package.integrity = node.text_of("contentHash").map(|hash| format!("sha512-{hash}"));
        lock.packages.push(package);
        lock.packages.len() - 1
    });
    if let Some(package) = lock.packages.get_mut(at).filter(|_| node.text_of("type") == Some("Direct")) {
        package.relation = Relation::Direct;
    }
}

fn connect(lock: &mut Lock, entries: &[Entry<'_>]) {
    let by_name: BTreeMap<String, usize> = lock
        .packages
        .iter()
        .enumerate()
        .rev()
        .map(|(index, package)| (Ecosystem::NuGet.key(&package.name).into_owned(), index))
        .collect();
    let find = |name: &str| by_name.get(&*Ecosystem::NuGet.key(name)).copied();
    for entry in entries {
        let Some(parent) = find(&entry.key) else { continue };
        for dependency in entry.node.entries_of("dependencies") {
            if let Some(target) = find(&dependency.key) {
                lock.ask(Asker::Package(parent), target, dependency.node.text().map(str::to_owned));
            }
        }
    }
}
