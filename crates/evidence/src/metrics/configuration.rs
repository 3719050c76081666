use std::time::SystemTime;

use super::family::{Family, Snapshot};
use super::text::unix_seconds;
use crate::NodeEvent;

static LOADED: Family =
    Family::gauge("bartizan_config_loaded_timestamp_seconds", "When the configuration in force was loaded.", &[]);
static FAILURES: Family =
    Family::counter("bartizan_config_reload_failures_total", "Changed configurations that were refused.", &[]);

/// The configuration in force, as events tell of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Derived {
    loaded: Option<SystemTime>,
    failures: u64,
}

impl Derived {
    pub(super) fn collect(&self, into: &mut Snapshot) {
        let mut when = into.family(&LOADED);
        if let Some(loaded) = self.loaded {
            when.fraction(&[], unix_seconds(loaded));
        }
        into.family(&FAILURES).whole(&[], self.failures);
    }

    pub(super) fn observe(&mut self, event: &NodeEvent, recorded: SystemTime) {
        match event {
            NodeEvent::ConfigurationLoaded { .. } => self.loaded = Some(recorded),
            NodeEvent::ConfigurationRefused { .. } => self.failures += 1,
            _ => {}
        }
    }
}
