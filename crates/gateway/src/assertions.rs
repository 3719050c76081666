//! `Bartizan-Assertion`: signed rarely, sent always.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bartizan_policy::Timestamp;
use bartizan_token::{AssertionClaims, AssertionSigner, Decision, Fingerprint};
use http::HeaderValue;

use crate::gate::Gate;
use crate::pipeline::Known;
use crate::refusal::Refusal;
use crate::route::CompiledRoute;

const SHARDS: usize = 64;
const PER_SHARD: usize = 1024;

/// Assertions that are still fresh, by caller and route: one signature costs as much as two whole requests, and what it says does
/// not change from one request to the next.
pub(crate) struct Assertions(Box<[Shard]>);

type Shard = Mutex<HashMap<Key, Signed>>;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    caller: Option<Fingerprint>,
    route: u32,
}

struct Signed {
    value: HeaderValue,
    at: Timestamp,
    /// With which key: after a rotation the old key's assertions are not handed out any more.
    by: Arc<AssertionSigner>,
}

impl Default for Assertions {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

impl Assertions {
    /// The assertion for this caller on this route; none if the gate sends none. It is valid for at least half its lifetime.
    pub(crate) fn assertion(
        &self,
        gate: &Gate,
        route: &CompiledRoute,
        caller: Option<&Known>,
        now: Timestamp,
    ) -> Result<Option<HeaderValue>, Refusal> {
        if !gate.config.assertion.enabled {
            return Ok(None);
        }
        let key = Key { caller: caller.map(|known| known.fingerprint), route: route.index };
        let shard = self.shard(key).ok_or(Refusal::Internal("assertion-cache"))?;
        let signer = gate.assertion_keys.current();
        // The signer's, and not the configuration's: a reload changes one of the two, and what is kept too long would have ended.
        let kept = signer.lifetime() / 2;
        let mut held = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signed) = held.get(&key)
            && signed.at <= now
            && now.since(signed.at) < kept
            && Arc::ptr_eq(&signed.by, &signer)
        {
            return Ok(Some(signed.value.clone()));
        }
        let claims = AssertionClaims {
            audience: route.upstream_name(),
            principal: caller.map(|known| &known.principal),
            route: &route.name,
            decision: Decision::Allowed,
        };
        let text = signer.sign(&claims, now).map_err(|_| Refusal::Internal("assertion-unsigned"))?;
        let mut value = HeaderValue::from_str(&text).map_err(|_| Refusal::Internal("assertion-unwritable"))?;
        value.set_sensitive(true);
        if held.len() >= PER_SHARD {
            held.retain(|_, signed| now.since(signed.at) < kept);
        }
        if held.len() >= PER_SHARD {
            held.clear();
        }
        held.insert(key, Signed { value: value.clone(), at: now, by: signer });
        Ok(Some(value))
    }

    fn shard(&self, key: Key) -> Option<&Shard> {
        let first = key.caller.and_then(|caller| caller.as_bytes().first().copied());
        self.0.get(usize::from(first.unwrap_or_default()) % SHARDS)
    }
}
