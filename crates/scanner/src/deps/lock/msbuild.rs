use std::collections::BTreeMap;

use super::LockError;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Lock, Package, Relation, Unpinned};
use crate::tree::Element;

/// A project of .NET (`*.csproj`, `*.fsproj`, `*.vbproj`), `packages.config`, or the `*.props` that projects below share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::deps) struct Project {
    references: Vec<Reference>,
    /// `PackageVersion` of central package management.
    central: BTreeMap<String, String>,
    properties: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Reference {
    name: String,
    version: Option<String>,
    line: u32,
}

impl Project {
    pub(in crate::deps) fn parse(bytes: &[u8]) -> Result<Self, LockError> {
        let root = Element::parse(super::text(bytes)?)?;
        let mut project = Self::default();
        match root.name.as_str() {
            "Project" => root.children.iter().for_each(|group| project.group(group)),
            "packages" => project.references.extend(root.children_named("package").filter_map(old_reference)),
            other => return Err(LockError::Unknown(format!("its root is <{other}>, not <Project>"))),
        }
        Ok(project)
    }

    fn group(&mut self, group: &Element) {
        match group.name.as_str() {
            "PropertyGroup" => {
                self.properties.extend(group.children.iter().map(|item| (item.name.to_lowercase(), item.text.clone())));
            }
            "ItemGroup" => {
                self.references.extend(group.children_named("PackageReference").filter_map(reference));
                let central = group.children_named("PackageVersion").filter_map(reference);
                self.central.extend(central.filter_map(|item| Some((item.name.to_lowercase(), item.version?))));
            }
            _ => {}
        }
    }

    /// What the project references, with versions and properties from `shared`, the files of the folders above it, nearest first.
    pub(in crate::deps) fn resolve(&self, shared: &[&Self]) -> Lock {
        let mut lock = Lock::default();
        for reference in &self.references {
            let central = || {
                std::iter::once(&self).chain(shared).find_map(|file| file.central.get(&reference.name.to_lowercase()))
            };
            let Some(version) =
                reference.version.as_ref().or_else(central).and_then(|version| self.expand(version, shared))
            else {
                lock.gap(reference.line, format!("the version of `{}` stands in no file of this tree", reference.name));
                continue;
            };
            if version.contains('*') || version.contains(',') {
                let name = reference.name.clone();
                lock.unpinned.push(Unpinned { name, requirement: version, line: reference.line });
                continue;
            }
            let mut package =
                Package::new(Ecosystem::NuGet, &reference.name, version.trim_matches(['[', ']']), reference.line);
            package.relation = Relation::Direct;
            lock.packages.push(package);
        }
        lock
    }

    /// A version may be one property, `$(SerilogVersion)`.
    fn expand(&self, version: &str, shared: &[&Self]) -> Option<String> {
        let Some(name) = version.strip_prefix("$(").and_then(|name| name.strip_suffix(')')) else {
            return (!version.contains("$(")).then(|| version.to_owned());
        };
        let name = name.to_lowercase();
        let value = std::iter::once(&self).chain(shared).find_map(|file| file.properties.get(&name))?;
        (!value.contains("$(")).then(|| value.clone())
    }
}

fn reference(element: &Element) -> Option<Reference> {
    // `Update` changes a reference that another file has made.
    let name = element.attribute("Include").or_else(|| element.attribute("Update"))?.to_owned();
    let version = element
        .attribute("VersionOverride")
        .or_else(|| element.attribute("Version"))
        .or_else(|| element.text_of("Version"));
    Some(Reference { name, version: version.map(str::to_owned), line: element.line })
}

fn old_reference(element: &Element) -> Option<Reference> {
    let version = element.attribute("version").map(str::to_owned);
    Some(Reference { name: element.attribute("id")?.to_owned(), version, line: element.line })
}
