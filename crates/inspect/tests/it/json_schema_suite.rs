//! The JSON-Schema-Test-Suite, draft 2020-12. `BARTIZAN_JSON_SCHEMA` names the unpacked folder, the one that holds `tests`.

use std::path::{Path, PathBuf};

use bartizan_inspect::json::{Limits, read};
use bartizan_inspect::schema::{Closed, Compiler, Dialect, Formats, Library};
use serde_json::Value;

/// The metaschemas of the draft, which two files of the suite refer to: published by the JSON Schema organisation at their URLs.
const METASCHEMAS: &str = include_str!("metaschemas.json");

#[test]
#[expect(clippy::print_stderr, reason = "a suite that is absent is said, and so are the figures of one that ran")]
fn every_required_case_of_the_json_schema_suite_is_judged_as_it_says() {
    let Some(folder) = std::env::var_os("BARTIZAN_JSON_SCHEMA").map(PathBuf::from) else {
        eprintln!("skipped: BARTIZAN_JSON_SCHEMA does not name the JSON-Schema-Test-Suite");
        return;
    };
    let remotes = remotes(&folder.join("remotes"));
    let required = run(&folder.join("tests/draft2020-12"), &remotes, Formats::Annotate);
    eprintln!("JSON-Schema-Test-Suite, draft 2020-12, required: {} of {}", required.0 - required.1.len(), required.0);
    let formats = run(&folder.join("tests/draft2020-12/optional/format"), &remotes, Formats::Assert);
    eprintln!("… formats, asserted: {} of {}", formats.0 - formats.1.len(), formats.0);
    for case in &formats.1 {
        eprintln!("  otherwise than the suite: {case}");
    }
    assert!(required.1.is_empty(), "{:#?}", required.1);
    assert!(required.0 >= 1299, "the suite is cut short: {} cases", required.0);
    assert!(formats.1.len() <= MOST_OTHER_FORMATS, "{:#?}", formats.1);
}

/// Cases of formats that are judged otherwise: the finer points of IDNA (`RFC 5892` contextual rules), and the grammar of regular
/// expressions beyond what an engine refuses by itself.
const MOST_OTHER_FORMATS: usize = 60;

fn remotes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let metaschemas: Value = serde_json::from_str(METASCHEMAS).unwrap();
    let metaschemas = metaschemas.as_object().unwrap().iter();
    let mut found: Vec<_> = metaschemas.map(|(url, schema)| (url.clone(), schema.to_string().into_bytes())).collect();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            let is_of_other_drafts =
                ["draft3", "draft4", "draft6", "draft7", "draft2019", "v1"].iter().any(|it| name.starts_with(it));
            if path.is_dir() {
                folders.push(path);
            } else if !is_of_other_drafts {
                found.push((format!("http://localhost:1234/{name}"), std::fs::read(&path).unwrap()));
            }
        }
    }
    found
}

/// How many cases there were, and those that were judged otherwise.
fn run(folder: &Path, remotes: &[(String, Vec<u8>)], formats: Formats) -> (usize, Vec<String>) {
    let (mut count, mut wrong) = (0, Vec::new());
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|path| path.extension().is_some_and(|it| it == "json")) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let suite: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        for group in suite.as_array().unwrap() {
            let mut library = Library::default();
            library.add("https://suite.example/schema", group["schema"].to_string().as_bytes()).unwrap();
            for (url, document) in remotes {
                library.add(url, document).unwrap();
            }
            let mut compiler = Compiler::new(&library, Dialect::Draft202012, formats);
            let id = compiler.schema(0, library.root(0).unwrap());
            let (schemas, _) = compiler.finish();
            for case in group["tests"].as_array().unwrap() {
                count += 1;
                let data = read(case["data"].to_string().as_bytes(), Limits::default()).unwrap();
                if schemas.judge(id, &data, Closed::Standard).is_sound() != case["valid"].as_bool().unwrap() {
                    wrong.push(format!("{name}: {}: {}", group["description"], case["description"]));
                }
            }
        }
    }
    (count, wrong)
}
