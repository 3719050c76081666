use std::collections::BTreeMap;

use super::*;
use crate::deps::advisory::{Advisory, Class, Event, Range};
use crate::deps::inventory::LockedFile;
use crate::deps::lock::Format;
use crate::deps::vulnerability::judge;

fn inventory() -> Inventory {
    let lock = Format::Npm.parse(include_bytes!("../../../tests/locks/npm3.json")).unwrap();
    let advisory = Advisory {
        id: "GHSA-hrpp-h998-j3pp".to_owned(),
        aliases: vec!["CVE-2022-24999".to_owned()],
        summary: "qs vulnerable to prototype pollution".to_owned(),
        class: Class::Vulnerability,
        vectors: vec!["CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H".to_owned()],
        word: Some("HIGH".to_owned()),
        ranges: vec![Range(vec![Event::Introduced("6.7.0".to_owned()), Event::Fixed("6.7.3".to_owned())])],
        versions: Vec::new(),
    };
    let index = lock.packages.iter().position(|package| package.name == "qs").unwrap();
    let verdict = judge(crate::deps::version::Scheme::SemVer, "6.7.0", &[advisory]);
    let cargo = Format::Cargo.parse(include_bytes!("../../../tests/locks/cargo.lock")).unwrap();
    Inventory {
        files: BTreeMap::from([
            (
                "web/package-lock.json".to_owned(),
                LockedFile { format: Some(Format::Npm), lock, verdicts: BTreeMap::from([(index, verdict)]) },
            ),
            (
                "Cargo.lock".to_owned(),
                LockedFile { format: Some(Format::Cargo), lock: cargo, verdicts: BTreeMap::new() },
            ),
        ]),
    }
}

fn subject() -> Subject {
    Subject { name: "shop".to_owned(), created: None }
}

#[test]
fn a_cyclonedx_bill_of_materials_has_components_dependencies_and_vulnerabilities() {
    insta::assert_snapshot!(format!("{:#}", cyclonedx(&inventory(), &subject())));
}

#[test]
fn an_spdx_bill_of_materials_has_packages_and_relationships() {
    insta::assert_snapshot!(format!("{:#}", spdx(&inventory(), &subject())));
}

#[test]
fn there_is_no_time_in_a_bill_but_the_one_that_is_given() {
    let created = Some("2026-01-01T00:00:00Z".to_owned());
    let dated = cyclonedx(&inventory(), &Subject { created: created.clone(), ..subject() });
    assert_eq!(dated.pointer("/metadata/timestamp").and_then(serde_json::Value::as_str), created.as_deref());
    assert_eq!(cyclonedx(&inventory(), &subject()).pointer("/metadata/timestamp"), None);
}

#[test]
fn another_content_has_another_serial_number() {
    let one = cyclonedx(&inventory(), &subject());
    let mut less = inventory();
    less.files.pop_first();
    assert_ne!(one.get("serialNumber"), cyclonedx(&less, &subject()).get("serialNumber"));
    assert_eq!(one, cyclonedx(&inventory(), &subject()));
}
