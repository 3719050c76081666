//! The audit log in other hands: a process that is being replaced gives the log to the one that replaces it, and sends what its last
//! requests still leave to be recorded there, so that one sequence goes on and nothing is missing or told twice.
//!
//! The old process sends whole lines, whose sequence number is 0; the new one numbers them among its own, and answers with
//! the count of bytes that are durable: eight bytes, little-endian.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use crate::tail::MAX_LINE;
use crate::{EvidenceError, Recorder};

/// How long one attempt to make lines durable waits for the other process; a failed attempt is repeated.
const PATIENCE: Duration = Duration::from_secs(5);
/// Lines that are taken from the other process at once.
const CHUNK: usize = 64 << 10;
/// Between two questions whether the disk has recovered.
const RETRY: Duration = Duration::from_millis(50);
/// The number of a record that its new owner has yet to number.
pub(crate) const UNNUMBERED: u64 = 0;

/// The way to the process that has the log now.
#[derive(Debug)]
pub(crate) struct Relay {
    stream: UnixStream,
    pending: Vec<u8>,
    /// Bytes of `pending` that were sent.
    sent: usize,
    /// Bytes that became durable before `pending` began.
    durable: u64,
    /// The beginning of an answer.
    answer: Vec<u8>,
    is_gone: bool,
}

impl Relay {
    pub(crate) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, pending: Vec::new(), sent: 0, durable: 0, answer: Vec::new(), is_gone: false })
    }

    pub(crate) fn pending(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    pub(crate) fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Whether the other process has ended: the log may be taken back.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// Sends all pending lines and waits until they are durable there.
    pub(crate) fn sync(&mut self) -> Result<(), EvidenceError> {
        self.exchange().map_err(|cause| {
            self.is_gone = matches!(
                cause.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::InvalidData
            );
            EvidenceError::Relay(cause.to_string().into())
        })
    }

    fn exchange(&mut self) -> io::Result<()> {
        while let Some(rest) = self.pending.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(taken) => self.sent += taken,
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        let goal = self.durable + u64::try_from(self.pending.len()).unwrap_or_default();
        while self.durable < goal {
            let told = self.answer()?;
            let news = told.checked_sub(self.durable).filter(|_| told <= goal).ok_or(ErrorKind::InvalidData)?;
            let news = usize::try_from(news).unwrap_or_default();
            self.pending.drain(..news);
            self.sent -= news;
            self.durable = told;
        }
        Ok(())
    }

    /// The next answer; a timeout in the middle of one loses nothing.
    fn answer(&mut self) -> io::Result<u64> {
        while self.answer.len() < size_of::<u64>() {
            let mut bytes = [0; size_of::<u64>()];
            let wanted = bytes.get_mut(self.answer.len()..).unwrap_or_default();
            match self.stream.read(wanted) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.answer.extend_from_slice(wanted.get(..length).unwrap_or_default()),
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        let answer = self.answer.as_slice().try_into().map_or(0, u64::from_le_bytes);
        self.answer.clear();
        Ok(answer)
    }
}

/// Appends `lines` to `out`, each with a number: the next after `sequence`. Gives back how many there were.
pub(crate) fn number(lines: &[u8], sequence: &mut u64, out: &mut Vec<u8>) -> u64 {
    const UNNUMBERED_FIELD: &[u8] = b"\"sequence\":0";
    let mut count = 0;
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        *sequence += 1;
        count += 1;
        // Nothing from outside stands before it, and what stands in quotes has its own quotes escaped.
        let place = line.windows(UNNUMBERED_FIELD.len()).position(|field| field == UNNUMBERED_FIELD);
        let place = place.map_or(0, |place| place + UNNUMBERED_FIELD.len() - 1);
        let (before, after) = line.split_at_checked(place).unwrap_or((line, &[]));
        out.extend_from_slice(before);
        out.extend_from_slice(sequence.to_string().as_bytes());
        out.extend_from_slice(after.get(1..).unwrap_or_default());
    }
    count
}

/// Takes over what the process that had the log before still records, in a thread of its own, until that process ends.
pub(crate) fn take_over(recorder: Recorder, stream: UnixStream) -> io::Result<()> {
    thread::Builder::new().name("audit-relay".to_owned()).spawn(move || {
        if let Err(cause) = relay(&recorder, stream) {
            tracing::error!(%cause, "the last events of the process before this one did not arrive whole");
        }
    })?;
    Ok(())
}

fn relay(recorder: &Recorder, mut stream: UnixStream) -> io::Result<()> {
    let longest = CHUNK + usize::try_from(MAX_LINE).unwrap_or(usize::MAX);
    let mut received = Vec::new();
    let mut durable = 0_u64;
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = match stream.read(&mut chunk) {
            Ok(0) if received.is_empty() => return Ok(()),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => length,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
            Err(cause) => return Err(cause),
        };
        received.extend_from_slice(chunk.get(..length).unwrap_or_default());
        let whole = received.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole == 0 && received.len() > longest {
            return Err(ErrorKind::InvalidData.into());
        }
        if whole > 0 {
            let lines: Box<[u8]> = received.drain(..whole).collect();
            make_durable(recorder, lines)?;
            durable += u64::try_from(whole).unwrap_or_default();
            stream.write_all(&durable.to_le_bytes())?;
        }
    }
}

/// Returns when the lines are on the disk, however long that refuses; the other process decides when that is too long.
fn make_durable(recorder: &Recorder, lines: Box<[u8]>) -> io::Result<()> {
    let mut lines = lines;
    loop {
        match recorder.relayed(std::mem::take(&mut lines)) {
            Ok(()) => return Ok(()),
            Err(EvidenceError::WriterGone(_)) => return Err(ErrorKind::BrokenPipe.into()),
            // They are with the writer, which tries again; nothing more is sent along with the next question.
            Err(_) => thread::sleep(RETRY),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_in_their_own_place_only() {
        let lines = b"{\"event\":{\"sequence\":0,\"reason\":\"\\\"sequence\\\":0\"}}\n{\"event\":{\"sequence\":0}}\n";
        let (mut sequence, mut out) = (41, Vec::new());
        assert_eq!(number(lines, &mut sequence, &mut out), 2);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "{\"event\":{\"sequence\":42,\"reason\":\"\\\"sequence\\\":0\"}}\n{\"event\":{\"sequence\":43}}\n"
        );
        assert_eq!(sequence, 43);
    }
}
