use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::Otlp;

/// How evidence is kept. [`Config::in_state`] gives the defaults below the node's state directory.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the segments of the audit log stand, and nothing else: it is made, or narrowed, to mode 0700. One node per
    /// directory.
    pub directory: PathBuf,
    /// Events that may wait for the writer; beyond it [`Recorder::reserve`](crate::Recorder::reserve) gives nothing and the
    /// gate answers 503. A waiting event takes about 0.7 KiB, at worst 3 KiB (longest path, user agent and reason).
    pub queue: NonZeroUsize,
    /// A segment that has reached this size is closed and the next one begun.
    pub segment_bytes: u64,
    /// The oldest segments are deleted, and a record says so, while all together exceed this.
    pub retain_bytes: u64,
    /// Segments last written longer ago than this are deleted, and a record says so.
    pub retain_for: Duration,
    /// The most time between an event's arrival and the sync that makes it durable, while the disk keeps up.
    pub sync_every: Duration,
    /// Where the same records go besides the audit directory.
    pub sinks: Vec<Sink>,
    /// A receiver of OpenTelemetry's protocol, and what it gets.
    pub otlp: Option<Arc<Otlp>>,
    /// What tells this run of the node from others (`service.instance.id`).
    pub instance: String,
    /// How long [`WriterHandle::shutdown`](crate::WriterHandle::shutdown) tries to make the last events durable.
    pub shutdown_within: Duration,
    /// The clock that stamps the node's own events.
    pub clock: fn() -> SystemTime,
}

/// A second place for the records, as ECS JSON lines. A slow one loses records, says how many, and never holds up the
/// audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Standard output, for a container's log collector.
    Stdout,
    /// A file that is appended to; made with mode 0600 if it is missing.
    File(PathBuf),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("state/audit"),
            queue: NonZeroUsize::MIN.saturating_add(65_535),
            segment_bytes: 64 << 20,
            retain_bytes: 4 << 30,
            retain_for: Duration::from_hours(366 * 24),
            sync_every: Duration::from_millis(50),
            sinks: Vec::new(),
            otlp: None,
            instance: String::new(),
            shutdown_within: Duration::from_secs(5),
            clock: SystemTime::now,
        }
    }
}

impl Config {
    /// The defaults, with the audit log in `audit` below the node's state directory.
    pub fn in_state(state: &Path) -> Self {
        Self { directory: state.join("audit"), ..Self::default() }
    }
}
