use super::closed::{Journal, Undeclared, declared_texts, undeclared};
use super::content::DeclaredText;
use super::fault::{Fault, MOST_FAULTS, Path};
use super::{SchemaId, Schemas};
use crate::json::Json;

/// Whose message it is: a member may be the server's alone to set, or the client's alone to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client: `readOnly` members are not its to send.
    Request,
    /// From the upstream: `writeOnly` members do not leave.
    Answer,
}

/// What becomes of members that no schema declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// They are found, even where the document is silent about them.
    World(Direction),
    /// As JSON Schema has it: what is not forbidden is allowed.
    Standard,
}

/// What a validation found.
#[derive(Debug, Default)]
pub struct Judged {
    /// What does not hold; empty if everything does.
    pub faults: Vec<Fault>,
    /// Members that no schema declares, or that go the wrong way.
    pub undeclared: Vec<Undeclared>,
    /// Strings of which a schema says what they hold.
    pub texts: Vec<DeclaredText>,
}

impl Judged {
    /// Whether nothing was found.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty() && self.undeclared.is_empty()
    }
}

/// Steps that a validation may take beyond those that its value's size explains: alternatives within alternatives could take
/// exponentially many.
const FREE_STEPS: u64 = 100_000;
/// Steps for each byte of the text.
const STEPS_PER_BYTE: u64 = 64;
/// How deep schemas may lead into each other for one value, places inside it included. A schema that leads to itself without going
/// into the value would go on for ever.
pub(super) const DEEPEST: usize = 256;

impl Schemas {
    /// Holds `value` against a schema.
    pub fn judge(&self, id: SchemaId, value: &Json, closed: Closed) -> Judged {
        let bytes = u64::from(value.end.saturating_sub(value.start));
        let mut run = Run {
            schemas: self,
            journal: Journal::new(matches!(closed, Closed::World(_))),
            direction: match closed {
                Closed::World(direction) => Some(direction),
                Closed::Standard => None,
            },
            faults: Vec::new(),
            probing: 0,
            scope: Vec::new(),
            steps: FREE_STEPS + STEPS_PER_BYTE * bytes,
            depth: 0,
            inherits: false,
            cost: None,
        };
        let holds = run.enter(id, value, &Path::Root);
        let mut faults = run.faults;
        if let Some(cost) = run.cost {
            faults = vec![Fault {
                pointer: String::new(),
                rule: cost,
                message: "this cannot be checked within its limits".to_owned(),
            }];
        } else if !holds && faults.is_empty() {
            let message = "does not match the schema".to_owned();
            faults.push(Fault { pointer: String::new(), rule: "schema", message });
        }
        let texts = declared_texts(value, &mut run.journal);
        let undeclared = if run.journal.is_active { undeclared(value, run.journal) } else { Vec::new() };
        Judged { faults, undeclared, texts }
    }
}

/// One validation.
pub(super) struct Run<'s> {
    pub(super) schemas: &'s Schemas,
    pub(super) journal: Journal,
    pub(super) direction: Option<Direction>,
    faults: Vec<Fault>,
    /// Within how many alternatives it only asks whether they hold.
    pub(super) probing: usize,
    /// The schema resources that led here, outermost first (`JSON Schema Core §8.2.3.2`).
    pub(super) scope: Vec<u32>,
    steps: u64,
    pub(super) depth: usize,
    /// It came here by the `allOf` of a schema that a discriminator named.
    pub(super) inherits: bool,
    /// Which limit ended it.
    cost: Option<&'static str>,
}

impl Run<'_> {
    /// Notes a fault, and says no.
    pub(super) fn fail(&mut self, at: &Path<'_>, rule: &'static str, message: impl FnOnce() -> String) -> bool {
        if self.probing == 0 && self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault { pointer: at.pointer(), rule, message: message() });
        }
        false
    }

    /// Whether a first fault is enough.
    pub(super) const fn is_hurried(&self) -> bool {
        self.probing > 0 || self.cost.is_some()
    }

    /// Takes a step, if there are any left.
    pub(super) fn step(&mut self) -> bool {
        if self.steps == 0 {
            self.cost.get_or_insert("too-costly");
        } else if self.depth > DEEPEST {
            self.cost.get_or_insert("too-deep");
        }
        self.steps = self.steps.saturating_sub(1);
        self.cost.is_none()
    }

    /// A pattern that could not be judged within its limits: nobody knows, so no.
    pub(super) fn give_up(&mut self, rule: &'static str) -> bool {
        self.cost.get_or_insert(rule);
        false
    }

    /// Whether a schema holds; what it finds is forgotten if it does not, and no fault is noted.
    pub(super) fn probe(&mut self, holds: impl FnOnce(&mut Self) -> bool) -> bool {
        let mark = self.journal.mark();
        self.probing += 1;
        let holds = holds(self);
        self.probing -= 1;
        if !holds {
            self.journal.forget(mark);
        }
        holds
    }
}
