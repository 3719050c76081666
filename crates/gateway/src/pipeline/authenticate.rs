use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bartizan_controls::authn;
use bartizan_policy::{Access, CredentialKind, Principal, Timestamp};
use bartizan_token::{Fingerprint, TokenError, looks_like_api_key};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::limit;
use super::route::Routed;
use crate::exchange::{Exchange, Trail};
use crate::gate::Gate;
use crate::refusal::Refusal;
use crate::route::CompiledRoute;

/// The field in which an API key may stand beside `Authorization`.
pub(super) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// The cookie of the gate's own sessions.
const SESSION_COOKIE: &str = "__Host-bartizan";

/// A request whose caller is known, or known to be nobody.
pub(crate) struct Authenticated {
    routed: Routed,
    caller: Option<Arc<Known>>,
}

/// A verified credential.
pub(crate) struct Known {
    pub(crate) principal: Principal,
    /// Names the credential in caches without being it.
    pub(crate) fingerprint: Fingerprint,
    /// When it was verified, not merely found again.
    verified_at: Timestamp,
}

impl Authenticated {
    pub(super) fn exchange(&self) -> &Exchange {
        self.routed.exchange()
    }

    pub(super) fn exchange_mut(&mut self) -> &mut Exchange {
        self.routed.exchange_mut()
    }

    pub(super) fn route(&self) -> &Arc<CompiledRoute> {
        self.routed.route()
    }

    pub(super) fn parameters(&self) -> &[(Arc<str>, String)] {
        self.routed.parameters()
    }

    pub(super) fn caller(&self) -> Option<&Principal> {
        self.caller.as_ref().map(|known| &known.principal)
    }

    pub(super) fn into_parts(self) -> (Routed, Option<Arc<Known>>) {
        (self.routed, self.caller)
    }
}

/// A credential as it stands in the request.
#[derive(PartialEq)]
enum Presented {
    Bearer(String),
    ApiKey(String),
    Session(String),
    /// Something in `Authorization` that the gate cannot judge.
    OtherScheme,
}

/// Finds out who calls. A route that looks at no credentials leaves them alone: they are between the client and the upstream.
pub(super) async fn authenticate(mut routed: Routed, gate: &Gate, trail: &mut Trail) -> Result<Authenticated, Refusal> {
    if routed.route().rules.credentials.is_empty() {
        return Ok(Authenticated { routed, caller: None });
    }
    let Some(presented) = presented(&routed.exchange().head.headers)? else {
        return Ok(Authenticated { routed, caller: None });
    };
    let client = routed.exchange().client;
    limit::may_try_credential(gate, client).await?;
    let verdict = verify(&presented, routed.route(), gate, routed.exchange().now()).await;
    if let Err(Refusal::CredentialRefused(_)) = verdict {
        limit::credential_failed(gate, client).await;
    }
    let caller = match verdict {
        Ok(known) => Some(known),
        // Where anyone may come, a stale token must not shut out who wants to sign in anew; it is nobody's, and goes no further.
        Err(Refusal::CredentialRefused(code)) if routed.route().rules.access == Access::Public => {
            trail.observe(authn::BEARER.id, code);
            remove_credentials(&mut routed.exchange_mut().head.headers);
            None
        }
        Err(refusal) => return Err(refusal),
    };
    if let Some(known) = &caller {
        trail.authenticated(&known.principal);
        if known.principal.credential == CredentialKind::ApiKey {
            // A key opens the gate, not the upstream: whoever reads the upstream's logs must not find it there.
            remove_credentials(&mut routed.exchange_mut().head.headers);
        }
    }
    Ok(Authenticated { routed, caller })
}

fn remove_credentials(headers: &mut HeaderMap) {
    headers.remove(header::AUTHORIZATION);
    headers.remove(X_API_KEY);
}

/// The one credential of a request. With two, gate and upstream could each look at another one.
fn presented(headers: &HeaderMap) -> Result<Option<Presented>, Refusal> {
    let candidates = [
        sole(headers, &header::AUTHORIZATION, "repeated-authorization")?.map(authorization),
        sole(headers, &X_API_KEY, "repeated-api-key")?.map(|key| Presented::ApiKey(text(key))),
        session_cookie(headers)?.map(Presented::Session),
    ];
    let mut found = candidates.into_iter().flatten();
    let first = found.next();
    if found.any(|other| Some(&other) != first.as_ref()) {
        return Err(Refusal::AmbiguousCredentials("different-credentials"));
    }
    Ok(first)
}

fn sole<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    fault: &'static str,
) -> Result<Option<&'a HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() { Err(Refusal::AmbiguousCredentials(fault)) } else { Ok(first) }
}

fn authorization(value: &HeaderValue) -> Presented {
    let value = text(value);
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            let token = token.trim_start_matches(' ').to_owned();
            if looks_like_api_key(&token) { Presented::ApiKey(token) } else { Presented::Bearer(token) }
        }
        _ => Presented::OtherScheme,
    }
}

/// A field as text; one that is no text cannot be a credential, and matches none.
fn text(value: &HeaderValue) -> String {
    value.to_str().unwrap_or_default().to_owned()
}

fn session_cookie(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut found = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .filter(|(name, _)| *name == SESSION_COOKIE)
        .map(|(_, value)| value.to_owned());
    let first = found.next();
    // Cookie tossing: a second cookie of the name, set by a sibling domain, must not win.
    if found.next().is_some() { Err(Refusal::AmbiguousCredentials("repeated-session-cookie")) } else { Ok(first) }
}

async fn verify(
    presented: &Presented,
    route: &CompiledRoute,
    gate: &Gate,
    now: Timestamp,
) -> Result<Arc<Known>, Refusal> {
    let kind = match presented {
        Presented::Bearer(_) => CredentialKind::Bearer,
        Presented::ApiKey(_) => CredentialKind::ApiKey,
        Presented::Session(_) => CredentialKind::Session,
        Presented::OtherScheme => return Err(Refusal::CredentialRefused("unsupported-scheme")),
    };
    if !route.accepts(kind) {
        return Err(Refusal::CredentialRefused("kind-not-accepted"));
    }
    let known = match presented {
        Presented::Bearer(token) => bearer(token, gate, now).await?,
        Presented::ApiKey(key) => api_key(key, gate, now)?,
        Presented::Session(cookie) => session(cookie, gate, now).await?,
        Presented::OtherScheme => return Err(Refusal::CredentialRefused("unsupported-scheme")),
    };
    // Asked every time, cached or not: a cache must never keep alive what was revoked.
    if gate.is_revoked(&known.principal) {
        return Err(Refusal::CredentialRefused("revoked"));
    }
    Ok(known)
}

async fn bearer(token: &str, gate: &Gate, now: Timestamp) -> Result<Arc<Known>, Refusal> {
    let fingerprint = Fingerprint::of(token);
    if let Some(known) = gate.verified.find(&fingerprint, now) {
        return Ok(known);
    }
    let mut verdict = gate.verifier.verify(token, now);
    if let Err(TokenError::UnknownKey { issuer } | TokenError::KeysUnavailable { issuer }) = &verdict {
        // The issuer may have rotated its keys. The fetch itself is bounded, however many unknown keys are sent.
        gate.keys.refresh(issuer).await;
        verdict = gate.verifier.verify(token, now);
    }
    match verdict {
        Ok(principal) => {
            let known = Arc::new(Known { principal, fingerprint, verified_at: now });
            gate.verified.remember(&known, now);
            Ok(known)
        }
        Err(fault @ TokenError::KeysUnavailable { .. }) => Err(Refusal::CredentialUndecided(fault.code())),
        Err(fault) => Err(Refusal::CredentialRefused(fault.code())),
    }
}

fn api_key(key: &str, gate: &Gate, now: Timestamp) -> Result<Arc<Known>, Refusal> {
    match gate.api_keys.verify(key, now) {
        Ok(principal) => Ok(Arc::new(Known { principal, fingerprint: Fingerprint::of(key), verified_at: now })),
        Err(fault) => Err(Refusal::CredentialRefused(fault.code())),
    }
}

async fn session(cookie: &str, gate: &Gate, now: Timestamp) -> Result<Arc<Known>, Refusal> {
    let sessions = gate.sessions.as_ref().ok_or(Refusal::CredentialRefused("no-sessions-here"))?;
    let principal = sessions.principal(cookie).get().await.ok_or(Refusal::CredentialRefused("unknown-session"))?;
    Ok(Arc::new(Known { principal: (*principal).clone(), fingerprint: Fingerprint::of(cookie), verified_at: now }))
}

const SHARDS: usize = 64;
const PER_SHARD: usize = 1024;
/// A token is verified again this often: a key that its issuer withdrew must not live on in the cache.
const TRUSTED_FOR: Duration = Duration::from_mins(5);

impl Known {
    /// A token about to expire is verified again, so that leeway is applied in one place only.
    fn is_fresh(&self, now: Timestamp) -> bool {
        let age = now.since(self.verified_at);
        self.verified_at <= now && age < TRUSTED_FOR && self.principal.expires_at.is_none_or(|end| now < end)
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
    fn find(&self, fingerprint: &Fingerprint, now: Timestamp) -> Option<Arc<Known>> {
        let held = self.shard(fingerprint)?.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(fingerprint).filter(|known| known.is_fresh(now)).cloned()
    }

    fn remember(&self, known: &Arc<Known>, now: Timestamp) {
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
    use bartizan_policy::{Authentication, PrincipalKind, Strength};

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
        Arc::new(Known { principal, fingerprint: Fingerprint::of("token"), verified_at })
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
