use std::path::{Path, PathBuf};

use ignore::overrides::{Override, OverrideBuilder};

use crate::ScanError;

/// What is not scanned.
#[derive(Clone, Debug)]
pub(crate) struct Excluded {
    globs: Override,
    base: PathBuf,
}

impl Excluded {
    /// By globs in the syntax of `.gitignore`, relative to the base.
    pub(crate) fn new(base: &Path, globs: &[String]) -> Result<Self, ScanError> {
        let fault = |glob: &str, source| ScanError::Glob { glob: glob.to_owned(), source };
        let mut builder = OverrideBuilder::new(base);
        for glob in globs {
            builder.add(&format!("!{glob}")).map_err(|source| fault(glob, source))?;
        }
        let globs = builder.build().map_err(|source| fault("", source))?;
        Ok(Self { globs, base: base.to_owned() })
    }

    /// For the walk, which asks directory by directory on its way down.
    pub(crate) fn globs(&self) -> Override {
        self.globs.clone()
    }

    /// Whether a file, or a directory that it stands in, is excluded.
    pub(crate) fn covers_file(&self, path: &Path) -> bool {
        self.globs.matched(path, false).is_ignore()
            || path.parent().is_some_and(|directory| self.covers_directory(directory))
    }

    /// Whether a directory, or one above it, is excluded.
    pub(crate) fn covers_directory(&self, path: &Path) -> bool {
        let above = path.ancestors().take_while(|path| *path != self.base && !path.as_os_str().is_empty());
        above.into_iter().any(|path| self.globs.matched(path, true).is_ignore())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_an_excluded_directory_is_excluded_however_it_is_come_by() {
        let globs = ["vendor/".to_owned(), "*.golden".to_owned(), "/top.txt".to_owned()];
        let excluded = Excluded::new(Path::new("/base"), &globs).unwrap();
        for path in
            ["/base/vendor/a/b.py", "/base/src/vendor/x", "/base/x.golden", "/base/top.txt", "vendor/a", "x.golden"]
        {
            assert!(excluded.covers_file(Path::new(path)), "{path}");
        }
        for path in ["/base/vendor", "/base/a/top.txt", "/base/vendors/a", "/base/x.golden.py"] {
            assert!(!excluded.covers_file(Path::new(path)), "{path}");
        }
        assert!(excluded.covers_directory(Path::new("/base/vendor")));
        assert!(!excluded.covers_directory(Path::new("/base")));
    }
}
