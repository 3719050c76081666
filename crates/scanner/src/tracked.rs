//! Files that git has although `.gitignore` names them: a committed `.env` is exactly what must not be released.

use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use gix::bstr::{BStr, ByteSlice as _};
use gix::index::entry::Mode;

use crate::repository::open;
use crate::target::Target;
use crate::{Findings, GapReason};

/// What git's index names, and which of it the walk came by.
pub(crate) struct Tracked {
    index: gix::worktree::Index,
    work_tree: PathBuf,
    /// By the first entry of each path: one with a conflict has up to three.
    seen: Vec<AtomicBool>,
}

impl Tracked {
    /// What the repository that the target belongs to has; nothing where there is none.
    pub(crate) fn of(target: &Target, findings: &mut Findings) -> Option<Self> {
        let Ok(repository) = open(&target.root) else {
            // Git would not read it either; but what it has is not looked at.
            if target.root.ancestors().any(|directory| directory.join(".git").exists()) {
                findings.gap(".git", GapReason::Unreadable, "damaged repository");
            }
            return None;
        };
        let local = repository.to_thread_local();
        let work_tree = local.workdir()?.canonicalize().ok()?;
        let Ok(index) = local.index_or_empty() else {
            findings.gap(".git/index", GapReason::Unreadable, "damaged index");
            return None;
        };
        let seen = index.entries().iter().map(|_| AtomicBool::new(false)).collect();
        Some(Self { index, work_tree, seen })
    }

    /// The walk came by that file.
    pub(crate) fn saw(&self, path: &Path) {
        let Ok(path) = path.strip_prefix(&self.work_tree) else { return };
        let path = BStr::new(path.as_os_str().as_bytes());
        let first = self.index.entries().partition_point(|entry| entry.path(&self.index) < path);
        if let (Some(entry), Some(seen)) = (self.index.entries().get(first), self.seen.get(first))
            && entry.path(&self.index) == path
        {
            seen.store(true, Ordering::Relaxed);
        }
    }

    /// The files of the target that the walk did not come by, in the order of the index.
    pub(crate) fn unseen<'a>(&'a self, target: &'a Target) -> impl Iterator<Item = PathBuf> + 'a {
        let mut before: Option<&BStr> = None;
        self.index.entries().iter().zip(&self.seen).filter_map(move |(entry, seen)| {
            let path = entry.path(&self.index);
            let is_first = before.replace(path) != Some(path);
            let is_file = entry.mode == Mode::FILE || entry.mode == Mode::FILE_EXECUTABLE;
            if !is_first || !is_file || seen.load(Ordering::Relaxed) {
                return None;
            }
            let path = inside(&self.work_tree, path)?;
            (path.starts_with(&target.root) && !target.is_elsewhere(&path)).then_some(path)
        })
    }
}

/// The file in the work tree. An index is data of strangers too: a name that climbs out of the tree, into `.git` or over a link
/// leads nowhere.
fn inside(work_tree: &Path, name: &BStr) -> Option<PathBuf> {
    let name = PathBuf::from(std::ffi::OsString::from_vec(name.as_bytes().to_vec()));
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(part) if !part.eq_ignore_ascii_case(".git"));
    if !name.components().all(is_plain) {
        return None;
    }
    let path = work_tree.join(name);
    let directory = path.parent()?;
    (directory.canonicalize().ok()? == directory).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_the_index_leads_nowhere_but_into_the_work_tree() {
        let tree = tempfile::tempdir().unwrap();
        let root = tree.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a")).unwrap();
        std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
        assert_eq!(inside(&root, "a/b".into()), Some(root.join("a/b")));
        for name in ["/etc/passwd", "../x", "a/../../x", ".git/config", "a/.GIT/config", "link/passwd", "gone/x"] {
            assert_eq!(inside(&root, name.into()), None, "{name}");
        }
    }
}
