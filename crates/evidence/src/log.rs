use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::SystemTime;

use crate::directory::{Directory, name_of};
use crate::tail::Tail;
use crate::{Config, EvidenceError};

/// The segments of an audit directory, to append to. The tamper-evident form has its place here: [`Log::pending`] is where
/// whole lines arrive, and [`Log::sync`] where they become final.
#[derive(Debug)]
pub(crate) struct Log {
    directory: Directory,
    file: File,
    number: u64,
    /// Bytes of the segment that are durable; `pending` stands after them.
    durable: u64,
    /// Lines that are not durable yet. They are kept until a sync succeeds: after one that failed, the kernel may have
    /// dropped the pages and call the next one a success, so they are written again.
    pending: Vec<u8>,
    /// Bytes of `pending` that the file has taken.
    written: usize,
    limits: Limits,
    /// Older segments with their sizes, the oldest first.
    older: VecDeque<(u64, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    segment_bytes: u64,
    retain_bytes: u64,
    retain_for: std::time::Duration,
}

/// A segment that retention removed.
#[derive(Debug)]
pub(crate) struct Removed {
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

impl Log {
    /// Opens the log where the last run left it.
    pub(crate) fn open(config: &Config) -> Result<(Self, Tail), EvidenceError> {
        let directory = Directory::hold(&config.directory)?;
        let mut segments = directory.segments()?;
        let tail = Tail::mend(&directory, &segments)?;
        let last = if tail.whole { segments.pop() } else { None };
        let (number, file) = if let Some(number) = last {
            (number, directory.open_to_write(number)?)
        } else {
            let number = segments.last().map_or(1, |damaged| damaged + 1);
            (number, directory.create(number)?)
        };
        let durable = size(&directory, number, &file)?;
        let mut older = VecDeque::with_capacity(segments.len());
        for number in segments {
            let file = directory.open_to_read(number)?;
            older.push_back((number, size(&directory, number, &file)?));
        }
        let limits = Limits {
            segment_bytes: config.segment_bytes,
            retain_bytes: config.retain_bytes,
            retain_for: config.retain_for,
        };
        let log = Self { directory, file, number, durable, pending: Vec::new(), written: 0, limits, older };
        Ok((log, tail))
    }

    /// Where lines are appended.
    pub(crate) fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    pub(crate) fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Hands all pending lines to the operating system; they survive the process, but not yet the machine.
    pub(crate) fn write(&mut self) -> Result<(), EvidenceError> {
        while let Some(rest) = self.pending.get(self.written..).filter(|rest| !rest.is_empty()) {
            // Written by offset: a retry after a partial write goes on where that ended, and none is torn or doubled.
            let offset = self.durable + u64::try_from(self.written).unwrap_or_default();
            match self.file.write_at(rest, offset) {
                Ok(0) => return Err(self.failed("write", io::ErrorKind::WriteZero.into())),
                Ok(taken) => self.written += taken,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(self.failed("write", cause)),
            }
        }
        Ok(())
    }

    /// Makes all pending lines durable.
    pub(crate) fn sync(&mut self) -> Result<(), EvidenceError> {
        self.write()?;
        if let Err(cause) = self.file.sync_data() {
            self.written = 0;
            return Err(self.failed("sync", cause));
        }
        self.durable += u64::try_from(self.written).unwrap_or_default();
        self.pending.clear();
        self.written = 0;
        Ok(())
    }

    /// Begins the next segment, if this one is full and all of it durable.
    pub(crate) fn rotate_if_full(&mut self) -> Result<(), EvidenceError> {
        if self.durable < self.limits.segment_bytes || !self.pending.is_empty() {
            return Ok(());
        }
        self.file = self.directory.create(self.number + 1)?;
        self.older.push_back((self.number, self.durable));
        self.number += 1;
        self.durable = 0;
        Ok(())
    }

    /// Removes the oldest segment if retention asks for it. The newest of the closed ones always stays: it tells the next
    /// run where the sequence stands.
    pub(crate) fn expire_one(&mut self, now: SystemTime) -> Result<Option<Removed>, EvidenceError> {
        let Some((number, bytes)) = self.older.front().copied().filter(|_| self.older.len() > 1) else {
            return Ok(None);
        };
        let all = self.durable + self.older.iter().map(|(_, bytes)| bytes).sum::<u64>();
        if all <= self.limits.retain_bytes && !self.is_too_old(number, now) {
            return Ok(None);
        }
        self.directory.remove(number)?;
        self.older.pop_front();
        Ok(Some(Removed { name: name_of(number), bytes }))
    }

    fn is_too_old(&self, number: u64, now: SystemTime) -> bool {
        let modified = self.directory.open_to_read(number).ok().and_then(|file| file.metadata().ok()?.modified().ok());
        modified.and_then(|modified| now.duration_since(modified).ok()).is_some_and(|age| age > self.limits.retain_for)
    }

    fn failed(&self, doing: &'static str, cause: io::Error) -> EvidenceError {
        EvidenceError::file(doing, &self.directory.path_of(self.number), cause)
    }
}

fn size(directory: &Directory, number: u64, file: &File) -> Result<u64, EvidenceError> {
    let metadata = file.metadata().map_err(|cause| EvidenceError::file("read", &directory.path_of(number), cause))?;
    Ok(metadata.len())
}
