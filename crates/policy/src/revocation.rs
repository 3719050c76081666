use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::{IssuerName, Principal, Subject, Timestamp, TokenId};

/// Something that must stop working before its own expiry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Revocation {
    /// One token or key.
    Token {
        /// Who issued it.
        issuer: IssuerName,
        /// Its `jti` or key id.
        id: TokenId,
    },
    /// Everything that speaks for a subject and was issued before `before`: signing in again works.
    Subject {
        /// Who vouches for it.
        issuer: IssuerName,
        /// Whom to stop.
        subject: Subject,
        /// Credentials issued at or after this point are fine; `None` stops the subject altogether.
        before: Option<Timestamp>,
    },
    /// Every token of an issuer: its signing key leaked.
    Issuer {
        /// Whom to distrust.
        issuer: IssuerName,
        /// Credentials issued at or after this point are fine; `None` stops the issuer altogether.
        before: Option<Timestamp>,
    },
}

/// All revocations in force, arranged for one look-up per kind.
#[derive(Clone, Debug, Default)]
pub struct RevocationSet {
    tokens: HashSet<(IssuerName, TokenId)>,
    subjects: HashMap<(IssuerName, Subject), Option<Timestamp>>,
    issuers: HashMap<IssuerName, Option<Timestamp>>,
}

impl RevocationSet {
    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.subjects.is_empty() && self.issuers.is_empty()
    }

    /// Whether the principal's credential was revoked. One that does not say when it was issued counts as issued before any
    /// revocation: what cannot be known is refused.
    pub fn stops(&self, principal: &Principal) -> bool {
        if self.is_empty() {
            return false;
        }
        let issued_too_early = |before: &Option<Timestamp>| match (before, principal.issued_at) {
            (Some(before), Some(issued_at)) => issued_at < *before,
            (Some(_), None) | (None, _) => true,
        };
        let issuer = &principal.issuer;
        principal.token_id.as_ref().is_some_and(|id| self.stops_token(issuer, id))
            || self.subjects.get(&(issuer.clone(), principal.subject.clone())).is_some_and(issued_too_early)
            || self.issuers.get(issuer).is_some_and(issued_too_early)
    }
}

impl RevocationSet {
    /// Whether the credential of this id was revoked by itself.
    pub fn stops_token(&self, issuer: &IssuerName, id: &TokenId) -> bool {
        !self.tokens.is_empty() && self.tokens.contains(&(issuer.clone(), id.clone()))
    }
}

impl Extend<Revocation> for RevocationSet {
    fn extend<I: IntoIterator<Item = Revocation>>(&mut self, revocations: I) {
        for revocation in revocations {
            match revocation {
                Revocation::Token { issuer, id } => {
                    self.tokens.insert((issuer, id));
                }
                Revocation::Subject { issuer, subject, before } => {
                    let held = self.subjects.entry((issuer, subject)).or_insert(before);
                    *held = stricter(*held, before);
                }
                Revocation::Issuer { issuer, before } => {
                    let held = self.issuers.entry(issuer).or_insert(before);
                    *held = stricter(*held, before);
                }
            }
        }
    }
}

impl FromIterator<Revocation> for RevocationSet {
    fn from_iter<I: IntoIterator<Item = Revocation>>(revocations: I) -> Self {
        let mut set = Self::default();
        set.extend(revocations);
        set
    }
}

/// Of two revocations of the same thing, the one that stops more: `None` stops all, else the later point.
fn stricter(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.zip(other).map(|(one, other)| one.max(other))
}
