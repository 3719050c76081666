//! The project's own rules: declared ones in YAML, and policies in Rego for what cannot be declared.
//!
//! A rule comes with samples that it has to find and near misses that it must not; [`RuleSet::check`] tries them. Rego is run by another
//! process, which has nothing but the documents and bounded time and memory: whatever a policy does, the scan goes on and says so.

mod declared;
mod documents;
mod evaluate;
mod literal;
mod path;
mod policy;
mod process;
mod sample;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

pub use evaluate::evaluate;
pub use literal::RuleFault;
pub use process::{Evaluator, PolicyError};

use crate::secrets::Detector;
use crate::{Findings, GapReason, Kind, KindName, SourceFile};
use declared::Declared;
use documents::Documents;
use policy::Policy;
use sample::Sample;

/// The most rules of one scan.
const MAX_RULES: usize = 1000;
/// How many bytes of files policies get at most.
const MAX_RESOURCES: usize = 64 << 20;

/// A file of rules: declared ones, or a policy if its name ends in `.rego`.
#[derive(Clone, Debug)]
pub struct RuleFile {
    /// Its name, as faults call it.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Rules, read and sound.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    declared: Vec<(String, Declared)>,
    policies: Vec<Policy>,
}

impl RuleSet {
    /// Reads rules.
    ///
    /// # Errors
    /// Every [`RuleFault`] of all files.
    pub fn read(files: &[RuleFile], evaluator: &Evaluator) -> Result<Self, Vec<RuleFault>> {
        let mut faults = Vec::new();
        let mut set = Self::default();
        for file in files {
            if std::path::Path::new(&file.name).extension().is_some_and(|ending| ending == "rego") {
                set.policies.extend(Policy::read(file, evaluator, &mut faults));
            } else {
                let declared = literal::read(&file.name, &file.bytes, &mut faults);
                set.declared.extend(declared.into_iter().map(|rule| (file.name.clone(), rule)));
            }
        }
        faults.extend(set.twice());
        if set.len() > MAX_RULES {
            let what = format!("{} rules are more than the {MAX_RULES} that a scan has", set.len());
            faults.push(RuleFault { file: String::new(), line: 1, what });
        }
        faults.sort();
        if faults.is_empty() { Ok(set) } else { Err(faults) }
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.declared.len() + self.policies.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tries every rule on its own samples; says which are not found, and which near misses are.
    pub fn check(&self, evaluator: &Evaluator) -> Vec<RuleFault> {
        let detector = Detector::new();
        let mut faults = Vec::new();
        for (file, rule) in &self.declared {
            let is_found = |sample: &Sample| Ok(finds(rule, sample, &detector));
            faults.extend(tried(file, &rule.rule.id, &rule.finds, &rule.passes, &is_found));
        }
        for policy in &self.policies {
            let is_found = |sample: &Sample| policy.finds(sample, evaluator);
            faults.extend(tried(&policy.file, &policy.rule.id, &policy.finds, &policy.passes, &is_found));
        }
        faults
    }

    /// Ids that several rules have: a suppression would not know which of them it means.
    fn twice(&self) -> Vec<RuleFault> {
        let declared = self.declared.iter().map(|(file, rule)| (file, &rule.rule.id));
        let policies = self.policies.iter().map(|policy| (&policy.file, &policy.rule.id));
        let mut first = BTreeMap::new();
        let mut faults = Vec::new();
        for (file, id) in declared.chain(policies) {
            if let Some(known) = first.insert(id, file) {
                let what = format!("`{id}` is the id of another rule in `{known}`");
                faults.push(RuleFault { file: file.clone(), line: 1, what });
            }
        }
        faults
    }
}

fn tried(
    file: &str,
    id: &str,
    finds: &[Sample],
    passes: &[Sample],
    is_found: &dyn Fn(&Sample) -> Result<bool, String>,
) -> Vec<RuleFault> {
    let expected = finds.iter().map(|sample| (sample, true)).chain(passes.iter().map(|sample| (sample, false)));
    let fault = |(sample, expected): (&Sample, bool)| {
        let what = match is_found(sample) {
            Ok(found) if found == expected => return None,
            Ok(true) => format!("`{id}` finds a sample that has to pass"),
            Ok(false) => format!("`{id}` does not find its sample (as `{}`)", sample.file),
            Err(error) => format!("`{id}` cannot be tried: {error}"),
        };
        Some(RuleFault { file: file.to_owned(), line: sample.line, what })
    };
    expected.filter_map(fault).collect()
}

fn finds(rule: &Declared, sample: &Sample, detector: &Detector) -> bool {
    let file = SourceFile::new(&sample.file, sample.text.as_bytes(), detector);
    let mut findings = Findings::default();
    if matches(&rule.files, &sample.file) {
        rule.look(&file, &Documents::of(&file), &mut findings);
    }
    !findings.found.is_empty()
}

/// Whether globs let the path through: it, and no directory that it stands in, is what they leave out.
fn matches(globs: &ignore::overrides::Override, path: &str) -> bool {
    let path = std::path::Path::new(path);
    let above = path.ancestors().skip(1).filter(|directory| !directory.as_os_str().is_empty());
    globs.matched(path, false).is_whitelist()
        && !above.into_iter().any(|directory| globs.matched(directory, true).is_ignore())
}

/// Looks for what the rules say.
#[derive(Debug)]
pub struct Rules {
    set: Arc<RuleSet>,
    evaluator: Evaluator,
    resources: Mutex<Resources>,
}

/// What policies look at, kept until all files were read.
#[derive(Debug, Default)]
struct Resources {
    texts: BTreeMap<String, String>,
    bytes: usize,
}

impl Rules {
    /// Looks for what the set says; policies are evaluated by the process that is named.
    pub fn new(set: Arc<RuleSet>, evaluator: Evaluator) -> Self {
        Self { set, evaluator, resources: Mutex::default() }
    }

    fn keep(&self, file: &SourceFile<'_>, findings: &mut Findings) {
        let Some(text) = file.text() else {
            return findings.gap(file.path(), GapReason::Unparsed, "it is not UTF-8");
        };
        let mut resources = self.resources.lock().unwrap_or_else(PoisonError::into_inner);
        if resources.bytes + text.len() > MAX_RESOURCES {
            let detail = "policies get 64 MiB of files at most: name fewer in their `files`";
            return findings.gap(file.path(), GapReason::LimitReached, detail);
        }
        resources.bytes += text.len();
        resources.texts.insert(file.path().to_owned(), text.to_owned());
    }
}

impl Kind for Rules {
    fn name(&self) -> KindName {
        KindName::Rules
    }

    fn wants(&self, path: &str) -> bool {
        self.set.declared.iter().any(|(_, rule)| matches(&rule.files, path))
            || self.set.policies.iter().any(|policy| matches(&policy.files, path))
    }

    fn file(&self, file: &SourceFile<'_>, findings: &mut Findings) {
        if crate::scan::is_binary(file.bytes()) {
            return;
        }
        let documents = Documents::of(file);
        for (_, rule) in self.set.declared.iter().filter(|(_, rule)| matches(&rule.files, file.path())) {
            rule.look(file, &documents, findings);
        }
        if self.set.policies.iter().any(|policy| matches(&policy.files, file.path())) {
            self.keep(file, findings);
        }
    }

    fn finish(&self, findings: &mut Findings) {
        if self.set.policies.is_empty() {
            return;
        }
        let resources = std::mem::take(&mut *self.resources.lock().unwrap_or_else(PoisonError::into_inner));
        let detector = Detector::new();
        for policy in &self.set.policies {
            policy.look(&resources.texts, &self.evaluator, &detector, findings);
        }
    }
}
