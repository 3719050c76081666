//! A group of endpoints as all workers share it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use bartizan_evidence::{Detail, Event, Name, NodeEvent, Recorder};
use tokio::sync::Notify;

use super::budget::Budget;
use super::endpoint::{Endpoint, Millis, Outcome, Place, millis};
use super::resolve::Name as HostName;
use super::{RemoteTls, outlier, server_name, tls};
use crate::config::{self, EndpointAddress, LinkLocal, Upstream};

/// A group of endpoints, ready to be sent requests.
pub(crate) struct Remote {
    /// Tells the groups of a process apart.
    pub(super) id: u64,
    pub(super) rules: Arc<Upstream>,
    /// Whether it is one endpoint for which nothing was said: then nothing is counted and nothing chosen.
    pub(super) is_plain: bool,
    pub(super) budget: Budget,
    pub(super) counts: Counts,
    pub(super) queue: Queue,
    /// Who gets copies of its traffic.
    pub(super) mirror: Option<Arc<Remote>>,
    tls: Option<Arc<rustls::ClientConfig>>,
    began: Instant,
    recorder: Recorder,
    /// Counts the changes of `members`: workers look at the number, which is one relaxed load.
    version: AtomicU64,
    members: RwLock<Arc<[Arc<Endpoint>]>>,
    ejecting: Mutex<()>,
}

/// What a group counts beside its endpoints.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) retries: AtomicU64,
    pub(super) retries_denied: AtomicU64,
    pub(super) ejections: AtomicU64,
    pub(super) circuits_opened: AtomicU64,
    pub(super) all_down: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) mirrored: AtomicU64,
    pub(super) mirrors_skipped: AtomicU64,
    pub(super) lookup_failures: AtomicU64,
    pub(super) check_failures: AtomicU64,
}

/// Requests that wait for room.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) waiting: AtomicU32,
    pub(super) freed: Notify,
}

impl Remote {
    pub(super) fn new(
        id: u64,
        rules: Arc<Upstream>,
        mirror: Option<Arc<Remote>>,
        began: Instant,
        recorder: Recorder,
    ) -> Result<Self, String> {
        let tls = match &rules.tls {
            Some(tls) => Some(Arc::new(tls::client(tls, rules.protocol)?)),
            None => None,
        };
        let remote = Self {
            id,
            is_plain: is_plain(&rules),
            rules,
            budget: Budget::default(),
            counts: Counts::default(),
            queue: Queue::default(),
            mirror,
            tls,
            began,
            recorder,
            version: AtomicU64::new(1),
            members: RwLock::new(Arc::from([])),
            ejecting: Mutex::new(()),
        };
        if remote.rules.endpoints.is_empty() {
            return Err("has no endpoint".to_owned());
        }
        let members = remote.rules.endpoints.iter().map(|endpoint| remote.member(endpoint).map(Arc::new));
        let members = members.collect::<Result<Arc<[_]>, String>>()?;
        *remote.members.write().unwrap_or_else(PoisonError::into_inner) = members;
        Ok(remote)
    }

    /// As the configuration names it.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.rules.name
    }

    fn member(&self, endpoint: &config::Endpoint) -> Result<Endpoint, String> {
        let place = match &endpoint.address {
            EndpointAddress::Unix(path) => Place::Unix(path.clone()),
            EndpointAddress::Host(host, port) => match host.parse::<std::net::IpAddr>() {
                Ok(address) => Place::Address((address, *port).into()),
                Err(_) => Place::Name(HostName::new(host.clone(), *port, self.link_local(host))),
            },
        };
        self.endpoint(endpoint, endpoint.address.to_string().into(), place)
    }

    /// An endpoint at `place` with the weight and the name of what the configuration has.
    pub(super) fn endpoint(
        &self,
        declared: &config::Endpoint,
        label: Arc<str>,
        place: Place,
    ) -> Result<Endpoint, String> {
        let tls = match &self.tls {
            None => None,
            Some(config) => Some(RemoteTls { config: config.clone(), name: self.server_name(declared)? }),
        };
        Ok(Endpoint::new(label, place, u32::from(declared.weight.get()), tls, self.rules.breaker))
    }

    fn server_name(&self, declared: &config::Endpoint) -> Result<rustls::pki_types::ServerName<'static>, String> {
        let said = self.rules.tls.as_ref().and_then(|tls| tls.server_name.as_deref());
        let host = match &declared.address {
            EndpointAddress::Host(host, _) => said.unwrap_or(host),
            EndpointAddress::Unix(_) => {
                said.ok_or("a socket has no name for a certificate: `server_name` is missing")?
            }
        };
        server_name(host).ok_or_else(|| format!("`{host}` is no name that a certificate can have"))
    }

    /// `localhost` is this machine, whatever a resolver says.
    fn link_local(&self, host: &str) -> LinkLocal {
        if host.eq_ignore_ascii_case("localhost") { LinkLocal::Allowed } else { self.rules.resolve.link_local }
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(super) fn members(&self) -> Arc<[Arc<Endpoint>]> {
        self.members.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn replace_members(&self, members: Arc<[Arc<Endpoint>]>) {
        *self.members.write().unwrap_or_else(PoisonError::into_inner) = members;
        self.version.fetch_add(1, Ordering::Release);
    }

    pub(super) fn now(&self) -> Millis {
        millis(self.began.elapsed())
    }

    /// Notes how a request ended, and leaves its endpoint out if that was once too often.
    pub(super) fn ended(&self, endpoint: &Endpoint, outcome: Outcome) {
        let now = self.now();
        if endpoint.ended(outcome, now) {
            self.counts.circuits_opened.fetch_add(1, Ordering::Relaxed);
            self.tell_down(endpoint, "circuit-opened");
        }
        let Some(rules) = &self.rules.outlier else { return };
        match outcome {
            Outcome::Abandoned => {}
            Outcome::Answered => outlier::answered(endpoint),
            Outcome::Failed => {
                let _one_at_a_time = self.ejecting.lock().unwrap_or_else(PoisonError::into_inner);
                if outlier::failed(endpoint, &self.members(), rules, now) {
                    self.counts.ejections.fetch_add(1, Ordering::Relaxed);
                    self.tell_down(endpoint, "failures-in-a-row");
                }
            }
        }
    }

    pub(super) fn tell_down(&self, endpoint: &Endpoint, cause: &str) {
        let upstream = self.endpoint_name(endpoint);
        self.tell(NodeEvent::UpstreamDown { upstream, cause: Detail::new(cause) });
    }

    pub(super) fn tell_up(&self, endpoint: &Endpoint) {
        self.tell(NodeEvent::UpstreamUp { upstream: self.endpoint_name(endpoint) });
    }

    fn endpoint_name(&self, endpoint: &Endpoint) -> Name {
        Name::new(&format!("{} {}", self.rules.name, endpoint.label))
    }

    fn tell(&self, event: NodeEvent) {
        if let Some(slot) = self.recorder.reserve() {
            slot.record(Event::Node(event));
        }
    }
}

fn is_plain(rules: &Upstream) -> bool {
    rules.endpoints.len() == 1
        && !rules.resolve.spread
        && rules.limits.requests.is_none()
        && rules.health.is_none()
        && rules.outlier.is_none()
        && rules.breaker.is_none()
        && rules.mirror.is_none()
        && rules.retry.most == 0
}
