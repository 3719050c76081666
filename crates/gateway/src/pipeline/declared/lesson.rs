use std::sync::Arc;
use std::time::SystemTime;

use bartizan_inspect::json::Json;
use bartizan_inspect::learn::{LearnedAnswer, LearnedRequest, Learning};
use bartizan_inspect::openapi::{Filtered, Located, Pairing, Unfit};
use bartizan_inspect::schema::Fault;

use crate::config::Contract;
use crate::gate::Gate;

/// What one request, and its answer, is learned under.
pub(super) struct Lesson {
    learning: Arc<Learning>,
    api: Arc<str>,
    operation: String,
    now: u64,
    content_type: Option<String>,
}

impl Lesson {
    pub(super) fn of(contract: &Contract, gate: &Gate, arrived: SystemTime, content_type: Option<&str>) -> Self {
        let since = arrived.duration_since(SystemTime::UNIX_EPOCH);
        Self {
            learning: gate.learning.clone(),
            api: contract.api.clone(),
            operation: contract.operation.to_string(),
            now: since.map_or(0, |since| since.as_secs()),
            content_type: content_type.map(str::to_owned),
        }
    }

    pub(super) fn request(&self, path: &[Pairing], query: &str, body: Option<&Json>, faults: &[Located]) {
        let request = LearnedRequest { path, query, content_type: self.content_type.as_deref(), body, faults };
        self.learning.request(&self.api, &self.operation, &request, self.now);
    }

    pub(super) fn answer(&self, status: u16, body: Option<&Json>, faults: &[Fault]) {
        let answer = LearnedAnswer { status, content_type: self.content_type.as_deref(), body, faults };
        self.learning.answer(&self.api, &self.operation, &answer, self.now);
    }

    /// What filtering an answer came to.
    pub(super) fn filtered(&self, status: u16, outcome: &Result<Filtered, Unfit>) {
        let fault = |pointer: &str, rule| Fault { pointer: pointer.to_owned(), rule, message: String::new() };
        match outcome {
            Ok(filtered) => {
                let undeclared = filtered.found.iter().map(|pointer| fault(pointer, "undeclared"));
                let faults: Vec<Fault> = filtered.faults.iter().cloned().chain(undeclared).collect();
                self.answer(status, Some(&filtered.json), &faults);
            }
            Err(Unfit::Json(unreadable)) => self.answer(status, None, &[fault("", unreadable.kind.code())]),
            Err(Unfit::TooMuch) => self.answer(status, None, &[fault("", "answer-too-much-undeclared")]),
        }
    }
}
