use std::collections::BTreeMap;

use super::counter::{Counters, Label};
use super::family::{Family, Snapshot};
use crate::event::RequestEvent;

static AUTHENTICATED: Family = Family::counter(
    "bartizan_authenticated_requests_total",
    "Requests whose credential held, by its kind.",
    &["credential"],
);
static INTROSPECTIONS: Family = Family::counter(
    "bartizan_introspection_requests_total",
    "Questions to issuers about their tokens, by what became of them.",
    &["outcome"],
);

/// Credentials.
#[derive(Debug, Default)]
pub struct CredentialMetrics {
    introspections: Counters<IntrospectionOutcome>,
}

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

impl Label for IntrospectionOutcome {
    const ALL: &'static [Self] = &[Self::Answered, Self::Failed, Self::Shed];

    fn index(self) -> usize {
        self as usize
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Shed => "shed",
        }
    }
}

impl CredentialMetrics {
    /// Counts a question to an issuer about one of its tokens.
    pub fn introspected(&self, outcome: IntrospectionOutcome) {
        self.introspections.increment(outcome);
    }

    pub(super) fn collect(&self, derived: &super::Derived, into: &mut Snapshot) {
        let mut authenticated = into.family(&AUTHENTICATED);
        for (kind, count) in &derived.credentials.authenticated {
            authenticated.whole(&[kind], *count);
        }
        let mut introspections = into.family(&INTROSPECTIONS);
        for (outcome, count) in self.introspections.iter() {
            introspections.whole(&[outcome], count);
        }
    }
}

/// What events tell of credentials.
#[derive(Debug, Default)]
pub(super) struct Derived {
    authenticated: BTreeMap<&'static str, u64>,
}

impl Derived {
    pub(super) fn observe(&mut self, request: &RequestEvent) {
        if let Some(kind) = request.credential {
            *self.authenticated.entry(kind).or_default() += 1;
        }
    }
}
