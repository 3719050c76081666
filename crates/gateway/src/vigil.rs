//! Whether an exchange that outlives its request may go on: what was decided once is decided again while it lasts.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bartizan_evidence::CloseCause;
use bartizan_policy::{Access, Facts, Principal, RevocationSet, Timestamp, decide};

use crate::pipeline::{Known, Parameters};
use crate::ports::Revocations;
use crate::route::CompiledRoute;

/// How often it is looked. A revocation ends a stream within this time, an expiry at once.
pub(crate) const EVERY: Duration = Duration::from_secs(2);

/// The revocations in force, whichever configuration is: streams that began under an older one hear of a newer one's.
#[derive(Default)]
pub(crate) struct Standing {
    configured: Mutex<Arc<RevocationSet>>,
    shared: Option<Arc<dyn Revocations>>,
}

impl Standing {
    pub(crate) fn new(shared: Option<Arc<dyn Revocations>>) -> Self {
        Self { configured: Mutex::default(), shared }
    }

    /// Puts a configuration's revocations in force.
    pub(crate) fn put(&self, configured: Arc<RevocationSet>) {
        *self.configured.lock().unwrap_or_else(PoisonError::into_inner) = configured;
    }

    fn stops(&self, principal: &Principal) -> bool {
        let configured = self.configured.lock().unwrap_or_else(PoisonError::into_inner).clone();
        configured.stops(principal) || self.shared.as_ref().is_some_and(|shared| shared.stops(principal))
    }
}

/// Watches over one exchange.
pub(crate) struct Vigil {
    pub(crate) caller: Option<Arc<Known>>,
    pub(crate) route: Arc<CompiledRoute>,
    pub(crate) client: IpAddr,
    pub(crate) parameters: Parameters,
    pub(crate) standing: Arc<Standing>,
}

impl Vigil {
    /// Why the exchange must end now, if it must.
    pub(crate) fn ended(&self, now: SystemTime) -> Option<CloseCause> {
        let now = Timestamp::from(now);
        let caller = self.caller.as_ref().map(|known| &known.principal);
        if let Some(caller) = caller {
            if caller.expires_at.is_some_and(|end| end <= now) {
                return Some(CloseCause::CredentialExpired);
            }
            if self.standing.stops(caller) {
                return Some(CloseCause::Revoked);
            }
        }
        let facts = Facts { client: self.client, parameters: &self.parameters, now };
        decide(&self.route.rules.access, caller, facts).is_err().then_some(CloseCause::NoLongerPermitted)
    }

    /// How long until it has to be looked again.
    pub(crate) fn next(&self, now: SystemTime) -> Duration {
        let end = self.caller.as_ref().and_then(|known| known.principal.expires_at);
        let left = end.map_or(EVERY, |end| end.since(Timestamp::from(now)));
        // A moment late rather than a moment early: then it would be looked twice.
        left.min(EVERY) + Duration::from_millis(1)
    }

    /// Whether anything can end the exchange at all; if not, nobody has to look.
    pub(crate) fn is_needed(&self) -> bool {
        self.caller.is_some() || self.route.rules.access != Access::Public
    }
}
