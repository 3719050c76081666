use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::exposition::Page;

/// What became of a question to an issuer about one of its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntrospectionOutcome {
    /// It answered.
    Answered,
    /// It did not, or with something that is no answer.
    Failed,
    /// It was not asked: it failed too often just now, or has too many questions.
    Shed,
}

impl IntrospectionOutcome {
    const ALL: [Self; 3] = [Self::Answered, Self::Failed, Self::Shed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Shed => "shed",
        }
    }
}

/// Questions to issuers, by what became of them.
#[derive(Debug, Default)]
pub(super) struct Introspections([AtomicU64; IntrospectionOutcome::ALL.len()]);

impl Introspections {
    pub(super) fn count(&self, outcome: IntrospectionOutcome) {
        if let Some(counter) = self.0.get(outcome as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub(super) fn render(page: &mut Page, accepted: &BTreeMap<&'static str, u64>, introspections: &Introspections) {
    page.counter("bartizan_authenticated_requests_total", "Requests whose credential held, by its kind.");
    for (kind, count) in accepted {
        page.sample("bartizan_authenticated_requests_total", &[("credential", kind)], *count);
    }
    page.counter("bartizan_introspection_requests_total", "Questions to issuers about their tokens, by outcome.");
    for (outcome, count) in IntrospectionOutcome::ALL.iter().zip(&introspections.0) {
        let labels = [("outcome", outcome.as_str())];
        page.sample("bartizan_introspection_requests_total", &labels, count.load(Ordering::Relaxed));
    }
}
