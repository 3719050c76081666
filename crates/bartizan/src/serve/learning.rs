//! Keeps what is learned of traffic over restarts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bartizan_inspect::learn::Learning;
use tokio::time::sleep;

use super::Shared;
use crate::learned;

/// What a crash may cost: counts and shapes of so long.
const EVERY: Duration = Duration::from_secs(5);

/// Goes on from what an earlier process has learned.
pub(super) fn resume(state: &Path) -> Arc<Learning> {
    let earlier = learned::read(state).unwrap_or_else(|cause| {
        tracing::warn!("what was learned of traffic begins anew: {cause:#}");
        learned::Learned::default()
    });
    Arc::new(Learning::new(earlier))
}

/// Writes what is new, for as long as the process serves. One that is replaced stops, since the next one writes now.
pub(super) async fn keep(state: PathBuf, shared: Arc<Shared>) {
    while !shared.ending.load(Ordering::Relaxed) {
        sleep(EVERY).await;
        let (learning, state) = (shared.learning.clone(), state.clone());
        let _ = tokio::task::spawn_blocking(move || save(&learning, &state)).await;
    }
}

/// Writes what is new.
pub(super) fn save(learning: &Learning, state: &Path) {
    let Some(learned) = learning.changed() else { return };
    if let Err(cause) = learned::write(state, &learned) {
        tracing::warn!(%cause, "what was learned of traffic could not be written");
    }
}
