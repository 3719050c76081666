use super::LockError;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Lock, Package, Scope, Source};
use crate::tree::{Entry, Node};

/// Pipfile.lock: `default` and `develop`. It does not tell what the project itself asks for.
pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let root = Node::json(text)?;
    if root.get("_meta").is_none() {
        return Err(LockError::Unknown("it has no `_meta`".to_owned()));
    }
    let mut lock = Lock::default();
    for (member, scope) in [("default", Scope::Runtime), ("develop", Scope::Development)] {
        for entry in root.entries_of(member) {
            let package = package(entry, scope);
            let is_known = package.scope == Scope::Development
                && lock.packages.iter().any(|known| known.name == package.name && known.version == package.version);
            if !is_known {
                lock.packages.push(package);
            }
        }
    }
    Ok(lock)
}

fn package(entry: &Entry<'_>, scope: Scope) -> Package {
    let node = &entry.node;
    let version = node.text_of("version").unwrap_or_default().trim_start_matches('=');
    let mut package = Package::new(Ecosystem::PyPi, &*entry.key, version, entry.line);
    package.scope = scope;
    package.integrity = node.items_of("hashes").first().and_then(Node::text).map(str::to_owned);
    package.source = if let Some(url) = node.text_of("git") {
        let commit = node.text_of("ref").filter(|reference| super::is_commit(reference));
        Source::Git { url: url.to_owned(), commit: commit.map(str::to_owned) }
    } else if node.get("path").is_some() {
        Source::Path
    } else {
        node.text_of("file").map_or(Source::Registry, |address| Source::Url(address.to_owned()))
    };
    package
}
