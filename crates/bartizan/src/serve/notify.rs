//! What the service manager is told (`sd_notify(3)`): without `NOTIFY_SOCKET`, nothing. The crates at hand do not know the abstract
//! sockets (`@…`) that containers are given.

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bartizan_gateway::listen::Serving;
use rustix::time::{ClockId, clock_gettime};

use super::Shared;

/// Served, or served again after a reload.
pub(super) fn ready(status: &str) {
    tell(&format!("READY=1\nSTATUS={status}\n"));
}

/// The configuration is read again; [`ready`] ends it. Version 253 of systemd and later wants to know when it began, to tell it from an
/// earlier one.
pub(super) fn reloading() {
    let now = clock_gettime(ClockId::Monotonic);
    let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1000);
    tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}\n"));
}

/// The node drains and ends. `within` is how long that may take, lest the manager lose patience.
pub(super) fn stopping(within: Duration) {
    tell(&format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={}\nSTATUS=draining\n", within.as_micros()));
}

/// Another process is the service's main one from now on; this one only finishes what it began.
pub(super) fn hands_over_to(process: u32) {
    tell(&format!("MAINPID={process}\n"));
}

/// Feeds the manager's watchdog while every worker of the data plane lives, if the manager has one: a process whose control plane alone
/// is alive serves nobody, and is better started again. A drain, which ends by itself, is left in peace.
pub(super) async fn feed_watchdog(shared: Arc<Shared>, serving: Arc<Serving>) {
    let Some(patience) = watchdog() else { return };
    let mut heartbeat = serving.heartbeat();
    let mut is_alive = true;
    loop {
        tokio::time::sleep(patience / 4).await;
        let drains = !shared.ready.load(Ordering::Relaxed);
        let was_alive = std::mem::replace(&mut is_alive, drains || heartbeat.is_alive(Instant::now()));
        if is_alive {
            tell("WATCHDOG=1\n");
        } else if was_alive {
            tracing::error!("a worker hangs; the watchdog is not fed until it goes on");
        }
    }
}

/// How long the manager goes without a sign of life, where it wants any of this process (`sd_watchdog_enabled(3)`).
fn watchdog() -> Option<Duration> {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let is_another = number("WATCHDOG_PID").is_some_and(|process| process != u64::from(std::process::id()));
    number("WATCHDOG_USEC").filter(|micros| *micros > 0 && !is_another).map(Duration::from_micros)
}

fn tell(message: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    if let Err(cause) = send(&name, message) {
        tracing::warn!(%cause, "the service manager was not told");
    }
}

fn send(name: &OsString, message: &str) -> io::Result<()> {
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        path => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(path))?,
    };
    let socket = UnixDatagram::unbound()?;
    // A manager that does not read must not hold the gate up.
    socket.set_nonblocking(true)?;
    socket.send_to_addr(message.as_bytes(), &address).map(drop)
}
