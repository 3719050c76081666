use std::collections::BTreeMap;

use super::{LockError, numbered};
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Asker, Lock, Package, Source};
use crate::tree::Node;

/// yarn.lock: of Yarn 1, a format of its own; of berry (2 and later), YAML with `__metadata`.
pub(super) fn parse(text: &str) -> Result<Lock, LockError> {
    if text.lines().any(|line| line.starts_with("__metadata:")) { berry(text) } else { classic(text) }
}

/// A name and what is asked of it: `@scope/name@^1.2`.
fn descriptor(text: &str) -> Option<(&str, &str)> {
    let text = text.trim().trim_matches('"');
    let at = text.char_indices().skip(1).find(|(_, c)| *c == '@')?.0;
    let (name, range) = text.split_at_checked(at)?;
    Some((name, range.strip_prefix('@')?))
}

/// The blocks of a file, while it is read.
#[derive(Default)]
struct Graph {
    lock: Lock,
    /// Each descriptor, and the package that answers it.
    answers: BTreeMap<String, usize>,
    asked: Vec<(usize, String, String)>,
}

impl Graph {
    fn finish(self) -> Lock {
        let Self { mut lock, answers, asked } = self;
        for (parent, name, range) in asked {
            let answer =
                answers.get(&format!("{name}@{range}")).or_else(|| answers.get(&format!("{name}@npm:{range}")));
            if let Some(target) = answer {
                let requirement = range.strip_prefix("npm:").unwrap_or(&range).to_owned();
                lock.ask(Asker::Package(parent), *target, Some(requirement));
            }
        }
        lock
    }
}

fn classic(text: &str) -> Result<Lock, LockError> {
    let mut graph = Graph::default();
    let mut current = None;
    let mut in_dependencies = false;
    for (number, line) in numbered(text) {
        let trimmed = line.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        match line.len() - trimmed.len() {
            0 => {
                current = Some(classic_block(&mut graph, number, trimmed)?);
                in_dependencies = false;
            }
            2 => {
                in_dependencies = matches!(trimmed, "dependencies:" | "optionalDependencies:");
                if let Some(package) = current.and_then(|index: usize| graph.lock.packages.get_mut(index)) {
                    classic_field(package, trimmed);
                }
            }
            _ if in_dependencies => {
                if let (Some(parent), Some((name, range))) = (current, trimmed.split_once(' ')) {
                    let unquoted = |text: &str| text.trim().trim_matches('"').to_owned();
                    graph.asked.push((parent, unquoted(name), unquoted(range)));
                }
            }
            _ => {}
        }
    }
    Ok(graph.finish())
}

fn classic_block(graph: &mut Graph, number: u32, line: &str) -> Result<usize, LockError> {
    let syntax = || LockError::Syntax { line: number, what: "no `name@range:`".to_owned() };
    let descriptors = line.strip_suffix(':').ok_or_else(syntax)?;
    let index = graph.lock.packages.len();
    let mut package_name = None;
    for text in descriptors.split(',') {
        let (name, range) = descriptor(text).ok_or_else(syntax)?;
        // `alias@npm:other@^1` is a package under another name.
        let real = range.strip_prefix("npm:").and_then(descriptor).map_or(name, |(real, _)| real);
        package_name.get_or_insert_with(|| real.to_owned());
        graph.answers.insert(format!("{name}@{range}"), index);
    }
    graph.lock.packages.push(Package::new(Ecosystem::Npm, package_name.unwrap_or_default(), "", number));
    Ok(index)
}

fn classic_field(package: &mut Package, line: &str) {
    let Some((field, value)) = line.split_once(' ') else { return };
    let value = value.trim().trim_matches('"');
    match field {
        "version" => value.clone_into(&mut package.version),
        "resolved" => {
            package.source = super::npm::source(value);
            // Before `integrity` there was only the SHA-1 in the address.
            if let (None, Source::Registry, Some((_, sum))) =
                (&package.integrity, &package.source, value.split_once('#'))
            {
                package.integrity = Some(format!("sha1:{sum}"));
            }
        }
        "integrity" => package.integrity = Some(value.to_owned()),
        _ => {}
    }
}

fn berry(text: &str) -> Result<Lock, LockError> {
    let root = Node::yaml(text)?;
    let mut graph = Graph::default();
    for entry in root.entries().iter().filter(|entry| entry.key != "__metadata") {
        let index = graph.lock.packages.len();
        let resolution = entry.node.text_of("resolution").and_then(descriptor);
        let (Some((name, reference)), Some(version)) = (resolution, entry.node.text_of("version")) else {
            graph.lock.gap(entry.line, format!("`{}` has no version or resolution", entry.key));
            continue;
        };
        for text in entry.key.split(',') {
            graph.answers.insert(text.trim().to_owned(), index);
        }
        let mut package = Package::new(Ecosystem::Npm, name, version, entry.line);
        package.integrity = entry.node.text_of("checksum").map(str::to_owned);
        package.source = berry_source(reference);
        graph.lock.packages.push(package);
        for dependency in entry.node.entries_of("dependencies") {
            let range = dependency.node.text().unwrap_or_default();
            graph.asked.push((index, dependency.key.to_string(), range.to_owned()));
        }
    }
    let mut lock = graph.finish();
    ask_for_workspaces(&mut lock);
    Ok(lock)
}

fn berry_source(reference: &str) -> Source {
    if reference.starts_with("workspace:") || reference.starts_with("link:") || reference.starts_with("portal:") {
        Source::Path
    } else if reference.starts_with("npm:") || reference.starts_with("patch:") {
        Source::Registry
    } else if reference.contains("#commit=") || reference.starts_with("git") {
        super::git(reference)
    } else if reference.starts_with("file:") {
        Source::Path
    } else {
        Source::Url(reference.to_owned())
    }
}

/// What a workspace of the project asks for is direct.
fn ask_for_workspaces(lock: &mut Lock) {
    let own: Vec<bool> = lock.packages.iter().map(|package| package.source == Source::Path).collect();
    for package in &mut lock.packages {
        let before = package.parents.len();
        package.parents.retain(|parent| !own.get(parent.package).is_some_and(|own| *own));
        if package.parents.len() < before {
            package.relation = crate::deps::package::Relation::Direct;
        }
    }
    lock.mark_transitive();
}
