use std::collections::BTreeMap;

use serde::Serialize;

use super::Weakness;
use crate::config::literal::{Mode, UndeclaredInput, UndeclaredOutput};
use crate::config::resolve::{Document, StyleDocument};

/// An OpenAPI document, and what it leaves open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiPosture {
    /// The API's name.
    pub name: String,
    /// The document's title and version.
    pub title: String,
    /// How many operations it declares.
    pub operations: usize,
    /// What is done to requests.
    pub requests: String,
    /// What is done to answers.
    pub answers: String,
    /// What is weaker than the default.
    pub weaker: Vec<Weakness>,
    /// What the document leaves open: what it is and what to do, and the places of it, as `file:line:column`.
    pub holes: BTreeMap<&'static str, Vec<String>>,
    /// Which fields carry `personal`, `payment` and `health` data, by what the document says of them, formats and names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub carries: BTreeMap<&'static str, Vec<String>>,
}

impl ApiPosture {
    pub(super) fn of_style(document: &StyleDocument) -> Self {
        Self {
            name: document.name.clone(),
            title: document.title.clone(),
            operations: document.operations,
            requests: document.requests.clone(),
            answers: document.answers.clone(),
            weaker: document.weaker.clone(),
            holes: BTreeMap::new(),
            carries: document.carries.clone(),
        }
    }

    pub(super) fn of(document: &Document) -> Self {
        let mut holes: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for hole in &document.holes {
            holes.entry(hole.kind.advice()).or_default().push(hole.place.clone());
        }
        Self {
            name: document.name.clone(),
            title: document.title.clone(),
            operations: document.operations,
            requests: requests(document).to_owned(),
            answers: answers(document).to_owned(),
            weaker: weaker(document),
            holes,
            carries: document.carries.clone(),
        }
    }
}

const fn requests(document: &Document) -> &'static str {
    match (document.mode, document.undeclared) {
        (Mode::Off, _) => "not held against it",
        (Mode::Observe, _) => "what breaks it passes, and stands in the log",
        (Mode::Block, UndeclaredInput::Refuse) => {
            "what breaks it is refused, undeclared members and parameters included"
        }
        (Mode::Block, UndeclaredInput::Strip) => {
            "what breaks it is refused; undeclared members and parameters are taken out"
        }
        (Mode::Block, UndeclaredInput::Report) => "what breaks it is refused; undeclared members and parameters pass",
    }
}

const fn answers(document: &Document) -> &'static str {
    match (document.mode, document.answers) {
        (Mode::Off, _) => "not held against it",
        (Mode::Observe, _) => "leave as they are",
        (Mode::Block, UndeclaredOutput::Strip) => "undeclared members are taken out",
        (Mode::Block, UndeclaredOutput::Refuse) => "those with anything undeclared do not leave",
        (Mode::Block, UndeclaredOutput::Report) => "undeclared members leave, but those that are `writeOnly`",
    }
}

fn weaker(document: &Document) -> Vec<Weakness> {
    let mut weaker = Vec::new();
    match document.mode {
        Mode::Block => {}
        Mode::Observe => weaker.push(Weakness::new("nothing is refused by the document", "`mode = \"observe\"`")),
        Mode::Off => {
            weaker.push(Weakness::new("requests and answers are not held against the document", "`mode = \"off\"`"));
        }
    }
    if document.mode == Mode::Block && document.undeclared == UndeclaredInput::Report {
        weaker.push(Weakness::new("clients may set members that no document declares", "`undeclared = \"report\"`"));
    }
    if document.mode == Mode::Block && document.answers == UndeclaredOutput::Report {
        weaker.push(Weakness::new("what the upstream answers too much leaves", "`answers = \"report\"`"));
    }
    weaker
}
