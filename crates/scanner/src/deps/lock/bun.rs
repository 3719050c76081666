use std::collections::BTreeMap;

use super::LockError;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Asker, Lock, Package, Scope, Source};
use crate::tree::{Entry, Node};

/// bun.lock: JSON with trailing commas; a package is a list whose first item is `name@version`.
pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let root = Node::json(text)?;
    if root.get("lockfileVersion").is_none() {
        return Err(LockError::Unknown("it has no `lockfileVersion`".to_owned()));
    }
    let mut lock = Lock::default();
    let mut by_path = BTreeMap::new();
    let mut kept = Vec::new();
    for entry in root.entries_of("packages") {
        let Some((name, version)) = entry.node.items().first().and_then(Node::text).and_then(split) else {
            lock.gap(entry.line, format!("`{}` is no package and version", entry.key));
            continue;
        };
        by_path.insert(entry.key.to_string(), lock.packages.len());
        lock.packages.push(package(entry, name, version));
        kept.push(entry);
    }
    for (index, entry) in kept.iter().enumerate() {
        let Some(details) = entry.node.items().iter().find(|item| item.is_table()) else { continue };
        for dependency in details.entries_of("dependencies").iter().chain(details.entries_of("optionalDependencies")) {
            ask(&mut lock, &by_path, Asker::Package(index), &entry.key, dependency);
        }
    }
    let (mut runtime, mut development) = (Vec::new(), Vec::new());
    for workspace in root.entries_of("workspaces") {
        for (member, scope) in [
            ("dependencies", Scope::Runtime),
            ("optionalDependencies", Scope::Runtime),
            ("devDependencies", Scope::Development),
        ] {
            for dependency in workspace.node.entries_of(member) {
                let target = ask(&mut lock, &by_path, Asker::Project(scope), "", dependency);
                if scope == Scope::Runtime { &mut runtime } else { &mut development }.extend(target);
            }
        }
    }
    lock.mark_transitive();
    lock.mark_development(&runtime, &development);
    Ok(lock)
}

fn split(text: &str) -> Option<(&str, &str)> {
    let at = text.char_indices().skip(1).find(|(_, c)| *c == '@')?.0;
    let (name, version) = text.split_at_checked(at)?;
    Some((name, version.strip_prefix('@')?))
}

fn package(entry: &Entry<'_>, name: &str, version: &str) -> Package {
    let mut package = Package::new(Ecosystem::Npm, name, version, entry.line);
    package.source =
        if version.starts_with("workspace:") || version.starts_with("file:") || version.starts_with("link:") {
            Source::Path
        } else if version.starts_with("git") || version.contains("github:") {
            super::git(version)
        } else if version.starts_with("http") {
            Source::Url(version.to_owned())
        } else {
            Source::Registry
        };
    let last = entry.node.items().last().and_then(Node::text);
    package.integrity = last.filter(|text| text.starts_with("sha")).map(str::to_owned);
    package
}

/// A package nested below another is keyed `parent/name`, which goes before the one at the top.
fn ask(
    lock: &mut Lock,
    by_path: &BTreeMap<String, usize>,
    asker: Asker,
    below: &str,
    dependency: &Entry<'_>,
) -> Option<usize> {
    let nested = by_path.get(&format!("{below}/{}", dependency.key));
    let target = *nested.or_else(|| by_path.get(&*dependency.key))?;
    lock.ask(asker, target, dependency.node.text().map(str::to_owned));
    Some(target)
}
