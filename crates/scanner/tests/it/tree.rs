//! Trees, repositories and credentials for the tests.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;

use bartizan_controls::Confidence;
use bartizan_scanner::secrets::Secrets;
use bartizan_scanner::{Kind, Limits, Progress, Report, Selection, Target, scan, scan_history};

/// A token of GitLab's form. Assembled here: no scanner shall find it in this file.
pub(crate) fn token() -> String {
    ["glpat-", "x7Kq9mZ2vB4nR8tW1cYd"].concat()
}

/// Another one.
pub(crate) fn other_token() -> String {
    ["glpat-", "Yc1Wt8Rn4Bv2Zm9qK7x0"].concat()
}

/// A directory that is removed again.
pub(crate) struct Tree(tempfile::TempDir, Cell<u32>);

impl Tree {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap(), Cell::new(0))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> &Self {
        // Each call a second later than the one before: commits have an order.
        self.1.set(self.1.get() + 1);
        let date = format!("2026-01-02T03:04:{:02}Z", self.1.get());
        let output = Command::new("git")
            .args(["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"])
            .args(arguments)
            .current_dir(self.path())
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        self
    }

    pub(crate) fn commit(&self, message: &str) -> &Self {
        self.git(&["add", "--all", "--force"]).git(&["commit", "--quiet", "--message", message])
    }

    pub(crate) fn scan(&self) -> Report {
        self.scan_with(&Limits::default(), selection())
    }

    pub(crate) fn scan_with(&self, limits: &Limits, selection: Selection) -> Report {
        scan(&self.targets(), &kinds, limits, selection, &Progress::default()).unwrap()
    }

    pub(crate) fn history(&self) -> Report {
        scan_history(&self.targets(), &Limits::default(), selection(), &Progress::default()).unwrap()
    }

    /// The tree as the one target of a scan.
    pub(crate) fn targets(&self) -> Vec<Target> {
        vec![Target::single(self.path()).unwrap()]
    }
}

pub(crate) fn selection() -> Selection {
    Selection { confidence: Confidence::Medium, baseline: None, since: None, today: "2026-05-01".parse().unwrap() }
}

pub(crate) fn kinds() -> Vec<Box<dyn Kind>> {
    vec![Box::new(Secrets)]
}

/// The paths of the findings.
pub(crate) fn paths(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.location.path.as_str()).collect()
}
