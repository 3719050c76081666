use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why evidence could not be kept or read. Each message names the file, the cause and the remedy.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The operating system refused an operation on a file of the audit log or of a sink.
    #[error("cannot {doing} `{}`: {cause}; {remedy}", path.display())]
    File {
        /// What was tried, as in "cannot … `path`".
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        cause: Arc<io::Error>,
        /// What the operator can do about it.
        remedy: &'static str,
    },
    /// Another process writes to this audit directory.
    #[error("the audit log in `{}` is in use by another process; stop it, or give this node a state directory of its own", .0.display())]
    InUse(PathBuf),
    /// A name in the audit directory is not a regular file of ours.
    #[error("`{}` is not a plain file or directory (perhaps a link); remove it, since the audit log follows no links", .0.display())]
    NotPlain(PathBuf),
    /// A line of the audit log is not a record.
    #[error("`{}` holds a line at byte {offset} that is not an audit record; run `bartizan audit verify` and restore the file from a copy", path.display())]
    NotARecord {
        /// The segment.
        path: PathBuf,
        /// Where the line begins.
        offset: u64,
    },
    /// The process that has taken the audit log over does not record what it is sent.
    #[error(
        "the process that has taken over the audit log does not answer ({0}); if it ends, this one takes the log back"
    )]
    Relay(Arc<str>),
    /// The thread that writes could not be started, or ended early.
    #[error("the audit writer is not running ({0}); restart the node")]
    WriterGone(Arc<str>),
    /// The node stopped before all events were durable.
    #[error("{events} events were not made durable before shutdown: {cause}")]
    NotDurable {
        /// How many events are lost.
        events: u64,
        /// What kept them from the disk.
        cause: Arc<Self>,
    },
}

impl EvidenceError {
    pub(crate) fn file(doing: &'static str, path: &Path, cause: io::Error) -> Self {
        let remedy = remedy(cause.kind());
        Self::File { doing, path: path.to_owned(), cause: Arc::new(cause), remedy }
    }
}

fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "free space or raise the quota; requests are refused until then, and served again by themselves afterwards"
        }
        io::ErrorKind::PermissionDenied => "let the node's user own the directory and everything in it",
        io::ErrorKind::ReadOnlyFilesystem => "mount the file system writable, or move `[store] path` to one that is",
        io::ErrorKind::NotFound => "create its parent directory, or correct the path",
        _ => "check the disk and the mount",
    }
}
