use super::LockError;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Asker, Lock, Package, Scope};
use crate::tree::Node;

/// conan.lock: of Conan 2, lists of references; of Conan 1, a graph of nodes.
pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let root = Node::json(text)?;
    if let Some(graph) = root.get("graph_lock") {
        return Ok(graph_lock(graph));
    }
    if root.get("requires").is_none() {
        return Err(LockError::Unknown("it has neither `requires` nor `graph_lock`".to_owned()));
    }
    let mut lock = Lock::default();
    for (member, scope) in
        [("requires", Scope::Runtime), ("build_requires", Scope::Development), ("python_requires", Scope::Development)]
    {
        for node in root.items_of(member) {
            add(&mut lock, node, scope);
        }
    }
    Ok(lock)
}

/// `name/version@user/channel#revision%time`
fn add(lock: &mut Lock, node: &Node<'_>, scope: Scope) -> Option<usize> {
    let text = node.text().unwrap_or_default();
    let reference = text.split(['@', '#', '%']).next().unwrap_or_default();
    let Some((name, version)) =
        reference.split_once('/').filter(|(name, version)| !name.is_empty() && !version.is_empty())
    else {
        lock.gap(node.line, format!("`{text}` is not `name/version`"));
        return None;
    };
    let mut package = Package::new(Ecosystem::ConanCenter, name, version, node.line);
    package.scope = scope;
    let revision = text.split_once('#').map(|(_, revision)| revision.split('%').next().unwrap_or(revision));
    package.integrity = revision.filter(|revision| !revision.is_empty()).map(|revision| format!("revision:{revision}"));
    lock.packages.push(package);
    Some(lock.packages.len() - 1)
}

fn graph_lock(graph: &Node<'_>) -> Lock {
    let mut lock = Lock::default();
    let mut index = std::collections::BTreeMap::new();
    let nodes = graph.entries_of("nodes");
    for entry in nodes {
        // The project's own node may have no reference.
        let Some(reference) =
            entry.node.get("ref").filter(|reference| reference.text().is_some_and(|text| !text.is_empty()))
        else {
            continue;
        };
        if let Some(at) = add(&mut lock, reference, Scope::Runtime) {
            index.insert(&*entry.key, at);
        }
    }
    for entry in nodes {
        let asker = index.get(&*entry.key).map_or(Asker::Project(Scope::Runtime), |at| Asker::Package(*at));
        for target in entry.node.items_of("requires").iter().filter_map(|id| index.get(id.text()?)) {
            lock.ask(asker, *target, None);
        }
    }
    lock
}
