//! Maven's pom.xml: versions may stand in properties, in `dependencyManagement` and in parents, of which those in the tree are read.

use std::collections::BTreeMap;

use super::LockError;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Lock, Package, Relation, Scope, Source, Unpinned};
use crate::tree::Element;

/// A pom.xml as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::deps) struct Pom {
    group: String,
    artifact: String,
    version: String,
    parent: Option<ParentPom>,
    properties: BTreeMap<String, String>,
    managed: Vec<Dependency>,
    dependencies: Vec<Dependency>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct ParentPom {
    group: String,
    artifact: String,
    version: String,
    path: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Dependency {
    group: String,
    artifact: String,
    version: Option<String>,
    scope: String,
    line: u32,
}

/// Parents above parents; Maven projects have two or three.
const MAX_PARENTS: usize = 16;
/// Properties within properties: a property that names itself twice doubles at every step.
const MAX_STEPS: usize = 16;
const MAX_VALUE: usize = 1024;

impl Pom {
    pub(in crate::deps) fn parse(bytes: &[u8]) -> Result<Self, LockError> {
        let root = Element::parse(super::text(bytes)?)?;
        if root.name != "project" {
            return Err(LockError::Unknown(format!("its root is <{}>, not <project>", root.name)));
        }
        let parent = root.child("parent").map(|parent| ParentPom {
            group: parent.text_of("groupId").unwrap_or_default().to_owned(),
            artifact: parent.text_of("artifactId").unwrap_or_default().to_owned(),
            version: parent.text_of("version").unwrap_or_default().to_owned(),
            path: parent.child("relativePath").map_or("../pom.xml", |path| &path.text).to_owned(),
        });
        let own = |name| root.text_of(name).map(str::to_owned);
        let inherited = |field: fn(&ParentPom) -> &String| parent.as_ref().map(field).cloned().unwrap_or_default();
        let properties = root.child("properties").map_or(&[][..], |properties| &properties.children);
        Ok(Self {
            group: own("groupId").unwrap_or_else(|| inherited(|parent| &parent.group)),
            artifact: own("artifactId").unwrap_or_default(),
            version: own("version").unwrap_or_else(|| inherited(|parent| &parent.version)),
            properties: properties.iter().map(|property| (property.name.clone(), property.text.clone())).collect(),
            managed: root.child("dependencyManagement").map(dependencies).unwrap_or_default(),
            dependencies: dependencies(&root),
            parent,
        })
    }
}

fn dependencies(element: &Element) -> Vec<Dependency> {
    let list = element.child("dependencies").into_iter().flat_map(|list| list.children_named("dependency"));
    let dependency = |element: &Element| Dependency {
        group: element.text_of("groupId").unwrap_or_default().to_owned(),
        artifact: element.text_of("artifactId").unwrap_or_default().to_owned(),
        version: element.text_of("version").map(str::to_owned),
        scope: element.text_of("scope").unwrap_or_default().to_owned(),
        line: element.line,
    };
    list.map(dependency).collect()
}

/// The dependencies of the pom at `path`, with their versions from it and from the poms of the same tree.
pub(in crate::deps) fn resolve(path: &str, poms: &BTreeMap<String, Pom>) -> Lock {
    let chain = ancestry(path, poms);
    let context = Context { chain: &chain, poms };
    let mut lock = Lock::default();
    let Some(pom) = chain.first() else { return lock };
    for dependency in &pom.dependencies {
        context.add(&mut lock, dependency);
    }
    lock
}

/// The pom and its parents, the nearest first.
fn ancestry<'a>(path: &str, poms: &'a BTreeMap<String, Pom>) -> Vec<&'a Pom> {
    let mut chain = Vec::new();
    let mut path = path.to_owned();
    while let Some(pom) = poms.get(&path).filter(|_| chain.len() < MAX_PARENTS) {
        chain.push(pom);
        let Some(parent) = &pom.parent else { break };
        let is_parent = |pom: &Pom| pom.group == parent.group && pom.artifact == parent.artifact;
        let beside = relative(&path, &parent.path);
        let found =
            [format!("{beside}/pom.xml"), beside].into_iter().find(|path| poms.get(path).is_some_and(is_parent));
        // A parent that is elsewhere in the tree counts too, as it does for Maven in one build.
        let Some(next) = found.or_else(|| poms.iter().find(|(_, pom)| is_parent(pom)).map(|(path, _)| path.clone()))
        else {
            break;
        };
        path = next;
    }
    chain
}

/// A path that a file writes, from the root of the tree.
pub(in crate::deps) fn relative(file: &str, path: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

struct Context<'a> {
    chain: &'a [&'a Pom],
    poms: &'a BTreeMap<String, Pom>,
}

impl Context<'_> {
    fn add(&self, lock: &mut Lock, dependency: &Dependency) {
        let name = format!("{}:{}", self.expand(&dependency.group), self.expand(&dependency.artifact));
        let managed = self.managed(&name);
        let written = dependency.version.as_ref().or_else(|| managed.and_then(|managed| managed.version.as_ref()));
        let Some(version) = written.map(|version| self.expand(version)).filter(|version| !version.contains("${"))
        else {
            lock.gap(dependency.line, format!("the version of `{name}` stands in no pom.xml of this tree"));
            return;
        };
        let is_own = self.poms.values().any(|pom| name == format!("{}:{}", pom.group, pom.artifact));
        let is_moving = matches!(version.as_str(), "LATEST" | "RELEASE") || version.contains(',');
        // A module of the same tree is what the tree has, whatever its version is called.
        if is_moving || (version.ends_with("-SNAPSHOT") && !is_own) {
            let unpinned = Unpinned { name: name.clone(), requirement: version.clone(), line: dependency.line };
            lock.unpinned.push(unpinned);
        }
        if is_moving {
            return;
        }
        let scope =
            if dependency.scope.is_empty() { managed.map_or("", |managed| &managed.scope) } else { &dependency.scope };
        let mut package = Package::new(Ecosystem::Maven, name, version.trim_matches(['[', ']']), dependency.line);
        package.relation = Relation::Direct;
        if scope == "test" {
            package.scope = Scope::Development;
        }
        if scope == "system" || is_own {
            package.source = Source::Path;
        }
        lock.packages.push(package);
    }

    /// What `dependencyManagement` says of a package: the nearest first, then the bills of materials that are in the tree.
    fn managed(&self, name: &str) -> Option<&Dependency> {
        let is_meant = |managed: &&Dependency| {
            name.split_once(':') == Some((&*self.expand(&managed.group), &*self.expand(&managed.artifact)))
        };
        let own = self.chain.iter().flat_map(|pom| &pom.managed);
        let imported = own.clone().filter(|managed| managed.scope == "import").filter_map(|managed| {
            self.poms.values().find(|pom| pom.group == self.expand(&managed.group) && pom.artifact == managed.artifact)
        });
        own.clone().find(is_meant).or_else(|| imported.flat_map(|pom| &pom.managed).find(is_meant))
    }

    /// The text with its `${properties}` replaced, as far as they are known.
    fn expand(&self, text: &str) -> String {
        let mut value = text.to_owned();
        for _ in 0..MAX_STEPS {
            let Some((before, rest)) = value.split_once("${") else { break };
            let Some((name, after)) = rest.split_once('}') else { break };
            let Some(replacement) = self.property(name) else { break };
            let next = format!("{before}{replacement}{after}");
            if next.len() > MAX_VALUE {
                break;
            }
            value = next;
        }
        value
    }

    fn property(&self, name: &str) -> Option<&str> {
        let pom = *self.chain.first()?;
        match name {
            "project.version" | "pom.version" | "version" => Some(&pom.version),
            "project.groupId" | "pom.groupId" | "groupId" => Some(&pom.group),
            "project.artifactId" | "artifactId" => Some(&pom.artifact),
            "project.parent.version" | "parent.version" => pom.parent.as_ref().map(|parent| parent.version.as_str()),
            "project.parent.groupId" => pom.parent.as_ref().map(|parent| parent.group.as_str()),
            _ => self.chain.iter().find_map(|pom| pom.properties.get(name)).map(String::as_str),
        }
    }
}
