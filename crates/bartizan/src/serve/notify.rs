//! What the service manager is told (`sd_notify(3)`): without `NOTIFY_SOCKET`, nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bartizan_gateway::listen::Serving;
use sd_notify::NotifyState;

use super::Shared;

/// Served, or served again after a reload.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The configuration is read again; [`ready`] ends it. The manager of version 253 and later wants to know when it began, to tell it from
/// an earlier one.
pub(super) fn reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        tell(&[NotifyState::Reloading, now]);
    }
}


/// The node drains and ends. `within` is how long that may take, lest the manager lose patience.
pub(super) fn stopping(within: Duration) {
    let micros = u32::try_from(within.as_micros()).unwrap_or(u32::MAX);
    tell(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(micros), NotifyState::Status("draining")]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(cause) = sd_notify::notify(states) {
        tracing::warn!(%cause, "the service manager was not told");
    }
}

/// Feeds the manager's watchdog while every worker of the data plane lives, if the manager has one: a process whose control plane alone
/// is alive serves nobody, and is better started again. A drain, which ends by itself, is left in peace.
pub(super) async fn feed_watchdog(shared: Arc<Shared>, serving: Arc<Serving>) {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    let mut heartbeat = serving.heartbeat();
    let mut is_alive = true;
    loop {
        tokio::time::sleep(patience / 4).await;
        let drains = !shared.ready.load(Ordering::Relaxed);
        let was_alive = std::mem::replace(&mut is_alive, drains || heartbeat.is_alive(Instant::now()));
        if is_alive {
            tell(&[NotifyState::Watchdog]);
        } else if was_alive {
            tracing::error!("a worker hangs; the watchdog is not fed until it goes on");
        }
    }
}
