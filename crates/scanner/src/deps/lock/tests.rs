use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::deps::package::Source;

/// A lock file on a page: a line for each package, then what is doubtful and what was not understood.
fn shown(lock: &Lock) -> String {
    let mut page = String::new();
    for package in &lock.packages {
        let parents: Vec<String> = package
            .parents
            .iter()
            .map(|parent| {
                let asked = parent.requirement.as_deref().map(|text| format!(" ({text})")).unwrap_or_default();
                format!("{}{asked}", lock.packages[parent.package].name)
            })
            .collect();
        let source = match &package.source {
            Source::Registry => String::new(),
            other => format!(" {other:?}"),
        };
        writeln!(
            page,
            "{}: {} {} {:?} {:?} by [{}] hash {}{source}{}",
            package.line,
            package.name,
            package.version,
            package.relation,
            package.scope,
            parents.join(", "),
            package.integrity.as_deref().unwrap_or("-"),
            package.licence.as_deref().map(|text| format!(" licence {text}")).unwrap_or_default(),
        )
        .unwrap();
    }
    for unpinned in &lock.unpinned {
        writeln!(page, "unpinned {}: {} {}", unpinned.line, unpinned.name, unpinned.requirement).unwrap();
    }
    for gap in &lock.gaps {
        writeln!(page, "gap {}: {}", gap.line, gap.what).unwrap();
    }
    for include in &lock.includes {
        writeln!(page, "include {include}").unwrap();
    }
    page
}

fn read(path: &str, text: &str) -> String {
    shown(&Format::of(path).unwrap().parse(text.as_bytes()).unwrap())
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../tests/locks/", $name))
    };
}

#[test]
fn cargo_lock() {
    insta::assert_snapshot!(read("Cargo.lock", fixture!("cargo.lock")));
}

#[test]
fn cargo_lock_of_version_1_has_its_checksums_apart() {
    let text = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
                [metadata]\n\"checksum a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)\" = \"00ff\"\n";
    insta::assert_snapshot!(read("Cargo.lock", text), @"2: a 1.0.0 Transitive Runtime by [] hash sha256:00ff");
}

#[test]
fn package_lock_of_version_3() {
    insta::assert_snapshot!(read("package-lock.json", fixture!("npm3.json")));
}

#[test]
fn package_lock_of_version_1() {
    insta::assert_snapshot!(read("npm-shrinkwrap.json", fixture!("npm1.json")));
}

#[test]
fn yarn_lock_of_yarn_1() {
    let mut lock = Format::Yarn.parse(fixture!("yarn1.lock").as_bytes()).unwrap();
    let manifest = br#"{"dependencies": {"debug": "^4.1.0"}, "devDependencies": {"left-pad": "^1.0.0"}}"#;
    Manifest::package_json(manifest).unwrap().mark(&mut lock);
    insta::assert_snapshot!(shown(&lock));
}

#[test]
fn yarn_lock_of_berry() {
    insta::assert_snapshot!(read("yarn.lock", fixture!("berry.lock")));
}

#[test]
fn pnpm_lock_of_versions_5_6_and_9() {
    insta::assert_snapshot!(read("pnpm-lock.yaml", fixture!("pnpm5.yaml")));
    insta::assert_snapshot!(read("pnpm-lock.yaml", fixture!("pnpm6.yaml")));
    insta::assert_snapshot!(read("pnpm-lock.yaml", fixture!("pnpm9.yaml")));
}

#[test]
fn bun_lock() {
    insta::assert_snapshot!(read("bun.lock", fixture!("bun.lock")));
}

#[test]
fn poetry_lock() {
    insta::assert_snapshot!(read("poetry.lock", fixture!("poetry.lock")));
}

#[test]
fn uv_lock() {
    insta::assert_snapshot!(read("uv.lock", fixture!("uv.lock")));
}

#[test]
fn pdm_lock() {
    insta::assert_snapshot!(read("pdm.lock", fixture!("pdm.lock")));
}

#[test]
fn pipfile_lock() {
    insta::assert_snapshot!(read("Pipfile.lock", fixture!("pipfile.json")));
}

#[test]
fn requirements_with_hashes_markers_and_includes() {
    insta::assert_snapshot!(read("requirements.txt", fixture!("requirements.txt")));
}

#[test]
fn go_mod_with_replacements() {
    insta::assert_snapshot!(read("go.mod", fixture!("go.mod")));
}

#[test]
fn go_sum_tells_the_hashes_of_modules_and_not_of_their_go_mod_alone() {
    let text = "golang.org/x/net v0.1.0 h1:abc=\ngolang.org/x/net v0.1.0/go.mod h1:def=\n";
    assert_eq!(sums(text), BTreeMap::from([(("golang.org/x/net", "v0.1.0"), "h1:abc=")]));
}

#[test]
fn gradle_lockfile() {
    let text = "# This is a Gradle generated file.\ncom.google.guava:guava:31.1-jre=compileClasspath,runtimeClasspath\n\
                junit:junit:4.12=testCompileClasspath\nbroken\nempty=annotationProcessor\n";
    insta::assert_snapshot!(read("gradle.lockfile", text));
}

#[test]
fn gemfile_lock() {
    insta::assert_snapshot!(read("Gemfile.lock", fixture!("gemfile.lock")));
}

#[test]
fn composer_lock() {
    insta::assert_snapshot!(read("composer.lock", fixture!("composer.json")));
}

#[test]
fn packages_lock_json() {
    insta::assert_snapshot!(read("packages.lock.json", fixture!("nuget.json")));
}

#[test]
fn mix_lock() {
    insta::assert_snapshot!(read("mix.lock", fixture!("mix.lock")));
}

#[test]
fn pubspec_lock() {
    insta::assert_snapshot!(read("pubspec.lock", fixture!("pubspec.lock")));
}

#[test]
fn conan_lock_of_versions_1_and_2() {
    let two = r#"{"version": "0.5", "requires": ["zlib/1.2.13#a1b2%1700000000.1", "openssl/1.1.1t@user/stable", "nonsense"], "build_requires": ["cmake/3.25.0"]}"#;
    insta::assert_snapshot!(read("conan.lock", two));
    let one = r#"{"graph_lock": {"nodes": {"0": {"options": "", "requires": ["1"]}, "1": {"ref": "poco/1.9.4#0", "requires": ["2"]}, "2": {"ref": "zlib/1.2.11#ff"}}}}"#;
    insta::assert_snapshot!(read("conan.lock", one));
}

#[test]
fn a_pom_gets_its_versions_from_properties_parents_and_bills_of_materials() {
    let poms = BTreeMap::from([
        ("pom.xml".to_owned(), pom::Pom::parse(fixture!("pom.xml").as_bytes()).unwrap()),
        ("web/pom.xml".to_owned(), pom::Pom::parse(fixture!("web.xml").as_bytes()).unwrap()),
        ("bom/pom.xml".to_owned(), pom::Pom::parse(fixture!("bom.xml").as_bytes()).unwrap()),
    ]);
    insta::assert_snapshot!(shown(&pom::resolve("web/pom.xml", &poms)));
}

#[test]
fn properties_that_name_themselves_end() {
    let text = "<project><artifactId>a</artifactId><properties><x>${x}${x}</x></properties><dependencies><dependency>\
                <groupId>g</groupId><artifactId>b</artifactId><version>${x}</version></dependency></dependencies></project>";
    let poms = BTreeMap::from([("pom.xml".to_owned(), pom::Pom::parse(text.as_bytes()).unwrap())]);
    assert_eq!(pom::resolve("pom.xml", &poms).gaps.len(), 1);
}

#[test]
fn a_pom_that_is_its_own_parent_ends() {
    let text = "<project><parent><groupId>g</groupId><artifactId>a</artifactId><version>1</version><relativePath>pom.xml</relativePath></parent>\
                <artifactId>a</artifactId><dependencies><dependency><groupId>g</groupId><artifactId>b</artifactId></dependency></dependencies></project>";
    let poms = BTreeMap::from([("pom.xml".to_owned(), pom::Pom::parse(text.as_bytes()).unwrap())]);
    assert_eq!(pom::resolve("pom.xml", &poms).gaps.len(), 1);
}

#[test]
fn a_document_type_fetches_and_expands_nothing() {
    let text = "<!DOCTYPE project [<!ENTITY file SYSTEM \"file:///etc/passwd\"><!ENTITY big \"&file;&file;\">]><project><artifactId>a</artifactId>\
                <dependencies><dependency><groupId>g</groupId><artifactId>b</artifactId><version>1&file;&big;</version></dependency></dependencies></project>";
    let poms = BTreeMap::from([("pom.xml".to_owned(), pom::Pom::parse(text.as_bytes()).unwrap())]);
    assert_eq!(pom::resolve("pom.xml", &poms).packages.first().unwrap().version, "1");
}

#[test]
fn a_csproj_gets_its_versions_from_attributes_properties_and_central_management() {
    let project = MsBuildProject::parse(fixture!("app.csproj").as_bytes()).unwrap();
    let central = MsBuildProject::parse(fixture!("central.props").as_bytes()).unwrap();
    insta::assert_snapshot!(shown(&project.resolve(&[&central])));
}

#[test]
fn manifests_tell_what_can_change_by_itself() {
    let npm = br#"{"dependencies": {"a": "*", "b": "latest", "c": "^1", "d": "github:o/r#main", "e": "git+https://h/r.git#0123456789abcdef0123456789abcdef01234567", "f": "o/r", "g": "https://h/g.tgz", "h": "npm:x@1.0.0", "i": "workspace:*", "j": "file:../j"}}"#;
    let loose: Vec<String> =
        Manifest::package_json(npm).unwrap().unpinned.into_iter().map(|found| found.name).collect();
    assert_eq!(loose, ["a", "b", "d", "f", "g"]);
    let cargo = b"[dependencies]\na = \"*\"\nb = \"1\"\nc = { git = \"https://h/c\", branch = \"main\" }\nd = { git = \"https://h/d\", rev = \"0123456\" }\n";
    let loose: Vec<String> =
        Manifest::cargo_toml(cargo).unwrap().unpinned.into_iter().map(|found| found.name).collect();
    assert_eq!(loose, ["a", "c"]);
    let composer = br#"{"require": {"php": "*", "a/b": "dev-main", "c/d": "^1.0"}}"#;
    let loose: Vec<String> =
        Manifest::composer_json(composer).unwrap().unpinned.into_iter().map(|found| found.name).collect();
    assert_eq!(loose, ["a/b"]);
}

#[test]
fn a_yaml_bomb_is_refused() {
    let bomb =
        "lockfileVersion: '9.0'\na: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n";
    assert_eq!(Format::Pnpm.parse(bomb.as_bytes()), Err(LockError::Alias { line: 3 }));
}

#[test]
fn what_is_nested_too_deep_is_refused_before_a_parser_runs_out_of_stack() {
    let depth = 200_000;
    let json = format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
    let yaml = "- ".repeat(depth);
    let xml = format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let toml = format!("a = {}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(matches!(Format::Npm.parse(json.as_bytes()), Err(LockError::TooDeep { .. })));
    assert!(matches!(Format::Pnpm.parse(json.as_bytes()), Err(LockError::TooDeep { .. })));
    assert!(matches!(Format::Pnpm.parse(yaml.as_bytes()), Err(LockError::TooDeep { .. } | LockError::Syntax { .. })));
    assert!(matches!(pom::Pom::parse(xml.as_bytes()), Err(LockError::TooDeep { .. })));
    assert!(matches!(Format::Cargo.parse(toml.as_bytes()), Err(LockError::Syntax { .. })));
}

#[test]
fn a_file_of_another_kind_is_told_and_not_taken_for_an_empty_one() {
    for format in [
        Format::Cargo,
        Format::Npm,
        Format::Pnpm,
        Format::Bun,
        Format::Poetry,
        Format::Uv,
        Format::Pipfile,
        Format::Pdm,
        Format::Composer,
        Format::NuGet,
        Format::Pubspec,
        Format::Conan,
    ] {
        for text in ["", "{}", "[]", "a: 1", "\u{feff}", "<<<<<<< HEAD\n=======\n>>>>>>> branch\n"] {
            assert!(format.parse(text.as_bytes()).is_err(), "{format:?} {text:?}");
        }
        assert_eq!(format.parse(&[0xff, 0xfe, 0x00]), Err(LockError::NotUtf8));
    }
}

const FORMATS: [Format; 18] = [
    Format::Cargo,
    Format::Npm,
    Format::Yarn,
    Format::Pnpm,
    Format::Bun,
    Format::Poetry,
    Format::Uv,
    Format::Pipfile,
    Format::Requirements,
    Format::Pdm,
    Format::Go,
    Format::Gradle,
    Format::Gemfile,
    Format::Composer,
    Format::NuGet,
    Format::Mix,
    Format::Pubspec,
    Format::Conan,
];

const FIXTURES: [&str; 18] = [
    fixture!("cargo.lock"),
    fixture!("npm3.json"),
    fixture!("npm1.json"),
    fixture!("yarn1.lock"),
    fixture!("berry.lock"),
    fixture!("pnpm5.yaml"),
    fixture!("pnpm9.yaml"),
    fixture!("bun.lock"),
    fixture!("poetry.lock"),
    fixture!("uv.lock"),
    fixture!("pdm.lock"),
    fixture!("pipfile.json"),
    fixture!("requirements.txt"),
    fixture!("go.mod"),
    fixture!("gemfile.lock"),
    fixture!("composer.json"),
    fixture!("nuget.json"),
    fixture!("mix.lock"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_damage_is_told_and_never_a_panic(
        format in proptest::sample::select(&FORMATS[..]), fixture in proptest::sample::select(&FIXTURES[..]),
        cut in 0_usize..4000, at in 0_usize..4000, byte in proptest::num::u8::ANY,
    ) {
        let mut bytes = fixture.as_bytes().to_vec();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        bytes.truncate(cut.max(at));
        if let Ok(lock) = format.parse(&bytes) {
            for (index, package) in lock.packages.iter().enumerate() {
                prop_assert!(package.parents.iter().all(|parent| parent.package < lock.packages.len() && parent.package != index));
                prop_assert!(package.line >= 1);
                prop_assert!(lock.shortest_way(index).contains(&index));
            }
        }
        let _ = pom::Pom::parse(&bytes);
        let _ = MsBuildProject::parse(&bytes);
    }
}
