//! The `process_*` metrics every Prometheus client library exposes, read from the operating system at each scrape.

use rustix::time::{ClockId, clock_gettime};

/// What the operating system says of this process; none of what it does not tell.
#[derive(Debug, Default)]
pub(super) struct Process {
    pub(super) cpu_seconds: f64,
    pub(super) virtual_bytes: Option<u64>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) open_files: Option<u64>,
    pub(super) max_files: Option<u64>,
}

impl Process {
    pub(super) fn read() -> Self {
        let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let mut pages = statm.split_ascii_whitespace().map(|field| field.parse::<u64>().ok());
        Self {
            cpu_seconds: cpu_seconds(),
            virtual_bytes: pages.next().flatten().map(|pages| pages.saturating_mul(page)),
            resident_bytes: pages.next().flatten().map(|pages| pages.saturating_mul(page)),
            open_files: std::fs::read_dir("/proc/self/fd").ok().and_then(|files| u64::try_from(files.count()).ok()),
            max_files: rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric; exact to the nanosecond for the first hundred days")]
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
