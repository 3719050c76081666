use super::LockError;
use super::poetry::{by_key, first_hash};
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Asker, Lock, Package, Scope, Source};
use crate::tree::Node;

/// uv.lock. The project's own packages are `virtual` or `editable`; what they ask for is direct.
pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let root = Node::toml(text)?;
    if root.get("version").is_none() {
        return Err(LockError::Unknown("it has no `version`".to_owned()));
    }
    let mut lock = Lock::default();
    let mut kept = Vec::new();
    for node in root.items_of("package") {
        let Some(name) = node.get("name") else {
            lock.gap(node.line, "a package without name");
            continue;
        };
        let version = node.text_of("version").unwrap_or_default();
        let mut package = Package::new(Ecosystem::PyPi, name.text().unwrap_or_default(), version, name.line);
        package.source = node.get("source").map_or(Source::Registry, source);
        let source_hash = node.get("sdist").and_then(|file| file.text_of("hash")).map(str::to_owned);
        package.integrity = source_hash.or_else(|| first_hash(node.items_of("wheels")));
        lock.packages.push(package);
        kept.push(node);
    }
    connect(&mut lock, &kept);
    Ok(lock)
}

fn source(node: &Node<'_>) -> Source {
    if let Some(address) = node.text_of("git") {
        super::git(address)
    } else if let Some(address) = node.text_of("url") {
        Source::Url(address.to_owned())
    } else if node.get("registry").is_some() {
        Source::Registry
    } else {
        Source::Path
    }
}

fn connect(lock: &mut Lock, nodes: &[&Node<'_>]) {
    let index = by_key(lock);
    let (mut runtime, mut development) = (Vec::new(), Vec::new());
    for (at, node) in nodes.iter().enumerate() {
        let is_own = lock.packages.get(at).is_some_and(|package| package.source == Source::Path);
        let groups = |member| node.entries_of(member).iter().flat_map(|group| group.node.items());
        let needed = node.items_of("dependencies").iter().chain(groups("optional-dependencies"));
        for name in needed.filter_map(|dependency| dependency.text_of("name")) {
            let Some(target) = index.get(&*Ecosystem::PyPi.key(name)).copied() else { continue };
            let asker = if is_own { Asker::Project(Scope::Runtime) } else { Asker::Package(at) };
            runtime.extend(is_own.then_some(target));
            lock.ask(asker, target, None);
        }
        for name in groups("dev-dependencies").filter_map(|dependency| dependency.text_of("name")) {
            if let Some(target) = index.get(&*Ecosystem::PyPi.key(name)) {
                lock.ask(Asker::Project(Scope::Development), *target, None);
                development.push(*target);
            }
        }
    }
    lock.mark_transitive();
    lock.mark_development(&runtime, &development);
}
