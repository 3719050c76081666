use std::collections::BTreeMap;

use super::LockError;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Asker, Lock, Package, Scope, Source};
use crate::tree::{Entry, Node};

/// pnpm-lock.yaml. Up to version 5.4 a package is `/name/1.0.0_peers`, in 6 `/name@1.0.0(peers)`, in 9 `name@1.0.0`, and what
/// it asks for stands in `snapshots`.
pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    let root = Node::yaml(text)?;
    let version = root.text_of("lockfileVersion").or_else(|| root.text_of("shrinkwrapVersion"));
    let major: u32 = version
        .and_then(|version| version.split('.').next()?.parse().ok())
        .ok_or_else(|| LockError::Unknown("it has no `lockfileVersion`".to_owned()))?;
    let reader = Reader { old: major < 6 };
    let mut lock = Lock::default();
    let mut index = BTreeMap::new();
    for entry in root.entries_of("packages") {
        reader.package(&mut lock, &mut index, entry);
    }
    for entry in root.entries_of("packages").iter().chain(root.entries_of("snapshots")) {
        let Some(parent) = reader.key(&entry.key).and_then(|key| index.get(&key)).copied() else { continue };
        for dependency in
            entry.node.entries_of("dependencies").iter().chain(entry.node.entries_of("optionalDependencies"))
        {
            reader.ask(&mut lock, &index, Asker::Package(parent), dependency);
        }
    }
    let (mut runtime, mut development) = (Vec::new(), Vec::new());
    // A project without workspaces has its own part at the top.
    let importers = root.entries_of("importers").iter().map(|entry| &entry.node);
    for importer in importers.chain(root.get("importers").is_none().then_some(&root)) {
        for (member, scope) in [
            ("dependencies", Scope::Runtime),
            ("optionalDependencies", Scope::Runtime),
            ("devDependencies", Scope::Development),
        ] {
            for dependency in importer.entries_of(member) {
                let target = reader.ask(&mut lock, &index, Asker::Project(scope), dependency);
                if scope == Scope::Runtime { &mut runtime } else { &mut development }.extend(target);
            }
        }
    }
    lock.mark_transitive();
    lock.mark_development(&runtime, &development);
    Ok(lock)
}

struct Reader {
    old: bool,
}

type Index = BTreeMap<(String, String), usize>;

impl Reader {
    fn package(&self, lock: &mut Lock, index: &mut Index, entry: &Entry<'_>) {
        // What comes from elsewhere than the registry states its own name and version.
        let stated = || Some((entry.node.text_of("name")?.to_owned(), entry.node.text_of("version")?.to_owned()));
        let Some((name, version)) = self.key(&entry.key).or_else(stated) else {
            lock.gap(entry.line, format!("`{}` is no package and version", entry.key));
            return;
        };
        let resolution = entry.node.get("resolution");
        let field = |name| resolution.and_then(|resolution| resolution.text_of(name));
        let own_name = entry.node.text_of("name").unwrap_or(&name);
        let own_version = entry.node.text_of("version").unwrap_or(&version);
        let mut package = Package::new(Ecosystem::Npm, own_name, own_version, entry.line);
        package.integrity = field("integrity").map(str::to_owned);
        package.source = match (field("tarball"), field("repo"), field("directory")) {
            (_, Some(repository), _) => {
                Source::Git { url: repository.to_owned(), commit: field("commit").map(str::to_owned) }
            }
            (_, _, Some(_)) => Source::Path,
            (Some(address), ..) => super::npm::source(address),
            _ => Source::Registry,
        };
        // Packages that differ in their peers only are one.
        index.entry((name, version)).or_insert_with(|| {
            lock.packages.push(package);
            lock.packages.len() - 1
        });
    }

    /// Name and version of a key.
    fn key(&self, key: &str) -> Option<(String, String)> {
        let key = key.strip_prefix('/').unwrap_or(key);
        let key = key.split_once('(').map_or(key, |(key, _peers)| key);
        let (name, version) = if self.old {
            let (name, version) = key.rsplit_once('/')?;
            (name, version.split_once('_').map_or(version, |(version, _peers)| version))
        } else {
            let at = key.char_indices().skip(1).find(|(_, c)| *c == '@')?.0;
            let (name, version) = key.split_at_checked(at)?;
            (name, version.strip_prefix('@')?)
        };
        Some((name.to_owned(), version.to_owned()))
    }

    fn ask(&self, lock: &mut Lock, index: &Index, asker: Asker, dependency: &Entry<'_>) -> Option<usize> {
        let value = dependency.node.text().or_else(|| dependency.node.text_of("version"))?;
        let requirement = dependency.node.text_of("specifier").map(str::to_owned);
        // The value is a version, or a whole key where the package has another name.
        let plain = value.split(['(', '_']).next().unwrap_or(value);
        let direct = (dependency.key.to_string(), plain.to_owned());
        let target = index.get(&direct).or_else(|| index.get(&self.key(value)?)).copied()?;
        lock.ask(asker, target, requirement);
        Some(target)
    }
}
