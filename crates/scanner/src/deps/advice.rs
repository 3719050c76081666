use super::inventory::LockedFile;
use super::package::{Package, Relation};
use super::version::npm_range::NpmRange;

/// What to do about a package that has to reach `version`, in one sentence: the shortest way that the file leaves open.
pub(super) fn upgrade(file: &LockedFile, index: usize, version: &str) -> String {
    let Some(package) = file.lock.packages.get(index) else { return String::new() };
    let name = &package.name;
    let command = file.format.map(|format| format.upgrade(name, version, package.relation == Relation::Direct));
    let Some(command) = command else { return format!("set {name} to {version}") };
    if package.relation == Relation::Direct {
        return format!("`{command}`");
    }
    let way = file.lock.shortest_way(index);
    match way.first().filter(|_| way.len() > 1).and_then(|first| file.lock.packages.get(*first)) {
        None => format!("`{command}`"),
        Some(direct) => match holding_back(file, package, version) {
            // Whoever asks for it accepts the version: the lock file alone has to move.
            None => format!("`{command}` (it comes by {})", named(direct)),
            Some((parent, range)) => format!(
                "{} {} accepts only `{range}`: upgrade {} to a release that takes {name} {version}",
                parent.name,
                parent.version,
                named(direct)
            ),
        },
    }
}

/// Whether the numbers promise that nothing breaks: the first one that is not zero stays, as npm's `^` has it.
pub(super) fn is_compatible(from: &str, to: &str) -> bool {
    let numbers = |version: &str| -> Option<Vec<u64>> {
        version.trim_start_matches('v').split(['.', '-', '+']).take(2).map(|number| number.parse().ok()).collect()
    };
    match (numbers(from).as_deref(), numbers(to).as_deref()) {
        (Some([0, from, ..]), Some([0, to, ..])) => from == to,
        (Some([from, ..]), Some([to, ..])) => from == to && *from != 0,
        _ => false,
    }
}

fn named(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}

/// The first parent whose range does not hold the version. Only npm's files say ranges that all of its tools read alike.
fn holding_back<'a>(file: &'a LockedFile, package: &'a Package, version: &str) -> Option<(&'a Package, &'a str)> {
    if package.ecosystem != super::Ecosystem::Npm {
        return None;
    }
    package.parents.iter().find_map(|parent| {
        let range = parent.requirement.as_deref()?;
        let holds = NpmRange::parse(range)?.contains(version);
        (!holds).then_some((file.lock.packages.get(parent.package)?, range))
    })
}

/// How the project came by a package: `express > qs`; empty where it asks for it itself.
pub(super) fn way(file: &LockedFile, index: usize) -> String {
    let way = file.lock.shortest_way(index);
    if way.len() < 2 {
        return String::new();
    }
    let names: Vec<String> = way.iter().filter_map(|index| file.lock.packages.get(*index)).map(named).collect();
    names.join(" > ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::deps::lock::Format;

    fn file(format: Format, text: &str) -> LockedFile {
        LockedFile { format: Some(format), lock: format.parse(text.as_bytes()).unwrap(), verdicts: BTreeMap::new() }
    }

    fn advice(file: &LockedFile, name: &str, version: &str) -> String {
        let index = file.lock.packages.iter().position(|package| package.name == name).unwrap();
        upgrade(file, index, version)
    }

    const LOCK: &str = r#"{"lockfileVersion": 3, "packages": {
        "": {"dependencies": {"express": "^4.0.0"}},
        "node_modules/express": {"version": "4.17.1", "dependencies": {"qs": "6.7.0", "ms": "^2.0.0"}},
        "node_modules/qs": {"version": "6.7.0"}, "node_modules/ms": {"version": "2.0.0"}}}"#;

    #[test]
    fn a_direct_dependency_is_upgraded_itself() {
        assert_eq!(advice(&file(Format::Npm, LOCK), "express", "4.17.3"), "`npm install express@4.17.3`");
    }

    #[test]
    fn where_the_parent_accepts_the_version_the_lock_file_moves_alone() {
        assert_eq!(advice(&file(Format::Npm, LOCK), "ms", "2.1.0"), "`npm update ms` (it comes by express 4.17.1)");
    }

    #[test]
    fn where_the_parent_holds_it_back_the_parent_has_to_move() {
        let said = advice(&file(Format::Npm, LOCK), "qs", "6.7.3");
        assert_eq!(
            said,
            "express 4.17.1 accepts only `6.7.0`: upgrade express 4.17.1 to a release that takes qs 6.7.3"
        );
    }

    #[test]
    fn an_upgrade_is_compatible_while_its_first_number_stays() {
        for (from, to) in
            [("1.2.3", "1.9.0"), ("0.3.1", "0.3.9"), ("v1.0.0", "v1.0.1"), ("32.0.0-jre", "32.1.3-jre"), ("2", "2.1")]
        {
            assert!(is_compatible(from, to), "{from} {to}");
        }
        for (from, to) in [("1.2.3", "2.0.0"), ("0.3.1", "0.4.0"), ("0.9", "1.0"), ("1!1.0", "1!1.1"), ("x", "x")] {
            assert!(!is_compatible(from, to), "{from} {to}");
        }
    }

    #[test]
    fn the_way_to_a_package_names_all_on_it() {
        let file = file(Format::Npm, LOCK);
        let index = file.lock.packages.iter().position(|package| package.name == "qs").unwrap();
        assert_eq!(way(&file, index), "express 4.17.1 > qs 6.7.0");
    }
}
