use super::LockError;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Asker, Lock, Package, Scope, Source};
use crate::tree::{Entry, Node};

/// poetry.lock, from Poetry 1.0 (hashes in `[metadata.files]`) to 2 (`groups`).
pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let root = Node::toml(text)?;
    let metadata = root.get("metadata").ok_or_else(|| LockError::Unknown("it has no [metadata]".to_owned()))?;
    let mut lock = Lock::default();
    let mut kept = Vec::new();
    for node in root.items_of("package") {
        let (Some(name), Some(version)) = (node.get("name"), node.text_of("version")) else {
            lock.gap(node.line, "a package without name or version");
            continue;
        };
        let mut package = Package::new(Ecosystem::PyPi, name.text().unwrap_or_default(), version, name.line);
        package.source = node.get("source").map_or(Source::Registry, source);
        package.scope = scope(node);
        let old_files = metadata.get("files").map_or(&[][..], |files| files.items_of(&package.name));
        package.integrity = first_hash(node.items_of("files")).or_else(|| first_hash(old_files));
        lock.packages.push(package);
        kept.push(node);
    }
    connect(&mut lock, &kept);
    Ok(lock)
}

fn source(node: &Node<'_>) -> Source {
    let url = node.text_of("url").unwrap_or_default().to_owned();
    match node.text_of("type") {
        Some("git") => Source::Git { url, commit: node.text_of("resolved_reference").map(str::to_owned) },
        Some("url") => Source::Url(url),
        Some("directory" | "file") => Source::Path,
        _ => Source::Registry,
    }
}

fn scope(node: &Node<'_>) -> Scope {
    let groups = node.items_of("groups");
    let by_group = !groups.is_empty() && groups.iter().all(|group| group.text() != Some("main"));
    if by_group || node.text_of("category") == Some("dev") { Scope::Development } else { Scope::Runtime }
}

/// The first of the hashes of a package's files: `{ file, hash }`.
pub(super) fn first_hash(files: &[Node<'_>]) -> Option<String> {
    files.iter().find_map(|file| file.text_of("hash")).map(str::to_owned)
}

fn connect(lock: &mut Lock, nodes: &[&Node<'_>]) {
    let index = by_key(lock);
    for (parent, node) in nodes.iter().enumerate() {
        for dependency in node.entries_of("dependencies") {
            if let Some(target) = index.get(&*Ecosystem::PyPi.key(&dependency.key)) {
                lock.ask(Asker::Package(parent), *target, requirement(dependency));
            }
        }
    }
}

fn requirement(dependency: &Entry<'_>) -> Option<String> {
    dependency.node.text().or_else(|| dependency.node.text_of("version")).map(str::to_owned)
}

/// The packages by the name that PyPI knows them by.
pub(super) fn by_key(lock: &Lock) -> std::collections::BTreeMap<String, usize> {
    let key = |package: &Package| package.ecosystem.key(&package.name).into_owned();
    lock.packages.iter().enumerate().map(|(index, package)| (key(package), index)).collect()
}
