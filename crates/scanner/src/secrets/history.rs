//! Every version of every file that a repository holds, each looked at once.
//!
//! The objects are read in the order in which the packs hold them, not commit by commit: each is inflated once, and a file that
//! never changed is looked at once however many commits have it. Only for objects in which something stands, the commits are
//! walked afterwards, for a path and a date.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use bartizan_controls::{Finding, Fingerprint};
use gix::objs::Kind;
use gix::odb::pack::index::traverse::{Algorithm, Options, SafetyCheck};
use gix::odb::{loose, pack};
use gix::{ObjectId, Repository, ThreadSafeRepository};

use super::origins::{Origin, origins};
use super::{Detector, finding};
use crate::excluded::Excluded;
use crate::repository::{open, threads};
use crate::target::Target;
use crate::{Findings, GapReason, Limits, ScanError, SourceFile};

/// The largest object that is inflated while a pack is traversed. A pack with a larger one (a bomb is one) is read object by object, each
/// after a look at its size.
const MAX_INFLATED: usize = 256 << 20;

/// Looks at every object of the repositories that the targets belong to. `each` is called for every one of them.
pub(crate) fn history(targets: &[Target], limits: &Limits, each: &(dyn Fn() + Sync)) -> Result<Findings, ScanError> {
    let mut findings = Findings::default();
    let mut known = BTreeSet::new();
    for target in targets {
        let repository = open(&target.root)?;
        if known.insert(repository.to_thread_local().common_dir().to_owned()) {
            findings.merge(one(&repository, limits, each)?);
        }
    }
    Ok(findings)
}

fn one(repository: &ThreadSafeRepository, limits: &Limits, each: &(dyn Fn() + Sync)) -> Result<Findings, ScanError> {
    let mut local = repository.to_thread_local();
    // Trees are read again and again on the way through the commits.
    local.object_cache_size_if_unset(16 << 20);
    let detector = Detector::new();
    let search = Search { detector: &detector, limits, each, state: Mutex::default() };
    let mut stores = vec![local.objects.store_ref().path().to_owned()];
    stores.extend(alternates(&stores));
    for store in &stores {
        for index in packs(store) {
            search.pack(&index, &local);
        }
        search.loose(store, &local);
    }
    let State { hits, mut findings, .. } = search.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Paths of a repository are relative to it.
    let excluded = Excluded::new(Path::new(""), &limits.exclude)?;
    let mut earliest: BTreeMap<Fingerprint, (Origin, Finding)> = BTreeMap::new();
    for (id, origin) in origins(&local, hits, &mut findings) {
        if excluded.covers_file(Path::new(&origin.path)) {
            continue;
        }
        for found in found(&local, &detector, id, &origin) {
            if earliest.get(&found.fingerprint).is_none_or(|(known, _)| origin < *known) {
                earliest.insert(found.fingerprint, (origin.clone(), found));
            }
        }
    }
    findings.found.extend(earliest.into_values().map(|(_, found)| found));
    Ok(findings)
}

/// What the object has, judged by the path that it was committed under.
fn found(local: &Repository, detector: &Detector, id: ObjectId, origin: &Origin) -> Vec<Finding> {
    let Ok(object) = local.find_object(id) else { return Vec::new() };
    let file = SourceFile::new(&origin.path, &object.data, detector);
    file.secrets()
        .iter()
        .map(|hit| {
            let mut found = finding(hit, &file);
            found.facts.extend(origin.facts());
            found
        })
        .collect()
}

struct Search<'a> {
    detector: &'a Detector,
    limits: &'a Limits,
    each: &'a (dyn Fn() + Sync),
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Objects may be in several packs, and loose too.
    seen: HashSet<ObjectId>,
    hits: HashSet<ObjectId>,
    findings: Findings,
}

impl Search<'_> {
    /// Every object of a pack, each delta resolved once.
    fn pack(&self, index: &Path, local: &Repository) {
        let name = index.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Ok(bundle) = pack::Bundle::at(index, local.object_hash()) else {
            self.gap(name, GapReason::Unreadable, "damaged pack");
            return;
        };
        let options = Options {
            traversal: Algorithm::DeltaTreeLookup,
            thread_limit: Some(threads(self.limits)),
            check: SafetyCheck::SkipFileAndObjectChecksumVerification,
            alloc_limit_bytes: Some(MAX_INFLATED),
            ..Options::default()
        };
        let look = |kind: Kind, bytes: &[u8], entry: &pack::index::Entry, _: &dyn gix::Progress| {
            self.object(kind, bytes, entry.oid);
            Ok(())
        };
        let outcome =
            bundle.index.traverse(&bundle.pack, &mut gix::progress::Discard, &AtomicBool::new(false), look, options);
        if outcome.is_err() {
            bundle.index.iter().for_each(|entry| self.single(entry.oid, local));
        }
    }

    /// Every object that is in no pack.
    fn loose(&self, store: &Path, local: &Repository) {
        let store = loose::Store::at(store, local.object_hash());
        for id in store.iter().filter_map(Result::ok) {
            self.single(id, local);
        }
    }

    /// One object by itself, after a look at its size.
    fn single(&self, id: ObjectId, local: &Repository) {
        if self.state().seen.contains(&id) {
            return;
        }
        match local.find_header(id) {
            Ok(header) if header.kind() != Kind::Blob => {}
            Ok(header) if header.size() > self.limits.max_file => {
                self.gap(id.to_string(), GapReason::TooLarge, "object");
            }
            Ok(_) => match local.find_object(id) {
                Ok(object) => self.object(Kind::Blob, &object.data, id),
                Err(_) => self.gap(id.to_string(), GapReason::Unreadable, "damaged object"),
            },
            Err(_) => self.gap(id.to_string(), GapReason::Unreadable, "damaged object"),
        }
    }

    fn object(&self, kind: Kind, bytes: &[u8], id: ObjectId) {
        if kind != Kind::Blob || !self.state().seen.insert(id) {
            return;
        }
        (self.each)();
        if bytes.len() as u64 > self.limits.max_file {
            self.gap(id.to_string(), GapReason::TooLarge, "object");
            return;
        }
        let is_hit = !self.detector.detect("", bytes).is_empty();
        let mut state = self.state();
        state.findings.files += 1;
        state.findings.bytes += bytes.len() as u64;
        state.findings.binary += u64::from(crate::scan::is_binary(bytes));
        if is_hit {
            state.hits.insert(id);
        }
    }

    fn gap(&self, path: String, reason: GapReason, detail: &str) {
        self.state().findings.gap(path, reason, detail);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The indices of the packs of an object store, in the order of their names.
fn packs(store: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(store.join("pack")).into_iter().flatten().filter_map(Result::ok);
    let mut packs: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "idx")).collect();
    packs.sort();
    packs
}

/// Where else the repository keeps objects (`git clone --shared`).
fn alternates(stores: &[PathBuf]) -> Vec<PathBuf> {
    let Some(first) = stores.first() else { return Vec::new() };
    gix::odb::alternate::resolve(first.clone(), first).unwrap_or_default()
}
