//! `bartizan check --tighten`: what observed traffic says of each document, as an Overlay (OpenAPI Overlay 1.0.0) that a person reads
//! before it is applied.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use bartizan_inspect::learn::OfOperation;
use bartizan_inspect::openapi::{Action, Proposal, tighten};
use serde_json::{Value, json};

use crate::config::{ApiDocument, Loaded};
use crate::learned::{self, Learned};
use crate::serve::state_directory;

/// What traffic says of one document.
pub(super) struct Tightening {
    api: String,
    document: String,
    requests: u64,
    proposals: Vec<Proposal>,
}

/// Holds every document of a configuration against what was learned in its state directory.
pub(super) fn of(loaded: &Loaded) -> anyhow::Result<Vec<Tightening>> {
    let mut learned = learned::read(&state_directory(&loaded.store)?)?;
    loaded.documents.iter().map(|document| Tightening::of(document, &mut learned)).collect()
}

impl Tightening {
    fn of(document: &ApiDocument, learned: &mut Learned) -> anyhow::Result<Self> {
        let learned = learned.apis.remove(&document.name).unwrap_or_default();
        let folder = document.path.parent().unwrap_or(Path::new(""));
        let name = document.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let mut read = |file: &str| fs::read(folder.join(file)).map_err(|error| error.to_string());
        let proposals = tighten(name, &mut read, &learned)
            .with_context(|| format!("the document of `{}` cannot be read", document.name))?;
        Ok(Self {
            api: document.name.clone(),
            document: document.path.display().to_string(),
            requests: learned.values().map(|of: &OfOperation| of.requests).sum(),
            proposals,
        })
    }

    fn title(&self) -> String {
        format!("{}: what {} requests say of {}", self.api, self.requests, self.document)
    }

    /// As YAML: each action below what was seen and where; what only a person can decide as comments.
    pub(super) fn render(&self) -> String {
        let mut text = format!("# {}\noverlay: 1.0.0\n", one_line(&self.title()));
        let _ = writeln!(text, "info: {{\"title\": {}, \"version\": \"1\"}}", json!(self.title()));
        let actions: usize = self.proposals.iter().map(|it| it.actions.len()).sum();
        text.push_str(if actions == 0 { "actions: []\n" } else { "actions:\n" });
        for Proposal { place, reason, actions } in &self.proposals {
            let _ = writeln!(text, "  # {}: {}", one_line(place), one_line(reason));
            for Action { target, update } in actions {
                let _ = writeln!(text, "  - target: {}", json!(target));
                let _ = match update {
                    Some(update) => writeln!(text, "    update: {update}"),
                    None => writeln!(text, "    remove: true"),
                };
            }
        }
        text
    }

    pub(super) fn record(&self) -> Value {
        let action = |it: &Action| match &it.update {
            Some(update) => json!({ "target": it.target, "update": update }),
            None => json!({ "target": it.target, "remove": true }),
        };
        let proposal = |it: &Proposal| {
            let actions: Vec<Value> = it.actions.iter().map(action).collect();
            json!({ "place": it.place, "reason": it.reason, "actions": actions })
        };
        let actions: Vec<Value> = self.proposals.iter().flat_map(|it| &it.actions).map(action).collect();
        json!({
            "api": self.api,
            "document": self.document,
            "requests": self.requests,
            "proposals": self.proposals.iter().map(proposal).collect::<Vec<_>>(),
            "overlay": { "overlay": "1.0.0", "info": { "title": self.title(), "version": "1" }, "actions": actions },
        })
    }
}

/// A comment must not end early: a path of a document may hold anything.
fn one_line(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}
