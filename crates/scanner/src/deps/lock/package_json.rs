use std::collections::BTreeMap;

use super::LockError;
use crate::deps::package::{Asker, Lock, Scope, Unpinned};
use crate::tree::{Entry, Node};

/// What a package.json, composer.json or Cargo.toml asks for: lock files that do not say themselves what is direct get it from here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::deps) struct Manifest {
    asked: Vec<(String, Scope)>,
    /// Requirements that can change without a change in the project.
    pub(in crate::deps) unpinned: Vec<Unpinned>,
}

impl Manifest {
    /// Reads package.json.
    pub(in crate::deps) fn package_json(bytes: &[u8]) -> Result<Self, LockError> {
        let root = Node::json(super::text(bytes)?)?;
        let mut manifest = Self::default();
        for (member, scope) in [
            ("dependencies", Scope::Runtime),
            ("optionalDependencies", Scope::Runtime),
            ("devDependencies", Scope::Development),
        ] {
            manifest.take(root.entries_of(member), scope, is_loose_for_npm);
        }
        Ok(manifest)
    }

    /// Reads composer.json.
    pub(in crate::deps) fn composer_json(bytes: &[u8]) -> Result<Self, LockError> {
        let root = Node::json(super::text(bytes)?)?;
        let mut manifest = Self::default();
        for (member, scope) in [("require", Scope::Runtime), ("require-dev", Scope::Development)] {
            let packages: Vec<_> =
                root.entries_of(member).iter().filter(|entry| entry.key.contains('/')).cloned().collect();
            manifest.take(&packages, scope, |requirement| requirement == "*" || requirement.contains("dev-"));
        }
        Ok(manifest)
    }

    /// Reads Cargo.toml. What is direct, Cargo.lock says; here is what is not pinned: `*`, and git by branch or by nothing.
    pub(in crate::deps) fn cargo_toml(bytes: &[u8]) -> Result<Self, LockError> {
        let root = Node::toml(super::text(bytes)?)?;
        let mut manifest = Self::default();
        let workspace = root.get("workspace").map_or(&[][..], |workspace| workspace.entries_of("dependencies"));
        for member in ["dependencies", "dev-dependencies", "build-dependencies"] {
            manifest.crates(root.entries_of(member));
        }
        manifest.crates(workspace);
        Ok(manifest)
    }

    fn crates(&mut self, entries: &[Entry<'_>]) {
        for entry in entries {
            let version = entry.node.text().or_else(|| entry.node.text_of("version"));
            let requirement = match (version, entry.node.text_of("git")) {
                (Some("*"), _) => "*".to_owned(),
                (_, Some(url)) if entry.node.text_of("rev").is_none() => {
                    let reference =
                        entry.node.text_of("branch").or_else(|| entry.node.text_of("tag")).unwrap_or("HEAD");
                    format!("{url}#{reference}")
                }
                _ => continue,
            };
            self.unpinned.push(Unpinned { name: entry.key.to_string(), requirement, line: entry.line });
        }
    }

    fn take(&mut self, entries: &[Entry<'_>], scope: Scope, is_loose: impl Fn(&str) -> bool) {
        for entry in entries {
            let Some(requirement) = entry.node.text() else { continue };
            self.asked.push((entry.key.to_string(), scope));
            if is_loose(requirement) {
                self.unpinned.push(Unpinned {
                    name: entry.key.to_string(),
                    requirement: requirement.to_owned(),
                    line: entry.line,
                });
            }
        }
    }

    /// Marks in a lock file beside it what the project asks for itself, and what it needs for development only.
    pub(in crate::deps) fn mark(&self, lock: &mut Lock) {
        let says_scope = lock.packages.iter().any(|package| package.scope == Scope::Development);
        let (mut runtime, mut development) = (Vec::new(), Vec::new());
        let mut by_name = BTreeMap::<String, Vec<usize>>::new();
        for (index, package) in lock.packages.iter().enumerate() {
            by_name.entry(package.name.clone()).or_default().push(index);
        }
        for (name, scope) in &self.asked {
            // Where several versions are locked, the one nobody else asks for is the project's.
            let Some(versions) = by_name.get(name) else { continue };
            let is_alone =
                |index: &&usize| lock.packages.get(**index).is_some_and(|package| package.parents.is_empty());
            let Some(index) = versions.iter().find(is_alone).or(versions.first()).copied() else { continue };
            lock.ask(Asker::Project(*scope), index, None);
            if *scope == Scope::Runtime { &mut runtime } else { &mut development }.push(index);
        }
        lock.mark_transitive();
        if !says_scope {
            lock.mark_development(&runtime, &development);
        }
    }
}

/// A requirement of npm that the next publication or push of somebody else changes.
fn is_loose_for_npm(requirement: &str) -> bool {
    let requirement = requirement.trim();
    if matches!(requirement, "" | "*" | "x" | "latest" | "next") {
        return true;
    }
    let is_git = requirement.starts_with("git")
        || requirement.starts_with("bitbucket:")
        || (requirement.contains('/') && !requirement.contains(':') && !requirement.starts_with(['.', '/', '~', '@']));
    if is_git {
        let reference = requirement.rsplit_once('#').map(|(_, reference)| reference);
        return !reference.is_some_and(|reference| super::is_commit(reference) || reference.starts_with("semver:"));
    }
    requirement.starts_with("http:") || requirement.starts_with("https:")
}
