use super::numbered;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::package::{Lock, Package, Scope};

/// gradle.lockfile: `group:artifact:version=configuration,…`.
pub(super) fn parse(text: &str) -> Lock {
    let mut lock = Lock::default();
    for (number, line) in numbered(text) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("empty=") {
            continue;
        }
        let (module, configurations) = line.split_once('=').unwrap_or((line, ""));
        let Some((name, version)) = module.rsplit_once(':').filter(|(name, _)| name.contains(':')) else {
            lock.gap(number, format!("`{module}` is not `group:artifact:version`"));
            continue;
        };
        let mut package = Package::new(Ecosystem::Maven, name, version, number);
        let for_tests = |configuration: &str| configuration.to_ascii_lowercase().contains("test");
        if !configurations.is_empty() && configurations.split(',').all(for_tests) {
            package.scope = Scope::Development;
        }
        lock.packages.push(package);
    }
    lock
}
