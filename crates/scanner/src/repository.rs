//! Git's objects, read without git: nothing of the user's configuration, no hook, no network.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use gix::bstr::ByteSlice as _;
use gix::objs::tree::EntryKind;
use gix::{ObjectId, Repository, ThreadSafeRepository};

use crate::excluded::Excluded;
use crate::target::Target;
use crate::walk::{Visit, shown_bytes};
use crate::{Findings, GapReason, Limits, ScanError};

/// How deep folders are followed.
const MAX_DEPTH: usize = 256;
/// The most files of one tree.
const MAX_FILES: usize = 5_000_000;

/// Opens the repository that a directory or a file belongs to.
pub(crate) fn open(root: &Path) -> Result<ThreadSafeRepository, ScanError> {
    let root = if root.is_dir() { root } else { root.parent().unwrap_or(root) };
    let fault = |cause: String| ScanError::Repository { target: root.to_owned(), cause };
    // In CI the checkout belongs to another user: what is read from it is data, and trusted with nothing.
    let options = gix::open::Options::isolated();
    let trust = gix::sec::trust::Mapping { full: options.clone(), reduced: options };
    ThreadSafeRepository::discover_opts(root, gix::discover::upwards::Options::default(), trust)
        .map_err(|error| fault(error.to_string()))
}

/// Whether the last commit has the file with exactly this content.
pub(crate) fn has_committed(file: &Path, content: &[u8]) -> bool {
    let committed = || {
        let repository = open(file.parent()?).ok()?.to_thread_local();
        let work_tree = repository.workdir()?.canonicalize().ok()?;
        let path = file.strip_prefix(work_tree).ok()?;
        let entry = repository.head_commit().ok()?.tree().ok()?.lookup_entry_by_path(path).ok()??;
        Some(entry.object().ok()?.data == content)
    };
    committed().unwrap_or(false)
}

/// The tree of a revision.
pub(crate) struct Revision<'a> {
    target: &'a Target,
    repository: ThreadSafeRepository,
    tree: ObjectId,
    /// Where the repository is checked out: what the paths of its tree are relative to.
    work_tree: PathBuf,
}

impl<'a> Revision<'a> {
    /// The tree that a revision (`main`, `HEAD~3`, `v1.2`) has of the target.
    pub(crate) fn find(target: &'a Target, name: &str) -> Result<Self, ScanError> {
        let repository = open(&target.root)?;
        let fault = |cause: String| ScanError::Revision { revision: name.to_owned(), cause };
        let local = repository.to_thread_local();
        let id = local.rev_parse_single(name).map_err(|error| fault(error.to_string()))?;
        let object = id.object().map_err(|error| fault(error.to_string()))?;
        let tree = object.peel_to_tree().map_err(|error| fault(error.to_string()))?.id;
        // A bare repository has its files nowhere but in its objects.
        let work_tree =
            local.workdir().and_then(|path| path.canonicalize().ok()).unwrap_or_else(|| target.root.clone());
        Ok(Self { target, repository, tree, work_tree })
    }

    /// Visits every file of the tree, as a walk over its checkout would.
    pub(crate) fn run(&self, limits: &Limits, visit: &dyn Visit) -> Result<Findings, ScanError> {
        let excluded = Excluded::new(&self.target.base, &limits.exclude)?;
        let mut findings = Findings::default();
        let files: Vec<(String, ObjectId)> = self
            .files(&mut findings)
            .into_iter()
            .map(|(path, id)| (self.work_tree.join(OsStr::from_bytes(&path)), id))
            .filter(|(path, _)| path.starts_with(&self.target.root) && !self.target.is_elsewhere(path))
            .filter(|(path, _)| !excluded.covers_file(path))
            .map(|(path, id)| (self.target.shown(&path), id))
            .filter(|(path, _)| visit.wants(path))
            .collect();
        let next = AtomicUsize::new(0);
        let gathered = Mutex::new(findings);
        std::thread::scope(|scope| {
            for _ in 0..threads(limits) {
                scope.spawn(|| {
                    let local = self.repository.to_thread_local();
                    let mut findings = Findings::default();
                    while let Some((path, id)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        read(&local, *id, path, limits, visit, &mut findings);
                    }
                    gathered.lock().unwrap_or_else(PoisonError::into_inner).merge(findings);
                });
            }
        });
        Ok(gathered.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// The files of the tree: their paths and objects.
    fn files(&self, findings: &mut Findings) -> Vec<(Vec<u8>, ObjectId)> {
        let local = self.repository.to_thread_local();
        let mut files = Vec::new();
        let mut folders = vec![(Vec::new(), self.tree, 0)];
        while let Some((path, id, depth)) = folders.pop() {
            if depth > MAX_DEPTH || files.len() > MAX_FILES {
                findings.gap(shown_bytes(&path), GapReason::LimitReached, "too deep, or too many files");
                continue;
            }
            let Ok(tree) = local.find_tree(id) else {
                findings.gap(shown_bytes(&path), GapReason::Unreadable, "damaged tree");
                continue;
            };
            for entry in tree.iter().filter_map(Result::ok) {
                let path =
                    [path.as_slice(), if path.is_empty() { b"" } else { b"/" }, entry.filename().as_bytes()].concat();
                match entry.mode().kind() {
                    EntryKind::Tree => folders.push((path, entry.object_id(), depth + 1)),
                    EntryKind::Blob | EntryKind::BlobExecutable => files.push((path, entry.object_id())),
                    EntryKind::Link | EntryKind::Commit => {}
                }
            }
        }
        files
    }
}

/// Reads one version of a file and looks at it.
fn read(local: &Repository, id: ObjectId, path: &str, limits: &Limits, visit: &dyn Visit, findings: &mut Findings) {
    match local.find_header(id) {
        Ok(header) if header.size() > limits.max_file => findings.gap(path, GapReason::TooLarge, ""),
        Ok(_) => match local.find_object(id) {
            Ok(object) => {
                findings.files += 1;
                findings.bytes += object.data.len() as u64;
                visit.file(path, &object.data, findings);
            }
            Err(_) => findings.gap(path, GapReason::Unreadable, "damaged object"),
        },
        Err(_) => findings.gap(path, GapReason::Unreadable, "damaged object"),
    }
}

/// How many threads read objects.
pub(crate) fn threads(limits: &Limits) -> usize {
    let machine = || std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    limits.threads.map_or_else(machine, std::num::NonZeroUsize::get)
}
