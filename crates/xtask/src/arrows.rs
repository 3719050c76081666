//! The dependencies between rooms are those of the table in ARCHITECTURE.md, and no others.
//!
//! The table is parsed, not repeated here, so that the page which people read is the rule which machines hold.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

use crate::metadata::{Kind, Metadata, Package};
use crate::report::Report;

const PAGE: &str = "ARCHITECTURE.md";
/// Rooms that only tests and tasks may use: in the binary they would carry test keys and scripted servers to production.
const DEVELOPMENT_ONLY: [&str; 2] = ["testkit", "xtask"];

pub(crate) fn run(report: &mut Report) -> Result<()> {
    let metadata = Metadata::read()?;
    let page = std::fs::read_to_string(metadata.file(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let table = parse(&page)?;
    let faults = report.faults();
    let drawn = check(&table, &metadata.packages, report);
    if report.faults() == faults {
        report.line(&format!("arrows: {} rooms, {drawn} arrows, all in the table of {PAGE}", metadata.packages.len()));
    }
    Ok(())
}

/// Which rooms a room may use.
#[derive(Debug, PartialEq, Eq)]
enum Uses {
    All,
    Only(BTreeSet<String>),
}

impl Uses {
    fn permit(&self, room: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(rooms) => rooms.contains(room),
        }
    }
}

type Table = BTreeMap<String, Uses>;

/// Finds the table headed `| room | subject | may use |` and reads its rows.
fn parse(page: &str) -> Result<Table> {
    let mut lines = page.lines().skip_while(|line| cells(line) != ["room", "subject", "may use"]);
    ensure!(lines.next().is_some(), "{PAGE} has no table `| room | subject | may use |`");
    let mut table = Table::new();
    for line in lines.take_while(|line| line.trim_start().starts_with('|')) {
        let [room, _, uses] = cells(line).try_into().map_err(|_| fault_of_row(line, "a row has three columns"))?;
        if room.starts_with('-') {
            continue;
        }
        let [room] = names(room).try_into().map_err(|_| fault_of_row(line, "the first column is one `room`"))?;
        let uses = match uses {
            "nothing" => Uses::Only(BTreeSet::new()),
            "all" => Uses::All,
            list if !names(list).is_empty() => Uses::Only(names(list).into_iter().collect()),
            _ => bail!(fault_of_row(line, "the third column is `nothing`, `all` or a list of `rooms`")),
        };
        ensure!(table.insert(room.clone(), uses).is_none(), "{PAGE} has two rows for `{room}`");
    }
    Ok(table)
}

fn fault_of_row(line: &str, rule: &str) -> anyhow::Error {
    anyhow::anyhow!("{PAGE}: {rule}: {line}")
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// The words between backticks.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns how many arrows are drawn.
fn check(table: &Table, packages: &[Package], report: &mut Report) -> usize {
    let mut drawn = BTreeSet::new();
    for package in packages {
        let room = room(&package.name);
        let Some(uses) = table.get(room) else {
            report.fault(
                &format!("`{}` is not a room of {PAGE}", package.name),
                "add a row that says its subject and what it may use, or move its code into a room that exists",
            );
            continue;
        };
        for dependency in package.dependencies.iter().filter(|it| it.path.is_some() && it.kind != Kind::Development) {
            let target = self::room(&dependency.name);
            drawn.insert((room, target));
            check_arrow(room, target, uses, report);
        }
    }
    note_unused(table, packages, &drawn, report);
    drawn.len()
}

fn room(package: &str) -> &str {
    package.strip_prefix("bartizan-").unwrap_or(package)
}

fn check_arrow(room: &str, target: &str, uses: &Uses, report: &mut Report) {
    if DEVELOPMENT_ONLY.contains(&target) {
        report.fault(
            &format!("arrow {room} → {target}: `{target}` is for development only"),
            &format!("move the dependency to [dev-dependencies] in the Cargo.toml of `{room}`"),
        );
    } else if !uses.permit(target) {
        report.fault(
            &format!("arrow {room} → {target} is not in the table of {PAGE}"),
            &format!(
                "let `{room}` declare a trait for what it needs and let `bartizan` adapt `{target}` to it; if the wall \
                 really stands in the wrong place, add `{target}` to the row of `{room}` and say why below the table"
            ),
        );
    }
}

fn note_unused(table: &Table, packages: &[Package], drawn: &BTreeSet<(&str, &str)>, report: &mut Report) {
    let existing: BTreeSet<&str> = packages.iter().map(|package| room(&package.name)).collect();
    for (from, uses) in table {
        if !existing.contains(from.as_str()) {
            report.note(&format!("the table of {PAGE} has a row for `{from}`, which does not exist"));
        }
        let Uses::Only(rooms) = uses else { continue };
        for to in rooms.iter().filter(|to| !drawn.contains(&(from.as_str(), to.as_str()))) {
            report.note(&format!("the table permits {from} → {to}, which nothing uses"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::metadata::Dependency;

    const PAGE_TEXT: &str = "# A\n\n| room | subject | may use |\n|---|---|---|\n| `vault` | keys | nothing |\n\
                             | `token` | JOSE | `vault` |\n| `bartizan` | binary | all |\n| `testkit` | tests | nothing |\n\ntext\n";

    fn package(name: &str, dependencies: &[(&str, Kind)]) -> Package {
        let dependencies = dependencies
            .iter()
            .map(|(name, kind)| Dependency { name: (*name).into(), kind: *kind, path: Some(PathBuf::from("/x")) })
            .collect();
        Package { name: name.into(), dependencies }
    }

    fn faults(packages: &[Package]) -> usize {
        let mut report = Report::silent();
        check(&parse(PAGE_TEXT).unwrap(), packages, &mut report);
        report.faults()
    }

    #[test]
    fn the_table_ends_with_its_last_row() {
        let table = parse(PAGE_TEXT).unwrap();
        assert_eq!(table.len(), 4);
        assert!(table["token"].permit("vault") && !table["token"].permit("store"));
        assert!(table["bartizan"].permit("token"));
    }

    #[test]
    fn an_arrow_of_the_table_passes() {
        assert_eq!(faults(&[package("bartizan-token", &[("bartizan-vault", Kind::Normal)])]), 0);
    }

    #[test]
    fn an_arrow_outside_the_table_fails_for_normal_and_for_build_dependencies() {
        for kind in [Kind::Normal, Kind::Build] {
            assert_eq!(faults(&[package("bartizan-vault", &[("bartizan-token", kind)])]), 1);
        }
        assert_eq!(faults(&[package("bartizan-vault", &[("bartizan-token", Kind::Development)])]), 0);
    }

    #[test]
    fn a_room_that_the_table_does_not_know_fails() {
        assert_eq!(faults(&[package("bartizan-common", &[])]), 1);
    }

    #[test]
    fn not_even_the_binary_may_carry_the_test_servers() {
        assert_eq!(faults(&[package("bartizan", &[("bartizan-testkit", Kind::Normal)])]), 1);
        assert_eq!(faults(&[package("bartizan", &[("bartizan-testkit", Kind::Development)])]), 0);
    }

    #[test]
    fn a_page_without_the_table_or_with_a_row_that_says_nothing_is_an_error() {
        assert!(parse("# A\n").is_err());
        assert!(parse(&PAGE_TEXT.replace("| nothing |", "| |")).is_err());
        assert!(parse(&PAGE_TEXT.replace("`token`", "`vault`")).is_err());
    }
}
