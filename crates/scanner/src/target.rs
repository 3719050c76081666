use std::path::{Path, PathBuf};

use crate::ScanError;
use crate::walk::shown;

/// A directory or a file that is scanned, and how reports call what stands in it.
///
/// Paths of a report are relative to the directory that is scanned. Where several are scanned at once, they are relative to the place
/// from which that was asked for, as they were typed; what is outside of it keeps the name that it was called by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Absolute and without links, as the others.
    pub(crate) root: PathBuf,
    /// What paths and globs are relative to: the root itself, or a directory above it.
    pub(crate) base: PathBuf,
    /// What stands before those paths.
    prefix: String,
    /// Other targets inside of this one: they are looked at by themselves, so that no file is read twice.
    inner: Vec<PathBuf>,
}

impl Target {
    /// The targets of one scan, in an order that does not depend on how they are listed; the same one twice counts once.
    ///
    /// # Errors
    /// [`ScanError::Target`] for the first that is not there or cannot be entered.
    pub fn all(paths: &[PathBuf], here: &Path) -> Result<Vec<Self>, ScanError> {
        if let [path] = paths {
            return Ok(vec![Self::single(path)?]);
        }
        let here = canonical(here)?;
        let mut targets =
            paths.iter().map(|path| Self::one_of_several(path, &here)).collect::<Result<Vec<_>, ScanError>>()?;
        targets.sort_by(|one, other| one.root.cmp(&other.root));
        targets.dedup_by(|one, other| one.root == other.root);
        let roots: Vec<PathBuf> = targets.iter().map(|target| target.root.clone()).collect();
        for target in &mut targets {
            let is_inside = |root: &&PathBuf| **root != target.root && root.starts_with(&target.root);
            target.inner = roots.iter().filter(is_inside).cloned().collect();
        }
        Ok(targets)
    }

    /// A directory or a file by itself.
    ///
    /// # Errors
    /// [`ScanError::Target`] if it is not there or cannot be entered.
    pub fn single(path: &Path) -> Result<Self, ScanError> {
        let root = canonical(path)?;
        Ok(Self { base: directory_of(&root), root, prefix: String::new(), inner: Vec::new() })
    }

    fn one_of_several(path: &Path, here: &Path) -> Result<Self, ScanError> {
        let single = Self::single(path)?;
        if single.root.starts_with(here) {
            return Ok(Self { base: here.to_owned(), ..single });
        }
        let called = if single.root.is_dir() { path } else { path.parent().unwrap_or(path) };
        let called = shown(called);
        Ok(Self { prefix: format!("{}/", called.trim_end_matches('/')), ..single })
    }

    /// The path as reports write it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        format!("{}{}", self.prefix, shown(path.strip_prefix(&self.base).unwrap_or(path)))
    }

    /// The file of a report's path, if it is of this target.
    pub(crate) fn file(&self, shown: &str) -> Option<PathBuf> {
        let path = self.base.join(shown.strip_prefix(self.prefix.as_str())?);
        (path.starts_with(&self.root) && !self.is_elsewhere(&path)).then_some(path)
    }

    /// Whether another target looks at it.
    pub(crate) fn is_elsewhere(&self, path: &Path) -> bool {
        self.inner.iter().any(|root| path.starts_with(root))
    }
}

/// The directory itself, or that of a file.
fn directory_of(root: &Path) -> PathBuf {
    if root.is_dir() { root } else { root.parent().unwrap_or(root) }.to_owned()
}

/// Absolute and without links.
pub(crate) fn canonical(path: &Path) -> Result<PathBuf, ScanError> {
    path.canonicalize().map_err(|source| ScanError::Target { target: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_of(paths: &[&Path], here: &Path, file: &Path) -> Vec<String> {
        let paths: Vec<PathBuf> = paths.iter().map(|path| path.to_path_buf()).collect();
        let targets = Target::all(&paths, here).unwrap();
        let file = file.canonicalize().unwrap();
        let of_target = |target: &&Target| file.starts_with(&target.root) && !target.is_elsewhere(&file);
        targets.iter().filter(of_target).map(|target| target.shown(&file)).collect()
    }

    #[test]
    fn paths_are_relative_to_the_one_target_or_to_where_several_were_named() {
        let tree = tempfile::tempdir().unwrap();
        let (here, outside) = (tree.path().join("here"), tree.path().join("outside"));
        std::fs::create_dir_all(here.join("a/b")).unwrap();
        std::fs::create_dir_all(&outside).unwrap();
        let (file, other) = (here.join("a/b/file"), outside.join("file"));
        std::fs::write(&file, "").unwrap();
        std::fs::write(&other, "").unwrap();
        assert_eq!(shown_of(&[&here.join("a")], &here, &file), ["b/file"]);
        assert_eq!(shown_of(&[&file], &here, &file), ["file"]);
        assert_eq!(shown_of(&[&here.join("a"), &outside], &here, &file), ["a/b/file"]);
        // Read once, though three of the targets hold it.
        let all = [here.as_path(), &here.join("a"), &file, &file];
        assert_eq!(shown_of(&all, &here, &file), ["a/b/file"]);
        assert_eq!(shown_of(&[&here, &outside], &here, &other), [format!("{}/file", outside.display())]);
        assert_eq!(shown_of(&[&here, &other], &here, &other), [format!("{}/file", outside.display())]);
    }
}
