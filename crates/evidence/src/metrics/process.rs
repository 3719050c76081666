//! The `process_*` metrics every Prometheus client library exposes, read from the operating system at each scrape.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use rustix::time::{ClockId, clock_gettime};

use super::family::{Family, Snapshot};
use super::text::unix_seconds;

static BUILD: Family = Family::gauge("bartizan_build_info", "What runs; always 1.", &["version"]);
static CPU: Family = Family::counter("process_cpu_seconds_total", "User and system CPU time.", &[]);
static STARTED: Family = Family::gauge("process_start_time_seconds", "When the process began to record.", &[]);
static VIRTUAL: Family = Family::gauge("process_virtual_memory_bytes", "Virtual memory.", &[]);
static RESIDENT: Family = Family::gauge("process_resident_memory_bytes", "Resident memory.", &[]);
static OPEN_FILES: Family = Family::gauge("process_open_fds", "Open file descriptors.", &[]);
static MAX_FILES: Family = Family::gauge("process_max_fds", "File descriptors that may be open.", &[]);

/// The process, as it was when it was last looked at.
#[derive(Debug, Default)]
pub(super) struct ProcessMetrics(Mutex<Process>);

/// What the operating system says of this process; none of what it does not tell.
#[derive(Debug, Default)]
struct Process {
    started: f64,
    cpu_seconds: f64,
    virtual_bytes: Option<u64>,
    resident_bytes: Option<u64>,
    open_files: Option<u64>,
    max_files: Option<u64>,
}

impl ProcessMetrics {
    pub(super) fn refresh(&self, started: SystemTime) {
        let process = Process::read(started);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = process;
    }

    pub(super) fn collect(&self, _: &super::Derived, into: &mut Snapshot) {
        let process = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        into.family(&BUILD).whole(&[env!("CARGO_PKG_VERSION")], 1);
        into.family(&CPU).fraction(&[], process.cpu_seconds);
        into.family(&STARTED).fraction(&[], process.started);
        let gauges = [
            (&VIRTUAL, process.virtual_bytes),
            (&RESIDENT, process.resident_bytes),
            (&OPEN_FILES, process.open_files),
            (&MAX_FILES, process.max_files),
        ];
        for (family, value) in gauges {
            let mut gauge = into.family(family);
            if let Some(value) = value {
                gauge.whole(&[], value);
            }
        }
    }
}

impl Process {
    fn read(started: SystemTime) -> Self {
        let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        let mut pages = statm.split_ascii_whitespace().map(|field| field.parse::<u64>().ok());
        Self {
            started: unix_seconds(started),
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
