//! A configuration, compiled: everything that stages look up, in one immutable value that a reload replaces.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use bartizan_inspect::graphql::SchemaFault;
use bartizan_inspect::learn::Learning;
use bartizan_policy::{Principal, RevocationSet};
use bartizan_token::{ApiKeys, ClientCertificate, RecordError, Verifier, VerifierError};
use http::HeaderValue;

use crate::acme::AcmeCertificates;
use crate::answer::headers::SecurityHeaders;
use crate::assertions::Assertions;
use crate::certificate_callers::{self, CertificateCallers};
use crate::config::{Config, Route, Upstream};
use crate::counters::MemoryCounters;
use crate::dpop_nonces::DpopNonces;
use crate::graphql::Endpoint;
use crate::introspection::{Introspections, UnwritableCredentials};
use crate::issuer_keys::FetchedKeys;
use crate::listen::Room;
use crate::pipeline::{Admission, Judges, VerifiedTokens, WebhookCaller};
use crate::ports::{AssertionKeys, CounterKey, Counters, IssuerKeys, LocalService, Replays, Revocations, Sessions};
use crate::replays::MemoryReplays;
use crate::route::{Answer, CompiledRoute, RouteConflict, RouteTable, Target, parameter_names};
use crate::schemas::Schemas;
use crate::tls::{self, Certificates, TlsError};
use crate::upstream::{Split, Upstreams};
use crate::vigil::Standing;

/// How many things that count once one node remembers of each kind: about 12 MiB when full.
const MOST_ONE_TIME: NonZeroUsize = match NonZeroUsize::new(262_144) {
    Some(most) => most,
    None => NonZeroUsize::MIN,
};

/// A compiled configuration with its ports plugged in.
pub struct Gate {
    pub(crate) config: Config,
    pub(crate) routes: RouteTable,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) verified: VerifiedTokens,
    pub(crate) keys: Arc<dyn IssuerKeys>,
    pub(crate) introspections: Introspections,
    pub(crate) api_keys: ApiKeys,
    pub(crate) certificates: CertificateCallers,
    pub(crate) dpop_nonces: Arc<DpopNonces>,
    /// Proofs of possession that were shown already.
    pub(crate) proofs: Arc<dyn Replays>,
    /// Messages of webhooks that were delivered already.
    pub(crate) deliveries: Arc<dyn Replays>,
    pub(crate) sessions: Option<Arc<dyn Sessions>>,
    pub(crate) counters: Arc<dyn Counters>,
    pub(crate) assertions: Assertions,
    pub(crate) assertion_keys: Arc<dyn AssertionKeys>,
    pub(crate) tls: Option<Certificates>,
    /// How the configuration itself names the gate: what clients usually say in `Host`.
    pub(crate) own_authority: HeaderValue,
    /// For answers that belong to no route.
    pub(crate) plain_headers: SecurityHeaders,
    /// What watches over long exchanges asks this: it outlives one configuration.
    pub(crate) standing: Arc<Standing>,
    /// Where large bodies are judged.
    pub(crate) judges: Judges,
    /// What traffic looked like where documents are only observed.
    pub(crate) learning: Arc<Learning>,
    /// Whether any route takes WebSocket connections.
    pub(crate) has_websockets: bool,
    revoked: Arc<RevocationSet>,
    revocations: Option<Arc<dyn Revocations>>,
    pub(crate) in_flight: Arc<AtomicUsize>,
    pub(crate) room: Arc<Room>,
    hasher: RandomState,
}

/// What lives longer than one configuration, and what other rooms plug in.
#[derive(Clone)]
pub struct Ports {
    counters: Arc<dyn Counters>,
    sessions: Option<Arc<dyn Sessions>>,
    revocations: Option<Arc<dyn Revocations>>,
    assertion_keys: Arc<dyn AssertionKeys>,
    fetched: Arc<FetchedKeys>,
    proofs: Arc<dyn Replays>,
    deliveries: Arc<dyn Replays>,
    dpop_nonces: Arc<DpopNonces>,
    upstreams: Arc<Upstreams>,
    in_flight: Arc<AtomicUsize>,
    standing: Arc<Standing>,
    room: Arc<Room>,
    hasher: RandomState,
    judges: Judges,
    schemas: Arc<Schemas>,
    learning: Arc<Learning>,
    mounts: Vec<Mount>,
    acme: Option<Arc<AcmeCertificates>>,
}

/// A room of this process that is served like any other upstream, and through the same stages.
#[derive(Clone)]
pub struct Mount {
    /// Where, to whom and how often; its upstream's origin is never connected to.
    pub route: Route,
    /// The room.
    pub service: Arc<dyn LocalService>,
}

/// Why a configuration cannot be put in force.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// Two routes, or one.
    #[error(transparent)]
    Route(#[from] RouteConflict),
    /// Issuers.
    #[error("issuers: {0}")]
    Issuers(#[from] VerifierError),
    /// A key could not be made.
    #[error("the system gives no randomness")]
    NoRandomness,
    /// API keys.
    #[error("API keys: {0}")]
    ApiKeys(#[from] RecordError),
    /// Certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An issuer that is asked about its tokens.
    #[error(transparent)]
    Introspection(#[from] UnwritableCredentials),
    /// A route that names a webhook which is not there.
    #[error("route `{route}`: there is no webhook `{webhook}`")]
    Webhook {
        /// The route.
        route: Arc<str>,
        /// What it names.
        webhook: Arc<str>,
    },
    /// A GraphQL endpoint.
    #[error("route `{route}`: {cause}")]
    Graphql {
        /// The route.
        route: Arc<str>,
        /// Why it cannot be served.
        cause: SchemaFault,
    },
    /// A masker.
    #[error("route `{route}`: what is to be masked cannot be compiled: {cause}")]
    Mask {
        /// The route.
        route: Arc<str>,
        /// Why.
        cause: String,
    },
    /// An upstream that cannot be connected to as declared.
    #[error("upstream `{upstream}`: {fault}")]
    Upstream {
        /// Its name.
        upstream: Arc<str>,
        /// What is wrong.
        fault: String,
    },
}

impl Ports {
    /// The ports of a node that stands alone: counters in memory, no sessions, no revocations but the configured ones.
    pub fn alone(
        limits: crate::config::Limits,
        assertion_keys: Arc<dyn AssertionKeys>,
        fetched: Arc<FetchedKeys>,
    ) -> Self {
        let (runtime, recorder) = fetched.control_plane();
        Self {
            upstreams: Upstreams::new(runtime, recorder),
            counters: Arc::new(MemoryCounters::new(limits.counters)),
            sessions: None,
            revocations: None,
            assertion_keys,
            fetched,
            proofs: Arc::new(MemoryReplays::new(MOST_ONE_TIME)),
            deliveries: Arc::new(MemoryReplays::new(MOST_ONE_TIME)),
            dpop_nonces: Arc::new(DpopNonces::new()),
            in_flight: Arc::default(),
            standing: Arc::default(),
            room: Arc::default(),
            hasher: RandomState::new(),
            judges: Judges::default(),
            schemas: Arc::default(),
            learning: Arc::default(),
            mounts: Vec::new(),
            acme: None,
        }
    }

    /// Fetches certificates where a configuration asks for it.
    #[must_use]
    pub fn with_acme(mut self, acme: Arc<AcmeCertificates>) -> Self {
        self.acme = Some(acme);
        self
    }

    /// Whether clients are refused because no certificate was fetched yet.
    pub fn waits_for_certificate(&self) -> bool {
        self.acme.as_ref().is_some_and(|acme| acme.is_waiting())
    }

    /// Serves a room of this process.
    #[must_use]
    pub fn with_mount(mut self, mount: Mount) -> Self {
        self.mounts.push(mount);
        self
    }

    /// Remembers elsewhere what counts once: proofs of possession and deliveries of webhooks, such as for several nodes together.
    #[must_use]
    pub fn with_replays(mut self, proofs: Arc<dyn Replays>, deliveries: Arc<dyn Replays>) -> Self {
        self.proofs = proofs;
        self.deliveries = deliveries;
        self
    }

    /// Learns there from traffic whose document is only observed.
    #[must_use]
    pub fn with_learning(mut self, learning: Arc<Learning>) -> Self {
        self.learning = learning;
        self
    }

    /// Asks `revocations` beside the configured ones.
    #[must_use]
    pub fn with_revocations(mut self, revocations: Arc<dyn Revocations>) -> Self {
        self.standing = Arc::new(Standing::new(Some(revocations.clone())));
        self.revocations = Some(revocations);
        self
    }

    /// Accepts session cookies that `sessions` knows.
    #[must_use]
    pub fn with_sessions(mut self, sessions: Arc<dyn Sessions>) -> Self {
        self.sessions = Some(sessions);
        self
    }
}

impl Gate {
    /// Compiles a configuration.
    ///
    /// # Errors
    /// The first thing that cannot be put in force; nothing has changed then.
    pub fn build(config: Config, ports: &Ports) -> Result<Self, GateError> {
        let routes = compile_routes(&config, ports)?;
        let issuers = config.issuers.iter().map(|trusted| trusted.issuer.clone()).collect();
        let verifier = Arc::new(Verifier::new(issuers)?);
        let keys = ports.fetched.serve(&config.issuers, &verifier);
        let (runtime, recorder) = ports.fetched.control_plane();
        Ok(Self {
            routes: RouteTable::build(routes)?,
            verifier,
            verified: VerifiedTokens::default(),
            keys,
            introspections: Introspections::new(&config.issuers, runtime, &recorder)?,
            certificates: CertificateCallers::new(config.certificates.clone()),
            dpop_nonces: ports.dpop_nonces.clone(),
            proofs: ports.proofs.clone(),
            deliveries: ports.deliveries.clone(),
            api_keys: ApiKeys::new(config.api_keys.clone())?,
            sessions: ports.sessions.clone(),
            counters: ports.counters.clone(),
            assertions: Assertions::default(),
            assertion_keys: ports.assertion_keys.clone(),
            tls: tls::load(&config.server, ports.acme.as_ref())?,
            own_authority: own_authority(&config),
            plain_headers: SecurityHeaders::default(),
            standing: ports.standing.clone(),
            judges: ports.judges.clone(),
            learning: ports.learning.clone(),
            has_websockets: config.routes.iter().any(|route| route.websocket.is_some()),
            revoked: Arc::new(config.revoked.iter().cloned().collect()),
            revocations: ports.revocations.clone(),
            in_flight: ports.in_flight.clone(),
            room: ports.room.clone(),
            hasher: ports.hasher.clone(),
            config,
        })
    }

    /// The certificates in use, for the operator to compare.
    pub fn certificates(&self) -> Vec<tls::CertificateInfo> {
        self.tls.as_ref().map(Certificates::infos).unwrap_or_default()
    }

    /// What it was compiled from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn admission(&self) -> Option<Admission> {
        Admission::take(&self.in_flight, self.config.limits.concurrency.get())
    }

    /// Tells exchanges that began under another configuration what this one revokes.
    pub(crate) fn put_in_force(&self) {
        self.standing.put(self.revoked.clone());
    }

    pub(crate) fn is_revoked(&self, principal: &Principal) -> bool {
        self.revoked.stops(principal) || self.revocations.as_ref().is_some_and(|others| others.stops(principal))
    }

    /// What counts as one client: an IPv4 address, or an IPv6 prefix. Whoever has one IPv6 address has 2^64 of them.
    pub(crate) fn prefix_of(&self, client: IpAddr) -> u128 {
        match client.to_canonical() {
            IpAddr::V4(address) => u128::from(u32::from(address)),
            IpAddr::V6(address) => {
                let kept = u32::from(self.config.limits.ipv6_prefix.get()).min(128);
                let mask = u128::MAX.checked_shl(128 - kept).unwrap_or(0);
                // A prefix never collides with an IPv4 address: global unicast addresses begin above 2^125.
                u128::from(address) & mask
            }
        }
    }

    /// Whether the certificate itself was revoked, whoever or whatever it speaks for.
    pub(crate) fn is_revoked_certificate(&self, certificate: &ClientCertificate) -> bool {
        certificate_callers::is_revoked(certificate, &self.revoked)
    }

    /// Names what is counted, by a hash that nobody outside can aim at: colliding addresses cannot be chosen.
    pub(crate) fn counter_key(&self, counted: &impl Hash) -> CounterKey {
        CounterKey(self.hasher.hash_one(counted))
    }
}

fn own_authority(config: &Config) -> HeaderValue {
    let authority = config.server.public_url.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    // One with credentials in it is refused as any other is.
    let plain = HeaderValue::from_str(authority).ok().filter(|_| !authority.contains('@'));
    plain.unwrap_or(HeaderValue::from_static(""))
}

fn compile_routes(config: &Config, ports: &Ports) -> Result<Vec<CompiledRoute>, GateError> {
    let remote = |upstream: &Arc<Upstream>| {
        ports.upstreams.remote(upstream).map_err(|fault| GateError::Upstream { upstream: upstream.name.clone(), fault })
    };
    let mut compiled = Vec::new();
    for rules in &config.routes {
        let target = if rules.upstream.others.is_empty() {
            Target::Remote(remote(&rules.upstream.first.upstream)?)
        } else {
            let shares = rules.upstream.shares().map(|share| Ok((remote(&share.upstream)?, share.weight)));
            let fault = || GateError::Upstream {
                upstream: rules.upstream.name().clone(),
                fault: "no share has a weight".to_owned(),
            };
            Target::Split(Split::new(shares.collect::<Result<Vec<_>, GateError>>()?).ok_or_else(fault)?)
        };
        compiled.push((rules.clone(), target));
    }
    let mounts = ports.mounts.iter().map(|mount| (mount.route.clone(), Target::Local(mount.service.clone())));
    let senders: Vec<_> = config.webhooks.iter().map(|it| (it.name(), Arc::new(WebhookCaller::new(it)))).collect();
    let mut headers = HashMap::new();
    let (runtime, _) = ports.fetched.control_plane();
    let numbered = compiled.into_iter().chain(mounts).zip(0_u32..);
    numbered
        .map(|((rules, target), index)| {
            let answer = Answer::compile(&rules.answer, &mut headers)
                .map_err(|cause| GateError::Mask { route: rules.name.clone(), cause: cause.to_string() })?;
            let parameters = parameter_names(&rules.path);
            let webhook = rules.webhook.as_ref().map(|name| webhook(&senders, name, &rules.name)).transpose()?;
            let endpoint = |rules: &Arc<_>| Endpoint::compile(rules, &ports.schemas, &runtime);
            let graphql = rules.graphql.as_ref().map(endpoint).transpose();
            let graphql = graphql.map_err(|cause| GateError::Graphql { route: rules.name.clone(), cause })?;
            let graphql = graphql.map(Arc::new);
            Ok(CompiledRoute { name: rules.name.clone(), answer, parameters, rules, target, graphql, webhook, index })
        })
        .collect()
}

fn webhook(
    senders: &[(&str, Arc<WebhookCaller>)],
    name: &Arc<str>,
    route: &Arc<str>,
) -> Result<Arc<WebhookCaller>, GateError> {
    let sender = senders.iter().find(|(known, _)| *known == &**name).map(|(_, sender)| sender.clone());
    sender.ok_or_else(|| GateError::Webhook { route: route.clone(), webhook: name.clone() })
}
