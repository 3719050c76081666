//! Who calls. Each kind of credential is judged in a file of its own; this one finds the credential of a request and keeps to the
//! order: cheap refusals first, and nothing that is cached decides alone.

mod bearer;
mod certificate;
mod cross_site;
mod possession;
mod presented;
mod verified;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use bartizan_policy::{Access, CredentialKind, Principal, Timestamp};
use bartizan_token::{Binding, DpopRules, Fingerprint};

use self::presented::{Presented, presented, remove_credentials, remove_session};
use super::limit;
use super::route::Routed;
use crate::exchange::{Exchange, Trail};
use crate::gate::Gate;
use crate::refusal::Refusal;
use crate::route::CompiledRoute;

pub(crate) use self::verified::VerifiedTokens;
pub(crate) use self::webhook::WebhookCaller;

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
    /// What has to be proven with each request that shows it.
    binding: Binding,
    dpop: DpopRules,
    /// When it was verified, not merely found again.
    verified_at: Timestamp,
    /// For how long from then that counts.
    trusted_for: Duration,
}

impl Known {
    /// A credential that is bound to nothing, verified now.
    pub(crate) fn unbound(principal: Principal, fingerprint: Fingerprint, verified_at: Timestamp) -> Self {
        let (binding, dpop) = (Binding::default(), DpopRules::default());
        Self { principal, fingerprint, binding, dpop, verified_at, trusted_for: verified::TRUSTED_FOR }
    }
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

/// Finds out who calls. A route that looks at no credentials leaves them alone: they are between the client and the upstream.
pub(super) async fn authenticate(mut routed: Routed, gate: &Gate, trail: &mut Trail) -> Result<Authenticated, Refusal> {
    if routed.route().rules.credentials.is_empty() {
        return Ok(Authenticated { routed, caller: None });
    }
    let Some(presented) = of_request(&routed)? else { return Ok(Authenticated { routed, caller: None }) };
    let client = routed.exchange().client;
    limit::may_try_credential(gate, client).await?;
    let verdict = match &presented {
        Shown::Field(presented) => verify(presented, &routed, gate).await,
        Shown::Certificate => certificate::verify(routed.exchange(), gate),
        Shown::Webhook(sender) => webhook::verify(sender, &mut routed, gate, trail).await,
    };
    if verdict.as_ref().is_err_and(Refusal::is_failed_credential) {
        limit::credential_failed(gate, client).await;
    }
    let caller = match verdict {
        Ok(known) => Some(known),
        // Where anyone may come, a stale token must not shut out who wants to sign in anew; it is nobody's, and goes no further.
        Err(refusal) if refusal.is_about_credential() && is_open(&routed) => {
            trail.observe_refusal(&refusal);
            remove_credentials(&mut routed.exchange_mut().head.headers);
            None
        }
        Err(refusal) => return Err(refusal),
    };
    if let Some(known) = &caller {
        trail.authenticated(&known.principal);
        // They open the gate, not the upstream: whoever reads the upstream's logs must not find them there.
        match known.principal.credential {
            CredentialKind::ApiKey => remove_credentials(&mut routed.exchange_mut().head.headers),
            CredentialKind::Session => remove_session(&mut routed.exchange_mut().head.headers),
            _ => {}
        }
    }
    Ok(Authenticated { routed, caller })
}

/// Whether the route takes anybody. A message that its sender did not sign is never taken for anybody's.
fn is_open(routed: &Routed) -> bool {
    routed.route().rules.access == Access::Public && routed.route().webhook.is_none()
}

/// Where the credential of a request stands.
enum Shown {
    Field(Presented),
    /// On the connection: it speaks only where nothing in the request does.
    Certificate,
    /// In the message as a whole.
    Webhook(Arc<WebhookCaller>),
}

fn of_request(routed: &Routed) -> Result<Option<Shown>, Refusal> {
    let (exchange, route) = (routed.exchange(), routed.route());
    if let Some(sender) = &route.webhook {
        return Ok(Some(Shown::Webhook(sender.clone())));
    }
    if let Some(presented) = presented(&exchange.head.headers)? {
        return Ok(Some(Shown::Field(presented)));
    }
    let has_certificate = exchange.connection.certificate.is_some() && route.accepts(CredentialKind::Mtls);
    Ok(has_certificate.then_some(Shown::Certificate))
}

async fn verify(presented: &Presented, routed: &Routed, gate: &Gate) -> Result<Arc<Known>, Refusal> {
    let (exchange, route) = (routed.exchange(), routed.route());
    let is_accepted = match presented {
        Presented::Bearer(_) => route.accepts(CredentialKind::Bearer),
        // A token with its proof is a bearer token and more.
        Presented::Dpop(_) => route.accepts(CredentialKind::Dpop) || route.accepts(CredentialKind::Bearer),
        Presented::ApiKey(_) => route.accepts(CredentialKind::ApiKey),
        Presented::Session(_) => route.accepts(CredentialKind::Session),
        Presented::OtherScheme => return Err(Refusal::CredentialRefused("unsupported-scheme")),
    };
    if !is_accepted {
        return Err(Refusal::CredentialRefused("kind-not-accepted"));
    }
    if let Presented::Session(cookie) = presented {
        cross_site::check(cookie, exchange, route, gate)?;
    }
    let now = exchange.now();
    let known = match presented {
        Presented::Bearer(token) | Presented::Dpop(token) => bearer::verify(token, gate, now).await?,
        Presented::ApiKey(key) => api_key(key, gate, now)?,
        Presented::Session(cookie) => session(cookie, gate, now).await?,
        Presented::OtherScheme => return Err(Refusal::CredentialRefused("unsupported-scheme")),
    };
    // Asked every time, cached or not: a cache must never keep alive what was revoked.
    if gate.is_revoked(&known.principal) {
        return Err(Refusal::CredentialRefused("revoked"));
    }
    if matches!(presented, Presented::Dpop(_)) || !known.binding.is_none() {
        possession::prove(&known, presented, exchange, gate).await?;
    }
    Ok(known)
}

fn api_key(key: &str, gate: &Gate, now: Timestamp) -> Result<Arc<Known>, Refusal> {
    match gate.api_keys.verify(key, now) {
        Ok(principal) => Ok(Arc::new(Known::unbound(principal, Fingerprint::of(key), now))),
        Err(fault) => Err(Refusal::CredentialRefused(fault.code())),
    }
}

async fn session(cookie: &str, gate: &Gate, now: Timestamp) -> Result<Arc<Known>, Refusal> {
    let sessions = gate.sessions.as_ref().ok_or(Refusal::CredentialRefused("no-sessions-here"))?;
    let principal = sessions.principal(cookie).get().await.ok_or(Refusal::CredentialRefused("unknown-session"))?;
    Ok(Arc::new(Known::unbound((*principal).clone(), Fingerprint::of(cookie), now)))
}
