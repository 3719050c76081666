use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::EvidenceError;
use crate::directory::Directory;
use crate::tail::MAX_LINE;

/// The records of an audit directory in order, also while a node writes them. `None` means that there is no further whole
/// record now; a later call gives what has come since.
#[derive(Debug)]
pub struct Reader {
    directory: Directory,
    current: Option<Segment>,
}

/// A [`Reader`] that waits for more at the end. It ends never, or with an error.
#[derive(Debug)]
pub struct Following {
    reader: Reader,
    poll: Duration,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    lines: BufReader<File>,
    /// The beginning of a line whose end was not there yet.
    line: Vec<u8>,
    /// Where that line begins.
    offset: u64,
}

/// Opens an audit directory to read it from its first record on.
///
/// # Errors
/// If the directory cannot be opened or is a link.
pub fn read(directory: &Path) -> Result<Reader, EvidenceError> {
    Ok(Reader { directory: Directory::open(directory)?, current: None })
}

impl Reader {
    /// Waits for further records at the end, looking for them once per `poll`.
    pub fn following(self, poll: Duration) -> Following {
        Following { reader: self, poll }
    }

    fn next_record(&mut self) -> Result<Option<Value>, EvidenceError> {
        loop {
            if let Some(record) = self.in_current()? {
                return Ok(Some(record));
            }
            let Some(next) = self.next_segment()? else { return Ok(None) };
            // Nothing is appended to a segment once there is a next one, but it may have been until then.
            if let Some(record) = self.in_current()? {
                return Ok(Some(record));
            }
            match self.directory.open_to_read(next) {
                Ok(file) => {
                    let opened = Segment { number: next, lines: BufReader::new(file), line: Vec::new(), offset: 0 };
                    if let Some(torn) = self.current.replace(opened).filter(|segment| !segment.line.is_empty()) {
                        return Err(torn.not_a_record(&self.directory));
                    }
                }
                // Retention has just removed it.
                Err(EvidenceError::File { cause, .. }) if cause.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn in_current(&mut self) -> Result<Option<Value>, EvidenceError> {
        let Some(segment) = &mut self.current else { return Ok(None) };
        segment.next_record(&self.directory)
    }

    fn next_segment(&self) -> Result<Option<u64>, EvidenceError> {
        let after = self.current.as_ref().map_or(0, |segment| segment.number);
        Ok(self.directory.segments()?.into_iter().find(|number| *number > after))
    }
}

impl Segment {
    fn next_record(&mut self, directory: &Directory) -> Result<Option<Value>, EvidenceError> {
        let room = MAX_LINE.saturating_sub(u64::try_from(self.line.len()).unwrap_or(MAX_LINE));
        let read = self.lines.by_ref().take(room).read_until(b'\n', &mut self.line);
        read.map_err(|cause| EvidenceError::file("read", &directory.path_of(self.number), cause))?;
        if self.line.last() != Some(&b'\n') && room > 0 {
            return Ok(None);
        }
        let record = serde_json::from_slice(&self.line).map_err(|_| self.not_a_record(directory));
        self.offset += u64::try_from(self.line.len()).unwrap_or_default();
        self.line.clear();
        record.map(Some)
    }

    fn not_a_record(&self, directory: &Directory) -> EvidenceError {
        EvidenceError::NotARecord { path: directory.path_of(self.number), offset: self.offset }
    }
}

impl Iterator for Reader {
    type Item = Result<Value, EvidenceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_record().transpose()
    }
}

impl Iterator for Following {
    type Item = Result<Value, EvidenceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.reader.next() {
                return Some(record);
            }
            std::thread::sleep(self.poll);
        }
    }
}
