use std::io::Write as _;

use proptest::prelude::*;

use super::*;

fn record(id: &str, ecosystem: &str, name: &str, modified: &str) -> Vec<u8> {
    format!(
        r#"{{"id": "{id}", "modified": "{modified}", "summary": "about {name}",
            "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "{name}"}},
                "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "2.0.0"}}]}}]}}]}}"#
    )
    .into_bytes()
}

fn built(records: &[Vec<u8>]) -> Vec<u8> {
    let mut builder = Builder::default();
    for record in records {
        builder.add(record).unwrap();
    }
    let mut bytes = Vec::new();
    builder.write(&mut bytes).unwrap();
    bytes
}

fn opened(bytes: &[u8]) -> Result<(tempfile::NamedTempFile, Index), IndexError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let index = Index::open(file.path())?;
    Ok((file, index))
}

fn ids(index: &Index, ecosystem: Ecosystem, name: &str) -> Vec<String> {
    index.advisories(ecosystem, name).unwrap().into_iter().map(|advisory| advisory.id).collect()
}

#[test]
fn what_was_imported_is_found_under_every_spelling_of_its_name() {
    let day = "2026-01-01T00:00:00Z";
    let records = [
        record("PYSEC-1", "PyPI", "Ruamel_Yaml", day),
        record("GHSA-1", "PyPI", "ruamel.yaml", "2026-02-01T00:00:00Z"),
        record("GHSA-2", "npm", "@scope/name", day),
        record("GO-1", "Go", "example.com/a", "0001-01-01T00:00:00Z"),
        record("DSA-1", "Debian:12", "openssl", day),
    ];
    let (_file, index) = opened(&built(&records)).unwrap();
    assert_eq!(ids(&index, Ecosystem::PyPi, "ruamel-yaml"), ["GHSA-1", "PYSEC-1"]);
    assert_eq!(ids(&index, Ecosystem::Npm, "@scope/name"), ["GHSA-2"]);
    assert!(ids(&index, Ecosystem::Npm, "@scope/nam").is_empty());
    assert!(ids(&index, Ecosystem::CratesIo, "rand").is_empty());
    assert_eq!(index.part(Ecosystem::PyPi).unwrap().newest, "2026-02-01T00:00:00Z");
    assert_eq!(index.part(Ecosystem::Go).unwrap().newest, "");
    assert!(index.part(Ecosystem::CratesIo).is_none());
}

#[test]
fn of_two_copies_of_a_record_the_later_counts_in_whichever_order_they_come() {
    let old = record("GHSA-1", "npm", "a", "2026-01-01T00:00:00Z");
    let new = String::from_utf8(record("GHSA-1", "npm", "a", "2026-02-01T00:00:00Z"))
        .unwrap()
        .replace("about a", "corrected")
        .into_bytes();
    for records in [[old.clone(), new.clone()], [new, old]] {
        let (_file, index) = opened(&built(&records)).unwrap();
        let found = index.advisories(Ecosystem::Npm, "a").unwrap();
        assert_eq!(found.iter().map(|advisory| advisory.summary.as_str()).collect::<Vec<_>>(), ["corrected"]);
    }
}

#[test]
fn the_same_records_make_the_same_index_in_whichever_order_they_come() {
    let mut records: Vec<_> = (0..20)
        .map(|number| record(&format!("GHSA-{number}"), "npm", &format!("p{}", number % 7), "2026-01-01T00:00:00Z"))
        .collect();
    let one = built(&records);
    records.reverse();
    assert_eq!(one, built(&records));
}

#[test]
fn another_file_is_not_taken_for_an_index() {
    for bytes in [
        &b""[..],
        b"PK\x03\x04",
        b"BZADVS02\x00\x00\x00\x00",
        b"BZADVS01\xff\xff\xff\xff",
        b"BZADVS01\x02\x00\x00\x00[]",
    ] {
        assert!(matches!(opened(bytes), Err(IndexError::Foreign { .. })), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn a_damaged_index_is_told_and_its_advisories_are_never_taken_for_none(at in 0_usize..4000, flip in 1_u8.., cut in proptest::bool::ANY) {
        let mut bytes = built(&[record("GHSA-1", "npm", "a", "2026-01-01T00:00:00Z"), record("GHSA-2", "npm", "b", "2026-01-01T00:00:00Z")]);
        let header = u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize + 12;
        let at = header + at % (bytes.len() - header);
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= flip;
        }
        if let Ok((_file, index)) = opened(&bytes) {
            let whole = |name| index.advisories(Ecosystem::Npm, name).map(|found| found.len());
            prop_assert!(!matches!((whole("a"), whole("b")), (Ok(0), _) | (_, Ok(0))));
            prop_assert!(!matches!((whole("a"), whole("b")), (Ok(_), Ok(_))));
        }
    }
}
