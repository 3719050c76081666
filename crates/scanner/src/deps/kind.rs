mod find;
mod place;
mod read;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::place::Places;
use super::imports::{Imports, Languages};
use super::index::Index;
use super::inventory::Inventory;
use super::lock::{Format, Manifest, MsBuildProject, pom::Pom};
use super::package::Lock;
use super::rule::Rules;
use super::vulnerability::Verdict;
use crate::{Findings, Kind, KindName, SourceFile};

/// What is looked for in dependencies.
#[derive(Clone, Debug, Default)]
pub struct DepsConfig {
    /// The advisories; without them only what the files themselves show is found, and that is told.
    pub index: Option<Arc<Index>>,
    /// SPDX names of licences that nothing may depend on.
    pub denied_licences: Vec<String>,
    /// The oldest day, RFC 3339, of which the newest advisory of an ecosystem may be before it is told that the data is old.
    pub oldest: String,
}

/// Looks at what lock files and manifests name.
#[derive(Debug)]
pub struct Deps {
    config: DepsConfig,
    rules: Rules,
    languages: Languages,
    state: Mutex<State>,
    inventory: Arc<Mutex<Inventory>>,
}

/// What was read, until all files were.
#[derive(Debug, Default)]
struct State {
    locks: BTreeMap<String, ReadLock>,
    manifests: BTreeMap<String, Manifest>,
    sums: BTreeMap<String, BTreeMap<(String, String), String>>,
    poms: BTreeMap<String, (Pom, Places)>,
    projects: BTreeMap<String, (MsBuildProject, Places)>,
    imports: Imports,
}

#[derive(Debug)]
struct ReadLock {
    format: Format,
    lock: Lock,
    verdicts: BTreeMap<usize, Verdict>,
    places: Places,
}

impl Deps {
    /// Looks for what the configuration says.
    pub fn new(config: DepsConfig) -> Self {
        Self {
            config,
            rules: Rules::new(),
            languages: Languages::new(),
            state: Mutex::default(),
            inventory: Arc::default(),
        }
    }

    /// Everything that the tree depends on, there once the scan has ended: for a bill of materials.
    #[must_use]
    pub fn inventory(&self) -> Arc<Mutex<Inventory>> {
        Arc::clone(&self.inventory)
    }

    /// Leaves what is found with another owner of the same inventory.
    #[must_use]
    pub fn with_inventory(self, inventory: Arc<Mutex<Inventory>>) -> Self {
        Self { inventory, ..self }
    }

    /// Source is looked at for what it imports, where something can be found that this is told of.
    fn wants_imports(&self, path: &str) -> bool {
        self.config.index.is_some() && self.languages.has(path)
    }

    /// What a thread that panicked left is whole: every change of the state is one insertion.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kind for Deps {
    fn name(&self) -> KindName {
        KindName::Deps
    }

    fn wants(&self, path: &str) -> bool {
        Format::of(path).is_some() || read::Other::of(path).is_some() || self.wants_imports(path)
    }

    fn file(&self, file: &SourceFile<'_>, findings: &mut Findings) {
        if let Some(format) = Format::of(file.path()) {
            self.lock_file(format, file, findings);
        } else if let Some(other) = read::Other::of(file.path()) {
            self.other(other, file, findings);
        } else if self.wants_imports(file.path()) {
            let imported = self.languages.imported(file);
            self.state().imports.add(file.path(), imported);
        }
    }

    fn finish(&self, findings: &mut Findings) {
        let state = std::mem::take(&mut *self.state());
        let inventory = self.conclude(state, findings);
        *self.inventory.lock().unwrap_or_else(PoisonError::into_inner) = inventory;
    }
}

/// The directory of a path.
fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// A name in a directory.
fn beside(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

fn extension(path: &str) -> &str {
    Path::new(path).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
