use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bartizan_policy::Timestamp;
use bartizan_token::Fingerprint;

use super::Known;

const SHARDS: usize = 64;
const PER_SHARD: usize = 1024;
/// A token is verified again this often: a key that its issuer withdrew must not live on in the cache.
pub(super) const TRUSTED_FOR: Duration = Duration::from_mins(5);

impl Known {
    /// A token about to expire is verified again, so that leeway is applied in one place only.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let age = now.since(self.verified_at);
        self.verified_at <= now && age < self.trusted_for && self.principal.expires_at.is_none_or(|end| now < end)
    }
}

/// Tokens that were verified already, by their hash: an ES256 verification costs more than all the rest of a request.
pub(crate) struct VerifiedTokens(Box<[Shard]>);

type Shard = Mutex<HashMap<Fingerprint, Arc<Known>>>;

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

impl VerifiedTokens {
    pub(super) fn find(&self, fingerprint: &Fingerprint, now: Timestamp) -> Option<Arc<Known>> {
        let held = self.shard(fingerprint)?.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(fingerprint).filter(|known| known.is_fresh(now)).cloned()
    }

    pub(super) fn remember(&self, known: &Arc<Known>, now: Timestamp) {
        let Some(shard) = self.shard(&known.fingerprint) else { return };
        let mut held = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= PER_SHARD {
            held.retain(|_, known| known.is_fresh(now));
        }
        if held.len() >= PER_SHARD {
            // Full of valid tokens: verifying anew is a cost, not a fault.
            held.clear();
        }
        held.insert(known.fingerprint, known.clone());
    }

    fn shard(&self, fingerprint: &Fingerprint) -> Option<&Shard> {
        let first = fingerprint.as_bytes().first().copied().unwrap_or(0);
        self.0.get(usize::from(first) % SHARDS)
    }
}

#[cfg(test)]
mod tests {
    use bartizan_policy::{Authentication, CredentialKind, Principal, PrincipalKind, Strength};

    use super::*;

    fn known(verified_at: Timestamp, expires_at: Option<Timestamp>) -> Arc<Known> {
        let principal = Principal {
            subject: "alice".into(),
            issuer: "https://login.example.com".into(),
            kind: PrincipalKind::User,
            credential: CredentialKind::Bearer,
            strength: Strength::Full,
            token_id: None,
            client: None,
            roles: Vec::new(),
            scopes: Vec::new(),
            attributes: serde_json::Map::new(),
            authentication: Authentication::default(),
            issued_at: None,
            expires_at,
        };
        Arc::new(Known::unbound(principal, Fingerprint::of("token"), verified_at))
    }

    #[test]
    fn a_cached_token_is_forgotten_at_its_end_and_verified_again_after_five_minutes() {
        let at = Timestamp::from_unix;
        let tokens = VerifiedTokens::default();
        let found = |now| tokens.find(&Fingerprint::of("token"), at(now)).is_some();

        tokens.remember(&known(at(1000), Some(at(1100))), at(1000));
        assert_eq!([1000, 1099, 1100].map(found), [true, true, false]);

        tokens.remember(&known(at(1000), None), at(1000));
        assert_eq!([1299, 1300].map(found), [true, false], "its issuer may have withdrawn the key");
        assert!(!found(999), "the clock was set back: nothing is known of then");
    }

    #[test]
    fn the_cache_does_not_grow_with_the_number_of_tokens() {
        let tokens = VerifiedTokens::default();
        for number in 0..100_000_u32 {
            let mut known = Arc::try_unwrap(known(Timestamp::from_unix(0), None)).ok().unwrap();
            known.fingerprint = Fingerprint::of(&number.to_string());
            tokens.remember(&Arc::new(known), Timestamp::from_unix(0));
        }
        let held: usize = tokens.0.iter().map(|shard| shard.lock().unwrap().len()).sum();
        assert!(held <= SHARDS * PER_SHARD, "{held} tokens held");
    }
}
