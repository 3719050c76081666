//! What the end of a log tells of the run that wrote it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use serde_json::Value;

use crate::directory::Directory;
use crate::ecs::node::CLOSED_ACTION;
use crate::{EvidenceError, GapCause};

/// The longest line that is read back; the encoder's bounds keep records far below it.
pub(crate) const MAX_LINE: u64 = 1 << 20;
const CHUNK: u64 = 64 << 10;

/// Where a new run continues.
#[derive(Debug)]
pub(crate) struct Tail {
    /// The last sequence number that was given.
    pub(crate) sequence: u64,
    /// What is missing before the first record of this run.
    pub(crate) gap: Option<GapCause>,
    /// The last segment can be continued.
    pub(crate) whole: bool,
}

/// The last line of a segment.
enum LastLine {
    None,
    Record { sequence: u64, closes: bool },
    NoRecord,
}

impl Tail {
    /// Reads the last record of the log. A torn last line is cut off, so that the next record begins a line.
    pub(crate) fn mend(directory: &Directory, segments: &[u64]) -> Result<Self, EvidenceError> {
        let Some(last) = segments.last() else { return Ok(Self { sequence: 0, gap: None, whole: true }) };
        let torn = cut_torn_line(directory, *last)?;
        let interrupted = if torn { GapCause::Torn } else { GapCause::Interrupted };
        for number in segments.iter().rev() {
            let path = directory.path_of(*number);
            let file = directory.open_to_read(*number)?;
            let line = last_line(&file).map_err(|cause| EvidenceError::file("read", &path, cause))?;
            match line {
                // A run that was killed just after it had begun a segment.
                LastLine::None => {}
                LastLine::Record { sequence, closes } => {
                    let gap = (!closes || torn).then_some(interrupted);
                    return Ok(Self { sequence, gap, whole: true });
                }
                LastLine::NoRecord => {
                    let sequence = highest_sequence(directory, segments)?;
                    return Ok(Self { sequence, gap: Some(GapCause::Damaged), whole: false });
                }
            }
        }
        Ok(Self { sequence: 0, gap: Some(interrupted), whole: true })
    }
}

/// Cuts off what follows the last line break. True if there was anything.
fn cut_torn_line(directory: &Directory, number: u64) -> Result<bool, EvidenceError> {
    let path = directory.path_of(number);
    let file = directory.open_to_write(number)?;
    let mend = || {
        let length = file.metadata()?.len();
        let whole = line_start(&file, length)?;
        if whole < length {
            file.set_len(whole)?;
            file.sync_all()?;
        }
        Ok(whole < length)
    };
    mend().map_err(|cause| EvidenceError::file("mend", &path, cause))
}

/// The offset just after the last line break before `end`; zero if there is none.
fn line_start(file: &File, end: u64) -> std::io::Result<u64> {
    let mut chunk_end = end;
    let mut chunk = Vec::new();
    while chunk_end > 0 {
        let chunk_start = chunk_end.saturating_sub(CHUNK);
        chunk.resize(usize::try_from(chunk_end - chunk_start).unwrap_or_default(), 0);
        file.read_exact_at(&mut chunk, chunk_start)?;
        if let Some(place) = chunk.iter().rposition(|byte| *byte == b'\n') {
            return Ok(chunk_start + u64::try_from(place).unwrap_or_default() + 1);
        }
        chunk_end = chunk_start;
    }
    Ok(0)
}

fn last_line(mut file: &File) -> std::io::Result<LastLine> {
    let length = file.metadata()?.len();
    let Some(end) = length.checked_sub(1) else { return Ok(LastLine::None) };
    let start = line_start(file, end)?;
    if end - start > MAX_LINE {
        return Ok(LastLine::NoRecord);
    }
    let mut line = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(end - start).read_to_end(&mut line)?;
    Ok(match record(&line) {
        Some((sequence, action)) => LastLine::Record { sequence, closes: action == CLOSED_ACTION },
        None => LastLine::NoRecord,
    })
}

/// The sequence number and the action of a record.
fn record(line: &[u8]) -> Option<(u64, String)> {
    let record: Value = serde_json::from_slice(line).ok()?;
    let event = record.get("event")?;
    Some((event.get("sequence")?.as_u64()?, event.get("action")?.as_str()?.to_owned()))
}

/// Over all records that can still be read: a number must not be given twice.
fn highest_sequence(directory: &Directory, segments: &[u64]) -> Result<u64, EvidenceError> {
    let mut highest = 0;
    for number in segments {
        let mut lines = BufReader::new(directory.open_to_read(*number)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
            match read.map_err(|cause| EvidenceError::file("read", &directory.path_of(*number), cause))? {
                0 => break,
                _ => highest = record(&line).map_or(highest, |(sequence, _)| highest.max(sequence)),
            }
        }
    }
    Ok(highest)
}
