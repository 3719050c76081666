//! Which packages the tree's own source imports: a cheap look for the words that import, not a parser. What is seen is so; what is not
//! seen may still be loaded by a name in a configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use regex::bytes::Regex;

use super::ecosystem::Ecosystem;
use crate::SourceFile;

/// The most places that are kept: far more than a tree of a million files imports.
const MAX_PLACES: usize = 500_000;

/// Where packages are imported.
#[derive(Debug, Default)]
pub(super) struct Imports {
    /// By ecosystem and name, then by directory: the first place in it.
    places: BTreeMap<(Ecosystem, String), BTreeMap<String, (String, u32)>>,
    count: usize,
}

/// How the languages import, compiled once for a scan.
#[derive(Debug)]
pub(super) struct Languages(Vec<Language>);

#[derive(Debug)]
struct Language {
    ecosystem: Ecosystem,
    endings: &'static [&'static str],
    expression: Regex,
}

impl Languages {
    pub(super) fn new() -> Self {
        let language = |ecosystem, endings, expression: &str| {
            Regex::new(expression).ok().map(|expression| Language { ecosystem, endings, expression })
        };
        let all = [
            language(
                Ecosystem::Npm,
                &["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte"],
                r#"(?:\bfrom\s*|\brequire\s*\(\s*|\bimport\s*\(?\s*)["']([@A-Za-z0-9][^"'\\\s]{0,213})["']"#,
            ),
            language(
                Ecosystem::PyPi,
                &["py", "pyi", "pyx"],
                r"(?m)^[ \t]*(?:from|import)[ \t]+([A-Za-z_][A-Za-z0-9_]*(?:[ \t]*,[ \t]*[A-Za-z_][A-Za-z0-9_]*)*)",
            ),
            language(Ecosystem::CratesIo, &["rs"], r"\b([a-z_][a-z0-9_]*)::|\bextern crate ([a-z_][a-z0-9_]*)"),
            language(Ecosystem::Go, &["go"], r#""((?:[a-z0-9-]+\.)+[a-z]{2,}/[^"\s\\]{1,200})""#),
        ];
        Self(all.into_iter().flatten().collect())
    }

    /// Whether a file of that name is source that imports packages.
    pub(super) fn has(&self, path: &str) -> bool {
        self.of(path).is_some()
    }

    fn of(&self, path: &str) -> Option<&Language> {
        // What is installed is not the tree's own.
        if path.split('/').any(|part| matches!(part, "node_modules" | "vendor" | "site-packages" | ".venv")) {
            return None;
        }
        let (_, ending) = path.rsplit_once('.')?;
        self.0.iter().find(|language| language.endings.contains(&ending))
    }

    /// The packages that a file imports, each with the first line that does.
    pub(super) fn imported(&self, file: &SourceFile<'_>) -> Vec<(Ecosystem, String, u32)> {
        let Some(language) = self.of(file.path()) else { return Vec::new() };
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for captures in language.expression.captures_iter(file.bytes()) {
            let Some(group) = captures.get(1).or_else(|| captures.get(2)) else { continue };
            let Ok(text) = std::str::from_utf8(group.as_bytes()) else { continue };
            for name in text.split(',').map(|name| package_name(language.ecosystem, name.trim())) {
                if seen.insert(name.clone()) {
                    found.push((language.ecosystem, name, file.line_of(group.start())));
                }
            }
        }
        found
    }
}

impl Imports {
    pub(super) fn add(&mut self, path: &str, found: Vec<(Ecosystem, String, u32)>) {
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        for (ecosystem, name, line) in found {
            let places = self.places.entry((ecosystem, name)).or_default();
            let place = (path.to_owned(), line);
            match places.get_mut(directory) {
                Some(known) if place < *known => *known = place,
                None if self.count < MAX_PLACES => {
                    self.count += 1;
                    places.insert(directory.to_owned(), place);
                }
                Some(_) | None => {}
            }
        }
    }

    /// The first place in a directory, or below it, that imports the package.
    pub(super) fn place(&self, directory: &str, ecosystem: Ecosystem, package: &str) -> Option<String> {
        let is_below = |path: &str| {
            directory.is_empty()
                || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let wanted = own_name(ecosystem, package);
        let from = (Bound::Included((ecosystem, wanted.clone())), Bound::Unbounded);
        let names = self.places.range(from).take_while(|((of, name), _)| *of == ecosystem && name.starts_with(&wanted));
        // Go imports packages of a module by longer paths.
        let is_of = |name: &str| {
            let rest = name.strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || (ecosystem == Ecosystem::Go && rest.starts_with('/')))
        };
        let places = names.filter(|((_, name), _)| is_of(name)).flat_map(|(_, places)| places);
        let first = places.filter(|(directory, _)| is_below(directory)).map(|(_, place)| place).min()?;
        Some(format!("{}:{}", first.0, first.1))
    }

    /// Whether it means something that a package of the ecosystem is not seen: where packages are imported by their own names.
    pub(super) const fn is_telling(ecosystem: Ecosystem) -> bool {
        matches!(ecosystem, Ecosystem::Npm | Ecosystem::CratesIo | Ecosystem::Go)
    }
}

/// The package of what an import names: `@scope/name/part`, `name/part`.
fn package_name(ecosystem: Ecosystem, import: &str) -> String {
    match ecosystem {
        Ecosystem::Npm => {
            let parts = if import.starts_with('@') { 2 } else { 1 };
            import.trim_start_matches("node:").split('/').take(parts).collect::<Vec<_>>().join("/")
        }
        Ecosystem::PyPi => {
            let known = MODULES.iter().find(|(module, _)| *module == import).map(|(_, package)| *package);
            ecosystem.key(known.unwrap_or(import)).into_owned()
        }
        _ => import.to_owned(),
    }
}

/// The name by which imports call a package.
fn own_name(ecosystem: Ecosystem, package: &str) -> String {
    match ecosystem {
        Ecosystem::CratesIo => package.replace('-', "_"),
        Ecosystem::PyPi => {
            let key = ecosystem.key(package).into_owned();
            key.strip_suffix("-binary").map_or(key.clone(), str::to_owned)
        }
        _ => package.to_owned(),
    }
}

/// Modules of Python that are called otherwise than their package.
const MODULES: [(&str, &str); 24] = [
    ("Crypto", "pycryptodome"),
    ("MySQLdb", "mysqlclient"),
    ("OpenSSL", "pyopenssl"),
    ("PIL", "pillow"),
    ("attr", "attrs"),
    ("bs4", "beautifulsoup4"),
    ("cv2", "opencv-python"),
    ("dateutil", "python-dateutil"),
    ("docx", "python-docx"),
    ("dotenv", "python-dotenv"),
    ("fitz", "pymupdf"),
    ("git", "gitpython"),
    ("jose", "python-jose"),
    ("jwt", "pyjwt"),
    ("ldap", "python-ldap"),
    ("magic", "python-magic"),
    ("multipart", "python-multipart"),
    ("nacl", "pynacl"),
    ("rest_framework", "djangorestframework"),
    ("saml2", "pysaml2"),
    ("serial", "pyserial"),
    ("sklearn", "scikit-learn"),
    ("yaml", "pyyaml"),
    ("zmq", "pyzmq"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Detector;

    fn imports(files: &[(&str, &str)]) -> Imports {
        let (languages, detector) = (Languages::new(), Detector::new());
        let mut imports = Imports::default();
        for (path, text) in files {
            imports.add(path, languages.imported(&SourceFile::new(path, text.as_bytes(), &detector)));
        }
        imports
    }

    #[test]
    fn what_source_imports_is_seen_where_it_stands() {
        let seen = imports(&[
            ("web/src/b.ts", "import x from \"@scope/name/part\";\nconst qs = require('qs');\nimport './own';\n"),
            ("web/src/a.ts", "\n\nimport qs from 'qs'\nawait import(`lazy`);\nimport 'side-effect';\n"),
            ("app/a.py", "import os, yaml\nfrom flask.views import View\n  import psycopg2\n"),
            ("src/a.rs", "use serde_json::json;\nfn f() { tokio::spawn(x) }\n"),
            ("cmd/a.go", "import (\n\t\"fmt\"\n\t\"github.com/a/b/v2/part\"\n)\n"),
        ]);
        for (ecosystem, name, place) in [
            (Ecosystem::Npm, "qs", "web/src/a.ts:3"),
            (Ecosystem::Npm, "@scope/name", "web/src/b.ts:1"),
            (Ecosystem::Npm, "side-effect", "web/src/a.ts:5"),
            (Ecosystem::PyPi, "PyYAML", "app/a.py:1"),
            (Ecosystem::PyPi, "Flask", "app/a.py:2"),
            (Ecosystem::PyPi, "psycopg2-binary", "app/a.py:3"),
            (Ecosystem::CratesIo, "serde_json", "src/a.rs:1"),
            (Ecosystem::CratesIo, "tokio", "src/a.rs:2"),
            (Ecosystem::Go, "github.com/a/b/v2", "cmd/a.go:3"),
        ] {
            assert_eq!(seen.place("", ecosystem, name).as_deref(), Some(place), "{name}");
        }
        for (ecosystem, name) in [(Ecosystem::Npm, "q"), (Ecosystem::Go, "github.com/a/b/v"), (Ecosystem::Npm, "own")] {
            assert_eq!(seen.place("", ecosystem, name), None, "{name}");
        }
        // Another project's imports say nothing about this one's lock file.
        assert_eq!(seen.place("we", Ecosystem::Npm, "qs"), None);
        assert_eq!(seen.place("web", Ecosystem::Npm, "qs").as_deref(), Some("web/src/a.ts:3"));
    }
}
