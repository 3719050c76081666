use std::collections::{BTreeMap, BTreeSet};

use super::ecosystem::Ecosystem;

/// One package as a lock file or manifest names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Where it is published.
    pub ecosystem: Ecosystem,
    /// Its name, spelled as in the file (Maven: `group:artifact`).
    pub name: String,
    /// Its version, as in the file; empty where the file states none.
    pub version: String,
    /// The line that names it, from 1.
    pub line: u32,
    /// How the project came by it.
    pub relation: Relation,
    /// What the project needs it for.
    pub scope: Scope,
    /// The packages of the same file that ask for it, by index, with what they ask for.
    pub parents: Vec<Parent>,
    /// A hash of its content, as written; the file pins the content by it.
    pub integrity: Option<String>,
    /// Where its content comes from.
    pub source: Source,
    /// Its licence, where the file knows it.
    pub licence: Option<String>,
}

/// Who asks for a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its place in [`Lock::packages`].
    pub package: usize,
    /// The versions that it accepts, where the file says so.
    pub requirement: Option<String>,
}

/// How the project came by a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The project names it.
    Direct,
    /// Another package brought it.
    Transitive,
    /// The file does not tell.
    Unstated,
}

/// What the project needs a package for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// To run, or the file does not tell.
    Runtime,
    /// To build or to test only.
    Development,
}

/// Where a package's content comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The ecosystem's registry, or a mirror of it.
    Registry,
    /// A repository; whoever may write there decides what is built unless a commit is named.
    Git {
        /// The repository.
        url: String,
        /// The commit, or none where only a branch or tag is named.
        commit: Option<String>,
    },
    /// An address from which an archive is fetched.
    Url(String),
    /// The project's own tree.
    Path,
}

/// What one file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Its packages, in the order of the file.
    pub packages: Vec<Package>,
    /// What the project itself asks for and why it is doubtful: no version, a branch, a range without end.
    pub unpinned: Vec<Unpinned>,
    /// What could not be understood, by line; the rest of the file was.
    pub gaps: Vec<Gap>,
    /// Other files that this one names, as it writes them.
    pub includes: Vec<String>,
}

/// A dependency that can change without a change in the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpinned {
    /// Its name.
    pub name: String,
    /// What is asked for: `*`, `latest`, `git+https://…#main`.
    pub requirement: String,
    /// Where.
    pub line: u32,
}

/// A part of a file that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Where.
    pub line: u32,
    /// What is wrong there.
    pub what: String,
}

impl Package {
    /// A package of the registry of which only name and version are known yet.
    pub(super) fn new(ecosystem: Ecosystem, name: impl Into<String>, version: impl Into<String>, line: u32) -> Self {
        Self {
            ecosystem,
            name: name.into(),
            version: version.into(),
            line,
            relation: Relation::Unstated,
            scope: Scope::Runtime,
            parents: Vec::new(),
            integrity: None,
            source: Source::Registry,
            licence: None,
        }
    }

    /// Whether it is code of others, with a version to look up.
    pub fn is_foreign(&self) -> bool {
        self.source != Source::Path && !self.version.is_empty()
    }
}

/// Who asks for what, while a file is read: the project itself, or a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    Project(Scope),
    Package(usize),
}

impl Lock {
    /// Records that `asker` wants the package at `index`.
    pub(super) fn ask(&mut self, asker: Asker, index: usize, requirement: Option<String>) {
        let Some(package) = self.packages.get_mut(index) else { return };
        match asker {
            Asker::Project(_) => package.relation = Relation::Direct,
            Asker::Package(parent) if parent != index => {
                if package.relation == Relation::Unstated {
                    package.relation = Relation::Transitive;
                }
                if !package.parents.iter().any(|known| known.package == parent) {
                    package.parents.push(Parent { package: parent, requirement });
                }
            }
            Asker::Package(_) => {}
        }
    }

    /// Marks as for development what is reached from `development` and from nothing in `runtime`: for files that tell only what the
    /// project itself asks for.
    pub(super) fn mark_development(&mut self, runtime: &[usize], development: &[usize]) {
        let children = self.children();
        let runtime = reached(&children, runtime);
        for index in reached(&children, development).difference(&runtime) {
            if let Some(package) = self.packages.get_mut(*index) {
                package.scope = Scope::Development;
            }
        }
    }

    /// Marks as transitive what the project does not ask for, in files that say all that it asks for.
    pub(super) fn mark_transitive(&mut self) {
        for package in &mut self.packages {
            if package.relation == Relation::Unstated {
                package.relation = Relation::Transitive;
            }
        }
    }

    fn children(&self) -> BTreeMap<usize, Vec<usize>> {
        let mut children = BTreeMap::<usize, Vec<usize>>::new();
        for (index, package) in self.packages.iter().enumerate() {
            for parent in &package.parents {
                children.entry(parent.package).or_default().push(index);
            }
        }
        children
    }

    /// The shortest way from a direct dependency down to the package, both included; the package alone where none is known.
    pub fn shortest_way(&self, index: usize) -> Vec<usize> {
        let mut from = BTreeMap::from([(index, None)]);
        let mut open = std::collections::VecDeque::from([index]);
        while let Some(at) = open.pop_front() {
            let Some(package) = self.packages.get(at) else { continue };
            if package.relation == Relation::Direct {
                let mut way = vec![at];
                let mut here = at;
                while let Some(Some(next)) = from.get(&here) {
                    way.push(*next);
                    here = *next;
                }
                return way;
            }
            for parent in &package.parents {
                if let std::collections::btree_map::Entry::Vacant(entry) = from.entry(parent.package) {
                    entry.insert(Some(at));
                    open.push_back(parent.package);
                }
            }
        }
        vec![index]
    }

    /// Tells of something that was not understood.
    pub(super) fn gap(&mut self, line: u32, what: impl Into<String>) {
        self.gaps.push(Gap { line, what: what.into() });
    }
}

fn reached(children: &BTreeMap<usize, Vec<usize>>, roots: &[usize]) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = roots.to_vec();
    while let Some(index) = open.pop() {
        if reached.insert(index) {
            open.extend(children.get(&index).into_iter().flatten());
        }
    }
    reached
}
