use super::numbered;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Lock, Package, Source};

/// mix.lock: an Elixir map with a line for each package, `"name": {:hex, :name, "1.0.0", "hash", …}`.
pub(super) fn parse(text: &str) -> Lock {
    let mut lock = Lock::default();
    for (number, line) in numbered(text) {
        let line = line.trim();
        if !line.starts_with('"') {
            continue;
        }
        match package(number, line) {
            Some(package) => lock.packages.push(package),
            None => lock.gap(number, "neither a package of hex nor of git"),
        }
    }
    lock
}

fn package(number: u32, line: &str) -> Option<Package> {
    let (name, value) = line.strip_prefix('"')?.split_once("\": {:")?;
    if let Some(hex) = value.strip_prefix("hex,") {
        // The name on the registry, an atom, may be another than that of the application.
        let (published, rest) = hex.split_once(',')?;
        let mut strings = quoted(rest);
        let name = published.trim().trim_start_matches(':').trim_matches('"');
        let mut package = Package::new(Ecosystem::Hex, name, strings.next()?, number);
        package.integrity = strings.next().map(|hash| format!("sha256:{hash}"));
        return Some(package);
    }
    let mut strings = quoted(value);
    if value.starts_with("git,") {
        let url = strings.next()?.to_owned();
        let commit = strings.next().map(str::to_owned);
        let mut package = Package::new(Ecosystem::Hex, name, commit.clone().unwrap_or_default(), number);
        package.source = Source::Git { url, commit };
        return Some(package);
    }
    if value.starts_with("path,") {
        let mut package = Package::new(Ecosystem::Hex, name, "", number);
        package.source = Source::Path;
        return Some(package);
    }
    None
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}
