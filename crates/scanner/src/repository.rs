//! Git's objects, read without git: nothing of the user's configuration, no hook, no network.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use gix::bstr::ByteSlice as _;
use gix::objs::tree::EntryKind;
use gix::{ObjectId, Repository, ThreadSafeRepository};

use crate::walk::{Visit, excluded, shown_bytes};
use crate::{Findings, GapReason, Limits, ScanError};

/// How deep folders are followed.
const MAX_DEPTH: usize = 256;
/// The most files of one tree.
const MAX_FILES: usize = 5_000_000;

/// Opens the repository that a directory belongs to.
pub(crate) fn open(root: &Path) -> Result<ThreadSafeRepository, ScanError> {
    let fault = |cause: String| ScanError::Repository { target: root.to_owned(), cause };
    // In CI the checkout belongs to another user: what is read from it is data, and trusted with nothing.
    let options = gix::open::Options::isolated();
    let trust = gix::sec::trust::Mapping { full: options.clone(), reduced: options };
    ThreadSafeRepository::discover_opts(root, gix::discover::upwards::Options::default(), trust)
        .map_err(|error| fault(error.to_string()))
}

/// The tree of a revision.
pub(crate) struct Revision {
    repository: ThreadSafeRepository,
    tree: ObjectId,
    /// The part of the tree that the scan's root stands for.
    prefix: Vec<u8>,
}

impl Revision {
    /// The tree that a revision (`main`, `HEAD~3`, `v1.2`) has of the scanned directory.
    pub(crate) fn find(root: &Path, name: &str) -> Result<Self, ScanError> {
        let repository = open(root)?;
        let fault = |cause: String| ScanError::Revision { revision: name.to_owned(), cause };
        let local = repository.to_thread_local();
        let id = local.rev_parse_single(name).map_err(|error| fault(error.to_string()))?;
        let object = id.object().map_err(|error| fault(error.to_string()))?;
        let tree = object.peel_to_tree().map_err(|error| fault(error.to_string()))?.id;
        let work_tree = local.workdir().and_then(|path| path.canonicalize().ok());
        let inside = work_tree.as_deref().and_then(|work_tree| root.strip_prefix(work_tree).ok());
        let mut prefix = inside.map(|path| path.as_os_str().as_bytes().to_vec()).unwrap_or_default();
        if !prefix.is_empty() {
            prefix.push(b'/');
        }
        Ok(Self { repository, tree, prefix })
    }

    /// Visits every file of the tree, as a walk over its checkout would.
    pub(crate) fn run(&self, root: &Path, limits: &Limits, visit: &dyn Visit) -> Result<Findings, ScanError> {
        let excluded = excluded(root, &limits.exclude)?;
        let mut findings = Findings::default();
        let mut files = self.files(&mut findings);
        files.retain(|(path, _)| {
            let path_is_in = path.strip_prefix(self.prefix.as_slice());
            path_is_in.is_some_and(|path| {
                let path = shown_bytes(path);
                visit.wants(&path) && !excluded.matched(&path, false).is_ignore()
            })
        });
        let next = AtomicUsize::new(0);
        let gathered = Mutex::new(findings);
        std::thread::scope(|scope| {
            for _ in 0..threads(limits) {
                scope.spawn(|| {
                    let local = self.repository.to_thread_local();
                    let mut findings = Findings::default();
                    while let Some((path, id)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let path = shown_bytes(path.strip_prefix(self.prefix.as_slice()).unwrap_or(path));
                        read(&local, *id, &path, limits, visit, &mut findings);
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
