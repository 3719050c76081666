use std::collections::HashMap;
use std::sync::Arc;

use bartizan_policy::{
    Authentication, CredentialKind, IssuerName, Principal, PrincipalKind, Strength, Subject, Timestamp, TokenId,
};
use serde_json::{Map, Value};

use super::{ApiKeyHash, parse};

/// What the gate keeps of an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// The key's id, as it stands in the key.
    pub id: TokenId,
    /// The hash of the key.
    pub hash: ApiKeyHash,
    /// What the key stands for: an integration, never a person.
    pub subject: Subject,
    /// Who answers for the key; found as the attribute `owner`.
    pub owner: Option<String>,
    /// Roles.
    pub roles: Vec<Arc<str>>,
    /// Scopes.
    pub scopes: Vec<Arc<str>>,
    /// When the key ends.
    pub expires_at: Option<Timestamp>,
}

/// Why an API key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// Not of the form of a key.
    #[error("the API key is malformed")]
    Malformed,
    /// Cut off or mistyped.
    #[error("the API key's checksum is wrong")]
    WrongChecksum,
    /// No such key.
    #[error("the API key is not known")]
    Unknown,
    /// Its end has passed.
    #[error("the API key has expired")]
    Expired,
}

impl ApiKeyError {
    /// A stable name for events and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongChecksum => "wrong-checksum",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
        }
    }
}

/// What is wrong with the configured keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Two keys with one id.
    #[error("two API keys have the id `{id}`")]
    DuplicateId {
        /// The id.
        id: TokenId,
    },
    /// One key under two ids: what is revoked under one would live on under the other.
    #[error("the API keys `{one}` and `{other}` have the same hash")]
    DuplicateHash {
        /// The first.
        one: TokenId,
        /// The second.
        other: TokenId,
    },
}

/// The API keys that are accepted.
#[derive(Clone, Debug)]
pub struct ApiKeys {
    records: HashMap<TokenId, ApiKeyRecord>,
}

impl ApiKeys {
    /// The issuer of every principal made here.
    pub const ISSUER: &'static str = "api-keys";

    /// Takes the records.
    ///
    /// # Errors
    /// [`RecordError`] if two records share an id or a hash.
    pub fn new(records: Vec<ApiKeyRecord>) -> Result<Self, RecordError> {
        let mut by_hash: HashMap<ApiKeyHash, TokenId> = HashMap::new();
        let mut by_id = HashMap::new();
        for record in records {
            let id = record.id.clone();
            if let Some(one) = by_hash.insert(record.hash, id.clone()).filter(|one| *one != id) {
                return Err(RecordError::DuplicateHash { one, other: id });
            }
            if by_id.insert(id.clone(), record).is_some() {
                return Err(RecordError::DuplicateId { id });
            }
        }
        Ok(Self { records: by_id })
    }

    /// Judges `key` as of `now`. A key of an unknown id costs the same hash and comparison as a wrong one of a known id, so that
    /// the time tells nobody which ids exist.
    ///
    /// # Errors
    /// An [`ApiKeyError`].
    pub fn verify(&self, key: &str, now: Timestamp) -> Result<Principal, ApiKeyError> {
        const NOBODY: [u8; 32] = [0; 32];
        let id = parse(key)?;
        let record = self.records.get(&TokenId::from(id));
        let expected = record.map_or(ApiKeyHash::from(NOBODY), |record| record.hash);
        let is_the_key = expected.matches(&ApiKeyHash::of(key));
        let record = record.filter(|_| is_the_key).ok_or(ApiKeyError::Unknown)?;
        if record.expires_at.is_some_and(|end| now >= end) {
            return Err(ApiKeyError::Expired);
        }
        Ok(record.principal())
    }
}

impl ApiKeyRecord {
    fn principal(&self) -> Principal {
        let owner = self.owner.as_ref().map(|owner| ("owner".to_owned(), Value::from(owner.as_str())));
        Principal {
            subject: self.subject.clone(),
            issuer: IssuerName::from(ApiKeys::ISSUER),
            kind: PrincipalKind::ApiKey,
            credential: CredentialKind::ApiKey,
            strength: Strength::Full,
            token_id: Some(self.id.clone()),
            client: None,
            roles: self.roles.clone(),
            scopes: self.scopes.clone(),
            attributes: owner.into_iter().collect::<Map<_, _>>(),
            authentication: Authentication::default(),
            issued_at: None,
            expires_at: self.expires_at,
        }
    }
}
