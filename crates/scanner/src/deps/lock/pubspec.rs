use super::LockError;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Lock, Package, Relation, Scope, Source};
use crate::tree::{Entry, Node};

/// pubspec.lock. It says of each package whether it is direct, and not who else asks for it.
pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let root = Node::yaml(text)?;
    let packages = root.get("packages").ok_or_else(|| LockError::Unknown("it has no `packages`".to_owned()))?;
    let mut lock = Lock::default();
    for entry in packages.entries() {
        match entry.node.text_of("version") {
            Some(version) => lock.packages.push(package(entry, version)),
            None => lock.gap(entry.line, format!("`{}` has no version", entry.key)),
        }
    }
    Ok(lock)
}

fn package(entry: &Entry<'_>, version: &str) -> Package {
    let node = &entry.node;
    let description = node.get("description");
    let field = |name| description.and_then(|description| description.text_of(name)).map(str::to_owned);
    let mut package = Package::new(Ecosystem::Pub, &*entry.key, version, entry.line);
    package.integrity = field("sha256").map(|sum| format!("sha256:{sum}"));
    package.source = match node.text_of("source") {
        Some("git") => Source::Git { url: field("url").unwrap_or_default(), commit: field("resolved-ref") },
        Some("path" | "sdk") => Source::Path,
        _ => Source::Registry,
    };
    let dependency = node.text_of("dependency").unwrap_or_default();
    package.relation = if dependency.starts_with("direct") { Relation::Direct } else { Relation::Transitive };
    if dependency == "direct dev" {
        package.scope = Scope::Development;
    }
    package
}
