use std::collections::BTreeMap;

use super::LockError;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Asker, Lock, Package, Scope, Source};
use crate::tree::Node;

/// composer.lock: `packages` and `packages-dev`.
pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let root = Node::json(text)?;
    if root.get("packages").is_none() {
        return Err(LockError::Unknown("it has no `packages`".to_owned()));
    }
    let mut lock = Lock::default();
    let mut kept = Vec::new();
    for (member, scope) in [("packages", Scope::Runtime), ("packages-dev", Scope::Development)] {
        for node in root.items_of(member) {
            let (Some(name), Some(version)) = (node.get("name"), node.text_of("version")) else {
                lock.gap(node.line, "a package without name or version");
                continue;
            };
            let mut package = Package::new(Ecosystem::Packagist, name.text().unwrap_or_default(), version, name.line);
            package.scope = scope;
            package.source = source(node);
            package.licence = licence(node.items_of("license"));
            let sum = node.get("dist").and_then(|dist| dist.text_of("shasum")).filter(|sum| !sum.is_empty());
            package.integrity = sum.map(|sum| format!("sha1:{sum}"));
            lock.packages.push(package);
            kept.push(node);
        }
    }
    let index: BTreeMap<String, usize> = lock
        .packages
        .iter()
        .enumerate()
        .map(|(index, package)| (package.ecosystem.key(&package.name).into_owned(), index))
        .collect();
    for (parent, node) in kept.iter().enumerate() {
        for required in node.entries_of("require") {
            if let Some(target) = index.get(&*Ecosystem::Packagist.key(&required.key)) {
                lock.ask(Asker::Package(parent), *target, required.node.text().map(str::to_owned));
            }
        }
    }
    Ok(lock)
}

/// A tagged version is the registry's; `dev-…` is whatever the branch held, fixed by its commit.
fn source(node: &Node<'_>) -> Source {
    let version = node.text_of("version").unwrap_or_default();
    let repository = node.get("source");
    match node.get("dist").and_then(|dist| dist.text_of("type")) {
        Some("path") => Source::Path,
        _ if version.starts_with("dev-") => Source::Git {
            url: repository.and_then(|repository| repository.text_of("url")).unwrap_or_default().to_owned(),
            commit: repository.and_then(|repository| repository.text_of("reference")).map(str::to_owned),
        },
        _ => Source::Registry,
    }
}

/// Several licences are a choice between them (composer's schema).
fn licence(licences: &[Node<'_>]) -> Option<String> {
    let names: Vec<&str> = licences.iter().filter_map(Node::text).collect();
    (!names.is_empty()).then(|| names.join(" OR "))
}
