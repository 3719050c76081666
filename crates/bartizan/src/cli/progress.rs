use std::io::{IsTerminal as _, Write as _};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use bartizan_scanner::Progress;

use super::Output;

/// How often the line is written anew.
const INTERVAL: Duration = Duration::from_millis(200);

/// Does the work, and meanwhile tells how far it is: on a terminal alone, since a log has no line to write over.
pub(super) fn showing<T>(progress: &Progress, output: Output, work: impl FnOnce() -> T) -> T {
    if output.quiet || !std::io::stderr().is_terminal() {
        return work();
    }
    let (done, ended) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(INTERVAL) {
                // Nothing can be told to a terminal that is gone.
                let _ = write!(std::io::stderr().lock(), "\r{} files", progress.files());
            }
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        });
        let outcome = work();
        drop(done);
        outcome
    })
}
