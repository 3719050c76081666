//! Where an object of a repository comes from: the first commit that has it, and its path there.

use std::collections::HashSet;

use gix::bstr::ByteSlice as _;
use gix::objs::tree::EntryKind;
use gix::{ObjectId, Repository};

use crate::walk::shown_bytes;
use crate::{Findings, GapReason};

/// How deep the folders of a commit are followed.
const MAX_DEPTH: usize = 256;

/// The commit that brought something, and the path that it had there. The earliest is the least.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    /// When it was committed, in seconds since 1970.
    time: i64,
    commit: Option<ObjectId>,
    pub(super) path: String,
    /// The day on which its author wrote it.
    authored: String,
}

impl Origin {
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        match &self.commit {
            Some(commit) => vec![("commit", commit.to_string()), ("authored", self.authored.clone())],
            None => vec![("commit", "none: the object is in the repository, but in no branch or tag".to_owned())],
        }
    }
}

/// The origin of each of the objects, in no order. Each folder is read once, however many commits have it.
pub(super) fn origins(
    local: &Repository,
    mut wanted: HashSet<ObjectId>,
    findings: &mut Findings,
) -> Vec<(ObjectId, Origin)> {
    let mut origins = Vec::new();
    let mut seen = HashSet::new();
    for (time, commit) in commits(local, !wanted.is_empty()) {
        if wanted.is_empty() {
            break;
        }
        let Some((tree, authored)) = read(local, commit) else {
            findings.gap(commit.to_string(), GapReason::Unreadable, "damaged commit");
            continue;
        };
        let mut folders = vec![(Vec::new(), tree, 0)];
        while let Some((path, id, depth)) = folders.pop() {
            if depth > MAX_DEPTH || !seen.insert(id) {
                continue;
            }
            let Ok(tree) = local.find_tree(id) else {
                findings.gap(id.to_string(), GapReason::Unreadable, "damaged tree");
                continue;
            };
            for entry in tree.iter().filter_map(Result::ok) {
                let id = entry.object_id();
                let is_folder = entry.mode().kind() == EntryKind::Tree;
                if !is_folder && !wanted.contains(&id) {
                    continue;
                }
                let separator: &[u8] = if path.is_empty() { b"" } else { b"/" };
                let path = [path.as_slice(), separator, entry.filename().as_bytes()].concat();
                if is_folder {
                    folders.push((path, id, depth + 1));
                } else if wanted.remove(&id) {
                    let path = shown_bytes(&path);
                    origins.push((id, Origin { time, commit: Some(commit), path, authored: authored.clone() }));
                }
            }
        }
    }
    let lost = |id: ObjectId| Origin { time: i64::MAX, commit: None, path: id.to_string(), authored: String::new() };
    origins.extend(wanted.into_iter().map(|id| (id, lost(id))));
    origins
}

/// Every commit that a branch, a tag or `HEAD` leads to, the earliest first.
fn commits(local: &Repository, any: bool) -> Vec<(i64, ObjectId)> {
    if !any {
        return Vec::new();
    }
    let mut tips: Vec<ObjectId> = local.head_id().ok().map(gix::Id::detach).into_iter().collect();
    if let Ok(references) = local.references()
        && let Ok(all) = references.all()
    {
        tips.extend(all.filter_map(Result::ok).filter_map(|mut reference| {
            let id = reference.peel_to_id().ok()?;
            // A tag may name a tree or a file as well.
            id.object().ok().filter(|object| object.kind == gix::objs::Kind::Commit).map(|object| object.id)
        }));
    }
    tips.sort();
    tips.dedup();
    let Ok(walk) = local.rev_walk(tips).all() else { return Vec::new() };
    let mut commits: Vec<_> = walk
        .filter_map(Result::ok)
        .map(|info| {
            let time = info.object().ok().and_then(|commit| commit.time().ok()).map_or(0, |time| time.seconds);
            (time, info.id)
        })
        .collect();
    commits.sort_unstable();
    commits
}

/// A commit's tree, and the day on which its author wrote it.
fn read(local: &Repository, commit: ObjectId) -> Option<(ObjectId, String)> {
    let commit = local.find_commit(commit).ok()?;
    let tree = commit.tree_id().ok()?.detach();
    let seconds = commit.author().ok()?.time().ok()?.seconds;
    let day = jiff::Timestamp::from_second(seconds)
        .map(|time| time.to_zoned(jiff::tz::TimeZone::UTC).date().to_string())
        .unwrap_or_default();
    Some((tree, day))
}
