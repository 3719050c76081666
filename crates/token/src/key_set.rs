use std::sync::Arc;

use serde_json::Value;

use crate::jwk::PublicJwk;
use crate::{SkipReason, json};

/// The public keys of an issuer (`RFC 7517 §5`); cheap to clone.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Arc<[PublicJwk]>,
    skipped: Arc<[SkippedKey]>,
}

/// A key of the document that is not used. The rest of the set still is (`RFC 7517 §5`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Its place in `keys`, from 0.
    pub index: usize,
    /// Why it is not used.
    pub reason: SkipReason,
}

/// Why a document is no key set at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// Longer than 256 KiB.
    #[error("the key set is longer than 256 KiB")]
    TooLong,
    /// Not one strict JSON object with an array `keys`.
    #[error("the key set is not a JSON object with an array `keys`, or names a member twice")]
    Malformed,
    /// More than 100 keys.
    #[error("the key set holds more than 100 keys")]
    TooManyKeys,
}

impl KeySet {
    /// The longest document that is read.
    pub const MAX_BYTES: usize = 256 * 1024;
    /// The most keys that a document may hold.
    pub const MAX_KEYS: usize = 100;

    /// Reads a key set. Keys that are unfit for verifying signatures are left out and listed by [`KeySet::skipped`].
    ///
    /// # Errors
    /// A [`KeySetError`] if the document as a whole is unfit.
    pub fn parse(document: &[u8]) -> Result<Self, KeySetError> {
        if document.len() > Self::MAX_BYTES {
            return Err(KeySetError::TooLong);
        }
        let members = json::object(document).map_err(|_| KeySetError::Malformed)?;
        let Some(Value::Array(entries)) = members.get("keys") else {
            return Err(KeySetError::Malformed);
        };
        if entries.len() > Self::MAX_KEYS {
            return Err(KeySetError::TooManyKeys);
        }
        let mut keys: Vec<PublicJwk> = Vec::new();
        let mut skipped = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let key = entry.as_object().ok_or(SkipReason::Malformed).and_then(PublicJwk::parse);
            match key {
                Ok(key) if keys.iter().any(|known| known.is_same_key(&key)) => {
                    skipped.push(SkippedKey { index, reason: SkipReason::Duplicate });
                }
                Ok(key) => keys.push(key),
                Err(reason) => skipped.push(SkippedKey { index, reason }),
            }
        }
        Ok(Self { keys: keys.into(), skipped: skipped.into() })
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can be used.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that were left out.
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &PublicJwk> {
        self.keys.iter()
    }

    pub(crate) fn has_id(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id.as_deref() == Some(id))
    }
}
