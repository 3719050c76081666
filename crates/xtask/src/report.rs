//! What a task says, line by line, and how many of the lines were faults.

use std::io::Write;

/// Faults fail the task, notes do not.
pub(crate) struct Report {
    out: Box<dyn Write>,
    faults: usize,
}

impl Report {
    pub(crate) fn to_standard_error() -> Self {
        Self { out: Box::new(std::io::stderr()), faults: 0 }
    }

    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self { out: Box::new(std::io::sink()), faults: 0 }
    }

    pub(crate) fn fault(&mut self, culprit: &str, remedy: &str) {
        self.faults += 1;
        self.line(&format!("error: {culprit}\n  remedy: {remedy}"));
    }

    pub(crate) fn note(&mut self, text: &str) {
        self.line(&format!("note: {text}"));
    }

    pub(crate) fn line(&mut self, text: &str) {
        // A closed pipe must not fail a check that passed; the exit code tells the outcome.
        let _ = writeln!(self.out, "{text}");
    }

    pub(crate) fn faults(&self) -> usize {
        self.faults
    }
}
