//! Whom requests are forwarded to: named groups of endpoints, and the rules by which one is chosen, spared or tried again.

use std::num::{NonZeroU8, NonZeroU16, NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;

use super::{TlsVersion, at_least};

/// Whom the requests of a route are for: one upstream, or several by weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The only one, or the first of several. Its name is the assertion's audience.
    pub first: Share,
    /// The others: a new version that takes a part of the traffic.
    pub others: Vec<Share>,
}

/// An upstream and its part of a route's traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The upstream.
    pub upstream: Arc<Upstream>,
    /// Its part: weight over the sum of all weights. Nothing is sent to a weight of 0.
    pub weight: u16,
}

impl Destination {
    /// Every share.
    pub fn shares(&self) -> impl Iterator<Item = &Share> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The name that events and the assertion use.
    pub fn name(&self) -> &Arc<str> {
        &self.first.upstream.name
    }
}

impl From<Arc<Upstream>> for Destination {
    fn from(upstream: Arc<Upstream>) -> Self {
        Self { first: Share { upstream, weight: 1 }, others: Vec::new() }
    }
}

impl From<Upstream> for Destination {
    fn from(upstream: Upstream) -> Self {
        Arc::new(upstream).into()
    }
}

/// A named group of endpoints that serve the same requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Upstream {
    /// Its name in events and metrics; the assertion's audience.
    pub name: Arc<str>,
    /// Where it is; at least one.
    pub endpoints: Vec<Endpoint>,
    /// How one of several is chosen.
    pub balance: Balance,
    /// What is spoken.
    pub protocol: Protocol,
    /// TLS; `None` is plain.
    pub tls: Option<UpstreamTls>,
    /// What connections are kept, and what is read over them.
    pub connections: Connections,
    /// What one endpoint is sent at once.
    pub limits: EndpointLimits,
    /// Questions that the gate asks by itself.
    pub health: Option<HealthCheck>,
    /// Endpoints that fail requests are left out for a while.
    pub outlier: Option<Outlier>,
    /// Endpoints that fail too large a part of their requests get none for a while.
    pub breaker: Option<Breaker>,
    /// When a request is sent again.
    pub retry: Retry,
    /// How long an endpoint that comes back takes to get its full part.
    pub slow_start: Option<Duration>,
    /// What is done when no endpoint is thought well.
    pub when_all_down: WhenAllDown,
    /// How names become addresses.
    pub resolve: Resolve,
    /// A copy of a part of the traffic for another upstream.
    pub mirror: Option<Mirror>,
}

impl Upstream {
    /// An upstream of one endpoint, with the rules that hold where nothing is said.
    pub fn single(name: impl Into<Arc<str>>, address: EndpointAddress) -> Self {
        Self {
            name: name.into(),
            endpoints: vec![Endpoint { address, weight: NonZeroU16::MIN }],
            balance: Balance::default(),
            protocol: Protocol::default(),
            tls: None,
            connections: Connections::default(),
            limits: EndpointLimits::default(),
            health: None,
            outlier: None,
            breaker: None,
            retry: Retry { most: 0, ..Retry::default() },
            slow_start: None,
            when_all_down: WhenAllDown::default(),
            resolve: Resolve::default(),
            mirror: None,
        }
    }

    /// An upstream of one endpoint as a URL names it: `https` with the system's authorities. `None` if the URL has no host, or a scheme
    /// that is not spoken.
    pub fn at(name: impl Into<Arc<str>>, origin: &Uri) -> Option<Self> {
        let (scheme, address) = EndpointAddress::of(origin)?;
        let tls = (scheme == Scheme::Https).then(UpstreamTls::default);
        Some(Self { tls, ..Self::single(name, address) })
    }

    /// How its endpoints are reached.
    pub fn scheme(&self) -> Scheme {
        if self.tls.is_some() { Scheme::Https } else { Scheme::Http }
    }
}

/// How an endpoint is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// By TLS.
    Https,
}

/// One place where an upstream is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Where.
    pub address: EndpointAddress,
    /// Its part of the traffic beside the others.
    pub weight: NonZeroU16,
}

/// Where an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EndpointAddress {
    /// A host, by name or address (IPv6 without brackets), and a port.
    Host(Arc<str>, u16),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl EndpointAddress {
    /// The address that a URL names, and how it is reached.
    pub fn of(origin: &Uri) -> Option<(Scheme, Self)> {
        let (scheme, port) = match origin.scheme_str()? {
            "http" => (Scheme::Http, 80),
            "https" => (Scheme::Https, 443),
            _ => return None,
        };
        let host = origin.host()?.trim_start_matches('[').trim_end_matches(']');
        Some((scheme, Self::Host(host.into(), origin.port_u16().unwrap_or(port))))
    }
}

impl std::fmt::Display for EndpointAddress {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(host, port) if host.contains(':') => write!(out, "[{host}]:{port}"),
            Self::Host(host, port) => write!(out, "{host}:{port}"),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

/// How one of several endpoints is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Balance {
    /// Of two taken at random, the one with fewer requests in flight for its weight.
    #[default]
    LeastLoaded,
    /// In turns, by weight.
    RoundRobin,
}

/// What is spoken to an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// By TLS what both prefer (ALPN); HTTP/1.1 in the clear.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 by TLS; an endpoint that does not speak it is not spoken to.
    Http2,
    /// HTTP/2 in the clear, known beforehand (`RFC 9113 §3.3`).
    H2c,
}

/// TLS to an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamTls {
    /// PEM file of the authorities to trust instead of the system's.
    pub authorities: Option<PathBuf>,
    /// The name that its certificate must be for, instead of the endpoint's host.
    pub server_name: Option<Arc<str>>,
    /// The URI names of which the certificate must have one, instead of a host name (SPIFFE).
    pub uri_names: Vec<Arc<str>>,
    /// The certificate that the gate shows.
    pub client_certificate: Option<super::CertificateFiles>,
    /// The lowest version that is spoken.
    pub min_version: TlsVersion,
}

impl Default for UpstreamTls {
    fn default() -> Self {
        Self {
            authorities: None,
            server_name: None,
            uri_names: Vec::new(),
            client_certificate: None,
            min_version: TlsVersion::Tls12,
        }
    }
}

/// What connections are kept, and what is read over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Connections {
    /// Idle ones are given up before the usual backend does (Node closes after 5 s): a request sent into a closing connection is the
    /// classic sporadic 502.
    pub idle: Duration,
    /// Idle ones kept for one endpoint by one worker.
    pub most_idle: usize,
    /// Bytes of an answer's head; beyond it the answer is refused.
    pub head_bytes: NonZeroUsize,
    /// Header fields of an answer.
    pub headers: NonZeroUsize,
    /// HTTP/2: how often a connection is asked whether it lives, and how long it may take to say so.
    pub ping: Duration,
    /// HTTP/2: streams of one connection at once.
    pub streams: NonZeroU32,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(4),
            most_idle: 256,
            head_bytes: at_least(64 * 1024),
            headers: at_least(100),
            ping: Duration::from_secs(10),
            streams: NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN),
        }
    }
}

/// What one endpoint is sent at once, counted over all workers of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EndpointLimits {
    /// Requests in flight; with HTTP/1 also the connections in use.
    pub requests: Option<NonZeroU32>,
    /// Requests that wait for one of the endpoints, over the whole group: 503 beyond.
    pub pending: u32,
    /// How long one waits: 503 beyond.
    pub pending_timeout: Duration,
}

impl Default for EndpointLimits {
    fn default() -> Self {
        Self { requests: None, pending: 64, pending_timeout: Duration::from_secs(1) }
    }
}

/// A question that the gate asks every endpoint by itself; once for each node, not for each worker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HealthCheck {
    /// What is asked for.
    pub path: Arc<str>,
    /// `Host` of the question; the endpoint's own where it does not say.
    pub host: Option<Arc<str>>,
    /// How often, give or take a tenth.
    pub interval: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// So many answers in a row make it healthy.
    pub healthy_after: NonZeroU8,
    /// So many failures in a row make it unhealthy.
    pub unhealthy_after: NonZeroU8,
    /// The statuses that are a success.
    pub statuses: StatusRange,
}

/// Statuses from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatusRange {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl StatusRange {
    /// Whether a status is one of them.
    pub const fn contains(self, status: u16) -> bool {
        self.first <= status && status <= self.last
    }
}

/// When an endpoint is left out because of the requests that it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outlier {
    /// So many failures in a row: no connection, no answer, an answer that breaks off, 5xx.
    pub consecutive_failures: NonZeroU32,
    /// For how long, the first time; twice as long each time after.
    pub ejection: Duration,
    /// For how long at most.
    pub longest_ejection: Duration,
    /// The part of the endpoints that may be left out at once, in percent; one may always be, if there are others.
    pub most_ejected_percent: u8,
}

impl Default for Outlier {
    fn default() -> Self {
        Self {
            consecutive_failures: NonZeroU32::new(5).unwrap_or(NonZeroU32::MIN),
            ejection: Duration::from_secs(30),
            longest_ejection: Duration::from_mins(5),
            most_ejected_percent: 50,
        }
    }
}

/// When an endpoint's circuit opens: it then gets one probe at a time until one succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Breaker {
    /// The part of its requests that failed, in percent.
    pub failure_percent: NonZeroU8,
    /// Counted over this long.
    pub window: Duration,
    /// Not before so many requests in the window.
    pub least_requests: NonZeroU32,
    /// How long it stays open before a request may probe.
    pub open: Duration,
}

/// When a request is sent again, to another endpoint where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Retry {
    /// How often at most, after the first time. Nothing is sent again with 0, but what never left.
    pub most: u8,
    /// Which requests may be repeated although they left.
    pub methods: RetryMethods,
    /// Statuses of answers that are not taken, unless they say when to come back.
    pub statuses: Vec<u16>,
    /// How long one attempt may take to its answer's head; without it the whole exchange's limits hold.
    pub per_try: Option<Duration>,
    /// Repetitions in percent of the requests: when an upstream is down, its users must not add to it.
    pub budget_percent: u8,
    /// Repetitions for each second that are allowed whatever the budget says.
    pub least_per_second: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            most: 2,
            methods: RetryMethods::Safe,
            statuses: Vec::new(),
            per_try: None,
            budget_percent: 20,
            least_per_second: 10,
        }
    }
}

/// Which requests may be repeated although they left the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetryMethods {
    /// GET, HEAD and OPTIONS: they change nothing (`RFC 9110 §9.2.1`).
    Safe,
    /// PUT and DELETE as well: their effect is that of once (`RFC 9110 §9.2.2`), where the backend keeps to it.
    Idempotent,
}

/// What is done when no endpoint is thought well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WhenAllDown {
    /// All are tried: a check that is wrong takes nobody's service away.
    #[default]
    TryAll,
    /// 503.
    Refuse,
}

/// How names become addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Resolve {
    /// How often a name is looked up again. What was found last stays where a look-up fails.
    pub every: Duration,
    /// Whether each address of a name is an endpoint of its own; otherwise they are tried in turns.
    pub spread: bool,
    /// Whether a name may lead to the link-local network and the addresses where clouds hand out credentials.
    pub link_local: LinkLocal,
}

impl Default for Resolve {
    fn default() -> Self {
        Self { every: Duration::from_secs(10), spread: false, link_local: LinkLocal::Refused }
    }
}

/// Whether a name may lead to the link-local network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkLocal {
    /// No: whoever controls the name would reach the cloud's metadata service through the gate (SSRF).
    Refused,
    /// Yes.
    Allowed,
}

/// A copy of a part of the traffic for another upstream. Its answers are thrown away, and it never changes the client's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mirror {
    /// Who gets the copy.
    pub upstream: Arc<Upstream>,
    /// The part of the requests, in percent.
    pub percent: u8,
    /// Bodies up to this many bytes are copied; requests with larger ones are not.
    pub body_bytes: usize,
    /// Whether `Authorization` and `Cookie` go along.
    pub credentials: MirrorCredentials,
}

/// Whether credentials are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MirrorCredentials {
    /// No: a test system seldom guards them as the real one does.
    Stripped,
    /// Yes.
    Kept,
}
