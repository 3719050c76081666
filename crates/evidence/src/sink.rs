mod output;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use crate::{EvidenceError, Sink};
use output::Output;

/// Batches that may wait for a sink; one is at most about a megabyte.
const WAITING_BATCHES: usize = 8;
/// How long a sink may take over what waits for it when the node ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// The writer's end of a sink, which has a thread of its own: what it blocks on, nobody else waits for.
#[derive(Debug)]
pub(crate) struct SinkQueue {
    batches: SyncSender<Batch>,
    /// Records that the sink has left out and not yet said so.
    lost: Arc<AtomicU64>,
    ended: Receiver<()>,
}

struct Batch {
    lines: Arc<[u8]>,
    /// A line that tells of records left out before these.
    gap: Option<Vec<u8>>,
    records: u64,
}

impl SinkQueue {
    pub(crate) fn open(sink: &Sink) -> Result<Self, EvidenceError> {
        let output = Output::open(sink)?;
        let name = output.name();
        let (batches, receiver) = mpsc::sync_channel(WAITING_BATCHES);
        let (end, ended) = mpsc::channel();
        let lost = Arc::new(AtomicU64::new(0));
        let losses = Arc::clone(&lost);
        thread::Builder::new()
            .name("audit-sink".to_owned())
            .spawn(move || {
                drain(&receiver, output, &name, &losses);
                let _ = end.send(());
            })
            .map_err(|cause| EvidenceError::WriterGone(cause.to_string().into()))?;
        Ok(Self { batches, lost, ended })
    }

    /// Hands over whole lines without waiting. `gap` writes the line that owns up to lost records. Gives back how many
    /// records were lost now.
    pub(crate) fn offer(&self, lines: &Arc<[u8]>, records: u64, gap: impl FnOnce(u64) -> Vec<u8>) -> u64 {
        let lost_before = self.lost.swap(0, Ordering::Relaxed);
        let gap = (lost_before > 0).then(|| gap(lost_before));
        match self.batches.try_send(Batch { lines: Arc::clone(lines), gap, records }) {
            Ok(()) => 0,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.lost.fetch_add(lost_before + records, Ordering::Relaxed);
                records
            }
        }
    }

    /// Lets the sink finish, for a while.
    pub(crate) fn close(self) {
        drop(self.batches);
        if let Err(RecvTimeoutError::Timeout) = self.ended.recv_timeout(FAREWELL) {
            tracing::warn!("an audit sink did not take its last records in time; the audit log has them");
        }
    }
}

fn drain(batches: &Receiver<Batch>, mut output: Output, name: &str, lost: &AtomicU64) {
    let mut failing = false;
    for batch in batches {
        match write(&mut output, &batch, failing) {
            Ok(()) if failing => {
                failing = false;
                tracing::info!(sink = name, "the audit sink takes records again");
            }
            Ok(()) => {}
            Err(error) => {
                lost.fetch_add(batch.records, Ordering::Relaxed);
                if !failing {
                    tracing::warn!(sink = name, %error, "the audit sink takes no records; the audit log has them");
                }
                failing = true;
            }
        }
    }
}

fn write(output: &mut Output, batch: &Batch, after_failure: bool) -> io::Result<()> {
    output.follow()?;
    if after_failure {
        // The failed write may have ended within a line.
        output.write_all(b"\n")?;
    }
    if let Some(gap) = &batch.gap {
        output.write_all(gap)?;
    }
    output.write_all(&batch.lines)
}
