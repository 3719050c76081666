use std::io::Write as _;

use zip::write::SimpleFileOptions;

use super::*;
use crate::deps::ecosystem::Ecosystem;
use crate::deps::index::Index;

fn archive(path: &Path, entries: &[(&str, &[u8])]) {
    let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
    for (name, content) in entries {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap();
}

/// Advisories of npm and of Maven, cut down from the published ones, as OSV's archives hold them.
const EVENT_STREAM: &[u8] = include_bytes!("../../../tests/advisories/GHSA-mh6f-8j2x-4483.json");
const LOG4SHELL: &[u8] = include_bytes!("../../../tests/advisories/GHSA-jfh8-c2jp-5v3q.json");

#[test]
fn archives_of_npm_and_maven_import_and_answer() {
    let folder = tempfile::tempdir().unwrap();
    archive(&folder.path().join("npm.zip"), &[("GHSA-mh6f-8j2x-4483.json", EVENT_STREAM)]);
    archive(
        &folder.path().join("maven.zip"),
        &[("GHSA-jfh8-c2jp-5v3q.json", LOG4SHELL), ("README.txt", b"not a record")],
    );
    let path = folder.path().join("new/folder/advisories.index");
    let imported = import(&[folder.path().to_owned()], &path, &ImportLimits::default()).unwrap();
    assert_eq!((imported.records, imported.left_out), (2, 0));
    let index = Index::open(&path).unwrap();
    let found = index.advisories(Ecosystem::Maven, "org.apache.logging.log4j:log4j-core").unwrap();
    let verdict = |version| crate::deps::judge(crate::deps::version::Scheme::Maven, version, &found);
    assert_eq!(verdict("2.14.1").upgrade.as_deref(), Some("2.15.0"));
    assert_eq!(verdict("2.12.1").upgrade.as_deref(), Some("2.12.2"));
    assert_eq!(verdict("2.15.0").vulnerabilities, []);
    let found = index.advisories(Ecosystem::Npm, "event-stream").unwrap();
    assert_eq!(crate::deps::judge(crate::deps::version::Scheme::SemVer, "3.3.6", &found).vulnerabilities.len(), 1);
}

#[test]
fn an_entry_that_climbs_out_of_the_archive_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("in/slip.zip");
    std::fs::create_dir(folder.path().join("in")).unwrap();
    archive(&source, &[("../../escaped.json", LOG4SHELL), ("/tmp/absolute.json", EVENT_STREAM)]);
    import(&[source], &folder.path().join("out/index"), &ImportLimits::default()).unwrap();
    assert!(!folder.path().join("escaped.json").exists());
    assert_eq!(std::fs::read_dir(folder.path().join("out")).unwrap().count(), 1);
}

#[test]
fn an_archive_that_unpacks_to_more_than_it_may_is_refused_and_the_old_index_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bomb, index) =
        (folder.path().join("good.zip"), folder.path().join("bomb.zip"), folder.path().join("index"));
    archive(&good, &[("a.json", LOG4SHELL)]);
    archive(&bomb, &[("a.json", &vec![b' '; 1 << 20])]);
    let limits = ImportLimits { record: 64 << 10, records: 2, bytes: 100 << 10 };
    import(std::slice::from_ref(&good), &index, &limits).unwrap();
    let before = std::fs::read(&index).unwrap();
    assert!(matches!(import(&[bomb], &index, &limits), Err(ImportError::TooMuch { .. })));
    archive(&folder.path().join("many.zip"), &[("a.json", LOG4SHELL), ("b.json", LOG4SHELL), ("c.json", LOG4SHELL)]);
    assert!(matches!(import(&[folder.path().join("many.zip")], &index, &limits), Err(ImportError::TooMuch { .. })));
    assert_eq!(std::fs::read(&index).unwrap(), before);
}

#[test]
fn a_record_that_cannot_be_read_stops_the_import_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.zip");
    archive(&source, &[("GHSA-broken.json", b"{\"id\": 3}")]);
    let error = import(&[source], &folder.path().join("index"), &ImportLimits::default()).unwrap_err().to_string();
    assert!(error.contains("GHSA-broken.json"), "{error}");
}

#[test]
fn nothing_to_look_up_is_an_error_and_no_empty_index() {
    let folder = tempfile::tempdir().unwrap();
    archive(&folder.path().join("empty.zip"), &[]);
    let index = folder.path().join("index");
    assert!(matches!(import(&[folder.path().to_owned()], &index, &ImportLimits::default()), Err(ImportError::Nothing)));
    std::fs::write(folder.path().join("no.zip"), b"no archive").unwrap();
    assert!(matches!(
        import(&[folder.path().join("no.zip")], &index, &ImportLimits::default()),
        Err(ImportError::Archive { .. })
    ));
    assert!(matches!(
        import(&[folder.path().join("absent.zip")], &index, &ImportLimits::default()),
        Err(ImportError::Io { .. })
    ));
    assert!(!index.exists());
}
