use super::numbered;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Lock, Package, Relation, Source, Unpinned};

/// pip's requirements files: `name[extra]==1.0 --hash=…; marker`, includes, direct references. What has no `==` names no version.
pub(super) fn parse(text: &str) -> Lock {
    let mut lock = Lock::default();
    for (number, line) in logical_lines(text) {
        let line = without_comment(&line);
        if line.is_empty() {
            continue;
        }
        if let Some(option) = line.strip_prefix('-') {
            option_line(&mut lock, number, option);
        } else {
            requirement(&mut lock, number, line);
        }
    }
    lock
}

/// Lines that a backslash continues are one.
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut lines = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (number, line) in numbered(text) {
        let (start, mut whole) = open.take().unwrap_or((number, String::new()));
        if let Some(part) = line.trim_end().strip_suffix('\\') {
            whole.push_str(part);
            open = Some((start, whole));
        } else {
            whole.push_str(line);
            lines.push((start, whole));
        }
    }
    lines.extend(open);
    lines
}

fn without_comment(line: &str) -> &str {
    let line = line.trim();
    let line = if line.starts_with('#') { "" } else { line };
    line.split_once(" #").map_or(line, |(line, _comment)| line).trim()
}

fn option_line(lock: &mut Lock, number: u32, option: &str) {
    let (name, value) = option.trim_start_matches('-').split_once([' ', '=']).unwrap_or((option, ""));
    let value = value.trim();
    match name {
        "r" | "requirement" | "c" | "constraint" => lock.includes.push(value.to_owned()),
        "e" | "editable" if is_address(value) => requirement(lock, number, value),
        // `-rbase.txt` is `-r base.txt`.
        _ if option.starts_with('r') && super::is_text(option) => {
            lock.includes.push(option.trim_start_matches('r').to_owned());
        }
        _ => {}
    }
}

fn is_address(text: &str) -> bool {
    text.starts_with("git+") || text.starts_with("http:") || text.starts_with("https:")
}

/// A directory or an archive of the tree itself.
fn is_local(text: &str) -> bool {
    text.starts_with(['.', '/']) || text.starts_with("file:")
}

fn requirement(lock: &mut Lock, number: u32, line: &str) {
    if is_local(line) {
        return;
    }
    let hash = line.split_whitespace().find_map(|word| word.strip_prefix("--hash="));
    let end = line.find(" --").unwrap_or(line.len());
    let line = line.get(..end).unwrap_or(line);
    let (line, _marker) =
        line.split_once(" ;").or_else(|| line.split_once(';').filter(|_| !is_address(line))).unwrap_or((line, ""));
    let (name, address) =
        match line.split_once(" @ ").or_else(|| line.split_once('@').filter(|(_, rest)| is_address(rest))) {
            Some((name, address)) => (requirement_name(name), Some(address.trim())),
            None if is_address(line) => (egg(line), Some(line)),
            None => (requirement_name(line), None),
        };
    let mut package = Package::new(Ecosystem::PyPi, name, "", number);
    package.relation = Relation::Direct;
    package.integrity = hash.map(str::to_owned);
    if let Some(address) = address {
        package.source = source(address);
        if matches!(&package.source, Source::Git { commit: None, .. }) {
            lock.unpinned.push(Unpinned { name: name.to_owned(), requirement: address.to_owned(), line: number });
        }
    } else if name.is_empty() {
        lock.gap(number, "no requirement");
        return;
    } else if let Some(version) = pinned(line) {
        version.clone_into(&mut package.version);
    } else {
        let requirement = line.trim().to_owned();
        lock.unpinned.push(Unpinned { name: name.to_owned(), requirement, line: number });
        return;
    }
    lock.packages.push(package);
}

/// The one version that the specifiers admit.
fn pinned(line: &str) -> Option<&str> {
    let (_, specifiers) = line.split_once("==")?;
    let version = specifiers.trim_start_matches('=').split(',').next()?.trim();
    (!version.is_empty() && !version.contains('*')).then_some(version)
}

/// The name before extras, specifiers and markers (PEP 508).
pub(super) fn requirement_name(requirement: &str) -> &str {
    let end = requirement.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    requirement.get(..end.unwrap_or(requirement.len())).unwrap_or(requirement)
}

fn egg(address: &str) -> &str {
    address.split_once("#egg=").map_or("", |(_, name)| requirement_name(name))
}

/// `git+https://host/owner/name.git@reference#egg=name`
fn source(address: &str) -> Source {
    let Some(repository) = address.strip_prefix("git+") else { return Source::Url(address.to_owned()) };
    let repository = repository.split_once('#').map_or(repository, |(repository, _)| repository);
    // The first `@` may belong to `git@host`.
    let (url, reference) = match repository.rsplit_once('@') {
        Some((url, reference)) if !reference.contains('/') => (url, Some(reference)),
        _ => (repository, None),
    };
    let commit = reference.filter(|reference| super::is_commit(reference)).map(str::to_owned);
    Source::Git { url: url.to_owned(), commit }
}
