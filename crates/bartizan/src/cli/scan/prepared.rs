use std::sync::{Arc, Mutex, PoisonError};

use bartizan_scanner::deps::{Deps, DepsConfig, Inventory};
use bartizan_scanner::rules::{RuleSet, Rules};
use bartizan_scanner::{Kind, KindName, Limits, Progress, Report, ScanError, Selection, Target, scan, scan_history};

use super::rules::evaluator;
use crate::cli::progress::showing;
use crate::cli::{NOT_DONE, Output, WRONG_USAGE};
use crate::config;

/// Everything that a scan needs, read and sound.
pub(super) struct Prepared {
    pub(super) targets: Vec<Target>,
    pub(super) kinds: Vec<KindName>,
    pub(super) limits: Limits,
    pub(super) selection: Selection,
    pub(super) deps: Dependencies,
    pub(super) rules: Arc<RuleSet>,
}

impl Prepared {
    pub(super) fn run(&self, history: bool, output: Output) -> Result<Report, ScanError> {
        let progress = Progress::default();
        showing(&progress, output, || {
            if history {
                scan_history(&self.targets, &self.limits, self.selection.clone(), &progress)
            } else {
                scan(&self.targets, &|| self.make(), &self.limits, self.selection.clone(), &progress)
            }
        })
    }

    /// The kinds, made for one scan.
    pub(super) fn make(&self) -> Vec<Box<dyn Kind>> {
        self.kinds.iter().map(|kind| self.make_one(*kind)).collect()
    }

    fn make_one(&self, kind: KindName) -> Box<dyn Kind> {
        match kind {
            KindName::Secrets => Box::new(bartizan_scanner::secrets::Secrets),
            KindName::Deps => {
                let inventory = Arc::clone(&self.deps.inventory);
                Box::new(Deps::new(self.deps.config.clone()).with_inventory(inventory))
            }
            KindName::Rules => Box::new(Rules::new(Arc::clone(&self.rules), evaluator())),
        }
    }
}

/// What dependencies are held against, and what was found to depend on.
pub(super) struct Dependencies {
    pub(super) config: DepsConfig,
    pub(super) inventory: Arc<Mutex<Inventory>>,
}

impl Dependencies {
    pub(super) fn inventory(&self) -> Inventory {
        self.inventory.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Why there is no report: what is told, and the exit code.
pub(super) struct Failure {
    pub(super) code: u8,
    pub(super) text: String,
}

impl Failure {
    pub(super) fn usage(text: &str) -> Self {
        Self { code: WRONG_USAGE, text: format!("bartizan: {text}") }
    }

    pub(super) fn not_done(error: &anyhow::Error) -> Self {
        Self { code: NOT_DONE, text: format!("bartizan: {error:#}") }
    }

    pub(super) fn faults(faults: &config::Faults, output: Output) -> Self {
        Self { code: WRONG_USAGE, text: faults.render(output.error_style) }
    }
}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Self {
        let code = if matches!(error, ScanError::Repository { .. }) { NOT_DONE } else { WRONG_USAGE };
        Self { code, text: format!("bartizan: {error}") }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::not_done(&error)
    }
}
