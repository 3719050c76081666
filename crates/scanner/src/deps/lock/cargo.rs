use std::collections::BTreeMap;

use super::LockError;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Asker, Lock, Package, Scope, Source};
use crate::tree::Node;

/// Cargo.lock, versions 1 to 4. Workspace members have no `source`; what they ask for is direct.
pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let root = Node::toml(text)?;
    let nodes = root.items_of("package");
    if nodes.is_empty() && root.get("version").is_none() {
        return Err(LockError::Unknown("it has no [[package]]".to_owned()));
    }
    let mut lock = Lock::default();
    let mut kept = Vec::new();
    for node in nodes {
        let (Some(name), Some(version)) = (node.get("name"), node.text_of("version")) else {
            lock.gap(node.line, "a package without name or version");
            continue;
        };
        let mut package = Package::new(Ecosystem::CratesIo, name.text().unwrap_or_default(), version, name.line);
        package.source = source(node.text_of("source"));
        package.integrity = node.text_of("checksum").map(|sum| format!("sha256:{sum}"));
        lock.packages.push(package);
        kept.push(node);
    }
    // Version 1 had the checksums in a table of their own.
    for entry in root.entries_of("metadata") {
        old_checksum(&mut lock, &entry.key, entry.node.text().unwrap_or_default());
    }
    connect(&mut lock, &kept);
    Ok(lock)
}

fn source(source: Option<&str>) -> Source {
    match source {
        None => Source::Path,
        Some(source) => match source.strip_prefix("git+") {
            Some(address) => super::git(address),
            None if source.starts_with("registry+") || source.starts_with("sparse+") => Source::Registry,
            None => Source::Url(source.to_owned()),
        },
    }
}

fn old_checksum(lock: &mut Lock, key: &str, sum: &str) {
    let mut words = key.strip_prefix("checksum ").unwrap_or_default().split(' ');
    let (Some(name), Some(version)) = (words.next(), words.next()) else { return };
    let found = lock.packages.iter_mut().find(|package| package.name == name && package.version == version);
    if let Some(package) = found.filter(|_| sum != "<none>") {
        package.integrity = Some(format!("sha256:{sum}"));
    }
}

fn connect(lock: &mut Lock, nodes: &[&Node<'_>]) {
    let mut by_name = BTreeMap::<String, Vec<usize>>::new();
    for (index, package) in lock.packages.iter().enumerate() {
        by_name.entry(package.name.clone()).or_default().push(index);
    }
    for (index, node) in nodes.iter().enumerate() {
        let is_member = lock.packages.get(index).is_some_and(|package| package.source == Source::Path);
        let asker = if is_member { Asker::Project(Scope::Runtime) } else { Asker::Package(index) };
        for dependency in node.items_of("dependencies").iter().filter_map(Node::text) {
            // `name`, or `name version` where several are locked, with its source where that is needed too.
            let mut words = dependency.split(' ');
            let (name, version) = (words.next().unwrap_or_default(), words.next());
            let target = by_name.get(name).into_iter().flatten().copied().find(|target| {
                version
                    .is_none_or(|version| lock.packages.get(*target).is_some_and(|package| package.version == version))
            });
            if let Some(target) = target {
                lock.ask(asker, target, None);
            }
        }
    }
    lock.mark_transitive();
}
