use super::LockError;
use super::poetry::{by_key, first_hash};
use super::requirements::requirement_name;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Asker, Lock, Package, Scope, Source};
use crate::tree::Node;

/// pdm.lock; before version 4.2 the hashes stood in `[metadata.files]`.
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
        package.source = source(node);
        package.scope = scope(node);
        let old_key = format!("{} {}", package.name, package.version);
        let old_files = metadata.get("files").map_or(&[][..], |files| files.items_of(&old_key));
        package.integrity = first_hash(node.items_of("files")).or_else(|| first_hash(old_files));
        lock.packages.push(package);
        kept.push(node);
    }
    let index = by_key(&lock);
    for (parent, node) in kept.iter().enumerate() {
        for requirement in node.items_of("dependencies").iter().filter_map(Node::text) {
            if let Some(target) = index.get(&*Ecosystem::PyPi.key(requirement_name(requirement))) {
                lock.ask(Asker::Package(parent), *target, Some(requirement.to_owned()));
            }
        }
    }
    Ok(lock)
}

fn source(node: &Node<'_>) -> Source {
    if let Some(url) = node.text_of("git") {
        Source::Git { url: url.to_owned(), commit: node.text_of("revision").map(str::to_owned) }
    } else if let Some(url) = node.text_of("url") {
        Source::Url(url.to_owned())
    } else if node.get("path").is_some() {
        Source::Path
    } else {
        Source::Registry
    }
}

fn scope(node: &Node<'_>) -> Scope {
    let groups = node.items_of("groups");
    let is_default = groups.is_empty() || groups.iter().any(|group| group.text() == Some("default"));
    if is_default { Scope::Runtime } else { Scope::Development }
}
