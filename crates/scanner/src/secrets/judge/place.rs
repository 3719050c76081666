/// What a file's path says about the values in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::secrets) enum Place {
    /// Nothing: it may be released.
    Ordinary,
    /// It is a test, an example or a manual: most of what stands there was invented.
    Example,
    /// A program wrote it: what looks random there are hashes and numbers.
    Generated,
}

impl Place {
    pub(in crate::secrets) fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        if is_generated(&name) || path.contains(".yarn/releases/") || path.contains(".yarn/plugins/") {
            return Self::Generated;
        }
        let folders = path.split('/').rev().skip(1);
        if is_example_file(&name) || folders.map(str::to_ascii_lowercase).any(|folder| is_example_folder(&folder)) {
            Self::Example
        } else {
            Self::Ordinary
        }
    }
}

/// Whether a value stands without quotes in a file of that name: in source code, what does is code.
pub(in crate::secrets) fn takes_bare_values(path: &str) -> bool {
    const ENDINGS: [&str; 18] = [
        "env",
        "ini",
        "cfg",
        "conf",
        "config",
        "properties",
        "yaml",
        "yml",
        "toml",
        "tf",
        "tfvars",
        "sh",
        "bash",
        "zsh",
        "service",
        "netrc",
        "npmrc",
        "txt",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    ending.is_empty()
        || ENDINGS.contains(&ending.as_str())
        || name.starts_with(".env")
        || name.starts_with("Dockerfile")
}

fn is_generated(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "package-lock.json",
        "npm-shrinkwrap.json",
        "go.sum",
        "pnpm-lock.yaml",
        "gradle.lockfile",
        "verification-metadata.xml",
        ".secrets.baseline",
        "flake.lock",
    ];
    const ENDINGS: [&str; 9] =
        [".lock", ".min.js", ".min.css", ".map", ".svg", ".snap", ".ipynb", ".bundle.js", ".pb.go"];
    NAMES.contains(&name) || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn is_example_file(name: &str) -> bool {
    const ENDINGS: [&str; 13] = [
        ".md",
        ".mdx",
        ".rst",
        ".adoc",
        ".txt",
        ".example",
        ".sample",
        ".template",
        ".dist",
        ".tmpl",
        ".po",
        ".stories.tsx",
        ".http",
    ];
    const PARTS: [&str; 9] = ["_test.", ".test.", ".spec.", "_spec.", "-test.", "example", "sample", "mock", "fixture"];
    ENDINGS.iter().any(|ending| name.ends_with(ending))
        || PARTS.iter().any(|part| name.contains(part))
        || ["test_", "test-", "conftest", "testutil", "tests."].iter().any(|start| name.starts_with(start))
}

fn is_example_folder(folder: &str) -> bool {
    const WORDS: [&str; 30] = [
        "test",
        "tests",
        "testing",
        "testdata",
        "spec",
        "specs",
        "fixture",
        "fixtures",
        "mock",
        "mocks",
        "e2e",
        "example",
        "examples",
        "sample",
        "samples",
        "doc",
        "docs",
        "demo",
        "cypress",
        "benchmarks",
        "corpus",
        "corpora",
        "fuzz",
        "fuzzing",
        // Texts that are shown, by names such as `password_new`.
        "lang",
        "locale",
        "locales",
        "i18n",
        "l10n",
        "translations",
    ];
    let bare = folder.trim_matches('_');
    WORDS.contains(&bare)
        || bare.split(['-', '_', '.']).any(|part| WORDS.contains(&part))
        || bare.ends_with("tests")
        || bare.starts_with("test")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_examples_are_known_by_their_names() {
        for path in [
            "src/__tests__/a.js",
            "tests/b.py",
            "pkg/c_test.go",
            "README.md",
            ".env.example",
            "e2e/x.ts",
            "unit_tests/y.py",
            "resources/lang/la/auth.php",
        ] {
            assert_eq!(Place::of(path), Place::Example, "{path}");
        }
        for path in ["src/config.js", ".env", "deploy/prod.yaml", "contest/entry.py", "latest/main.go"] {
            assert_eq!(Place::of(path), Place::Ordinary, "{path}");
        }
        for path in ["web/package-lock.json", "web/.yarn/releases/yarn-4.6.0.cjs"] {
            assert_eq!(Place::of(path), Place::Generated, "{path}");
        }
    }
}
