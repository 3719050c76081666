//! The walk over a directory: parallel, by the rules of git, and past everything that has no end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ignore::{DirEntry, ParallelVisitor, ParallelVisitorBuilder, WalkBuilder, WalkState};
use rustix::fs::OFlags;

use crate::excluded::Excluded;
use crate::target::Target;
use crate::tracked::Tracked;
use crate::{Findings, GapReason, Limits, ScanError};

/// What is done with each file: its path, whether some kind wants it, and its content.
pub(crate) trait Visit: Sync {
    /// Whether a file of that path is read at all.
    fn wants(&self, path: &str) -> bool;

    /// Looks at a file.
    fn file(&self, path: &str, bytes: &[u8], findings: &mut Findings);
}

/// The walk over one target.
pub(crate) struct Walk<'a> {
    pub(crate) target: &'a Target,
    pub(crate) limits: &'a Limits,
}

impl Walk<'_> {
    /// Visits every file below the root that git has or would have in a commit, each once. `.git` itself, what `.gitignore` names and
    /// git does not have, and symbolic links are passed over: what a link inside the tree points to is visited where it is, and
    /// nothing outside is.
    pub(crate) fn run(&self, visit: &dyn Visit) -> Result<Findings, ScanError> {
        let excluded = Excluded::new(&self.target.base, &self.limits.exclude)?;
        let root = &self.target.root;
        if if root.is_dir() { excluded.covers_directory(root) } else { excluded.covers_file(root) } {
            return Ok(Findings::default());
        }
        let mut findings = Findings::default();
        let tracked = Tracked::of(self.target, &mut findings);
        let inner = self.target.clone();
        let walk = WalkBuilder::new(root)
            .hidden(false)
            .ignore(false)
            // What a user ignores for himself differs from machine to machine, and the result must not.
            .git_global(false)
            .git_exclude(false)
            .follow_links(false)
            .threads(self.limits.threads.map_or(0, std::num::NonZeroUsize::get))
            .overrides(excluded.globs())
            .filter_entry(move |entry| entry.file_name() != ".git" && !inner.is_elsewhere(entry.path()))
            .build_parallel();
        let gathered = Mutex::new(findings);
        let mut builder =
            Builder { target: self.target, limits: self.limits, visit, tracked: tracked.as_ref(), gathered: &gathered };
        walk.visit(&mut builder);
        if let Some(tracked) = &tracked {
            let mut visitor = builder.visitor();
            for path in tracked.unseen(self.target).filter(|path| !excluded.covers_file(path)) {
                visitor.committed(&path);
            }
        }
        Ok(gathered.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Builder<'a> {
    target: &'a Target,
    limits: &'a Limits,
    visit: &'a dyn Visit,
    tracked: Option<&'a Tracked>,
    gathered: &'a Mutex<Findings>,
}

impl<'a> Builder<'a> {
    fn visitor(&self) -> Visitor<'a> {
        Visitor {
            target: self.target,
            max_file: self.limits.max_file,
            visit: self.visit,
            tracked: self.tracked,
            gathered: self.gathered,
            findings: Findings::default(),
            buffer: Vec::new(),
        }
    }
}

impl<'s, 'a: 's> ParallelVisitorBuilder<'s> for Builder<'a> {
    fn build(&mut self) -> Box<dyn ParallelVisitor + 's> {
        Box::new(self.visitor())
    }
}

/// One thread of the walk, with a buffer that it reads every file into.
struct Visitor<'a> {
    target: &'a Target,
    max_file: u64,
    visit: &'a dyn Visit,
    tracked: Option<&'a Tracked>,
    gathered: &'a Mutex<Findings>,
    findings: Findings,
    buffer: Vec<u8>,
}

impl ParallelVisitor for Visitor<'_> {
    fn visit(&mut self, entry: Result<DirEntry, ignore::Error>) -> WalkState {
        match entry {
            Ok(entry) => self.entry(&entry),
            Err(error) => {
                let path = path_of(&error).map(|path| self.target.shown(path)).unwrap_or_default();
                self.findings.gap(path, GapReason::Unreadable, cause(&error));
            }
        }
        WalkState::Continue
    }
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        let findings = std::mem::take(&mut self.findings);
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner).merge(findings);
    }
}

impl Visitor<'_> {
    fn entry(&mut self, entry: &DirEntry) {
        let Some(kind) = entry.file_type() else { return };
        let is_target = entry.depth() == 0;
        if kind.is_dir() || (kind.is_symlink() && !is_target) {
            return;
        }
        if let Some(tracked) = self.tracked {
            tracked.saw(entry.path());
        }
        let path = self.target.shown(entry.path());
        if !self.visit.wants(&path) {
            return;
        }
        if !kind.is_file() && !is_target {
            self.findings.gap(path, GapReason::Special, "");
            return;
        }
        let read = read(entry.path(), self.max_file, &mut self.buffer);
        self.look(path, read);
    }

    /// A file that git has and the walk passed by. One that is not checked out is no gap: nothing of it would be released from here.
    fn committed(&mut self, path: &Path) {
        let shown = self.target.shown(path);
        if !self.visit.wants(&shown) {
            return;
        }
        match read(path, self.max_file, &mut self.buffer) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            read => self.look(shown, read),
        }
    }

    fn look(&mut self, path: String, read: io::Result<Read>) {
        match read {
            Ok(Read::Whole) => {
                self.findings.files += 1;
                self.findings.bytes += self.buffer.len() as u64;
                self.visit.file(&path, &self.buffer, &mut self.findings);
            }
            Ok(Read::TooLarge) => self.findings.gap(path, GapReason::TooLarge, ""),
            Ok(Read::Special) => self.findings.gap(path, GapReason::Special, ""),
            Err(error) => self.findings.gap(path, GapReason::Unreadable, error.kind().to_string()),
        }
        // One large file must not hold its memory for the rest of the walk.
        if self.buffer.capacity() > (1 << 20) {
            self.buffer = Vec::new();
        }
    }
}

/// A path as reports write it: bytes that are no UTF-8, and control characters, stand as `%XX`, so that two files never share a name
/// and a name never speaks to a terminal.
pub(crate) fn shown(path: &Path) -> String {
    shown_bytes(path.as_os_str().as_bytes())
}

pub(crate) fn shown_bytes(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                let mut bytes = [0; 4];
                character.encode_utf8(&mut bytes).bytes().for_each(|byte| escape(byte, &mut text));
            } else {
                text.push(character);
            }
        }
        chunk.invalid().iter().for_each(|byte| escape(*byte, &mut text));
    }
    text
}

fn escape(byte: u8, text: &mut String) {
    use std::fmt::Write as _;
    let _infallible = write!(text, "%{byte:02X}");
}

/// What became of a file that was read.
pub(crate) enum Read {
    Whole,
    TooLarge,
    Special,
}

/// Reads a regular file of at most `max` bytes. Whatever the name was when the walk saw it, what was opened is looked at again: it
/// may have become a link or a pipe since.
pub(crate) fn read(path: &Path, max: u64, buffer: &mut Vec<u8>) -> io::Result<Read> {
    buffer.clear();
    let file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(Read::Special);
    }
    if metadata.len() > max {
        return Ok(Read::TooLarge);
    }
    buffer.reserve(usize::try_from(metadata.len()).unwrap_or_default() + 1);
    let read = file.take(max.saturating_add(1)).read_to_end(buffer)?;
    Ok(if read as u64 > max { Read::TooLarge } else { Read::Whole })
}

/// Opens without following a link at the end of the path, and without waiting for the other end of a pipe.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        ignore::Error::Loop { child, .. } => Some(child),
        ignore::Error::Partial(errors) => errors.iter().find_map(path_of),
        _ => None,
    }
}

/// What went wrong, without the path, which depends on where the tree was checked out.
fn cause(error: &ignore::Error) -> String {
    error.io_error().map_or_else(|| "cannot be walked".to_owned(), |error| error.kind().to_string())
}
