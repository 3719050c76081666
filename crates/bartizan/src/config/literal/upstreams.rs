use std::num::{NonZeroU8, NonZeroU16, NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Certificate, TlsVersion};
use crate::config::units::{Endpoint, Name, Period, Size, Statuses, Target};

/// A named group of endpoints that serve the same requests. Routes name it as their `upstream`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Its name in routes, events and metrics.
    pub name: Name,
    /// Where it is: URLs of scheme, host and port, or `unix:/run/app.sock`. Each address of a name is an endpoint of its own.
    #[schemars(length(min = 1, max = 256))]
    pub endpoints: Vec<UpstreamEndpoint>,
    /// How one of several endpoints is chosen.
    #[serde(default)]
    pub balance: Balance,
    /// What is spoken.
    #[serde(default)]
    pub protocol: UpstreamProtocol,
    /// TLS to endpoints that are `https`, or a socket.
    pub tls: Option<UpstreamTls>,
    /// Connections that are kept, and what is read over them.
    #[serde(default)]
    pub connections: Connections,
    /// What is sent at once.
    #[serde(default)]
    pub limits: UpstreamLimits,
    /// Questions that the gate asks each endpoint by itself. Without it, only requests tell how an endpoint is.
    pub health: Option<HealthCheck>,
    /// Endpoints that fail requests are left out for a while; `false` leaves none out.
    #[serde(default)]
    pub outlier: OutlierSetting,
    /// An endpoint that fails too large a part of its requests gets none for a while.
    pub breaker: Option<Breaker>,
    /// When a request is sent again.
    #[serde(default)]
    pub retry: Retry,
    /// How long an endpoint that comes back takes to get its full part.
    pub slow_start: Option<Period>,
    /// What is done when no endpoint is thought well.
    #[serde(default)]
    pub when_all_down: WhenAllDown,
    /// How names become addresses.
    #[serde(default)]
    pub resolve: Resolve,
    /// A copy of a part of the requests for another upstream, whose answers are thrown away.
    pub mirror: Option<Mirror>,
}

/// An endpoint.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum UpstreamEndpoint {
    /// Where it is.
    Place(Endpoint),
    /// With its weight.
    Weighted(WeightedEndpoint),
}

/// An endpoint with its weight.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightedEndpoint {
    /// Where it is.
    pub url: Endpoint,
    /// Its part of the requests beside the others'.
    pub weight: NonZeroU16,
}

/// Whom a route's requests are for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RouteUpstream {
    /// One.
    One(Target),
    /// Several, by weight.
    Split(#[schemars(length(min = 1, max = 16))] Vec<RouteShare>),
}

/// An upstream and its part of a route's requests. Whoever is signed in stays with one of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteShare {
    /// Its name.
    pub name: Name,
    /// Its part: the weight over the sum of all.
    pub weight: u16,
}

/// How one of several endpoints is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Balance {
    /// Of two taken at random, the one with fewer requests in flight.
    #[default]
    LeastLoaded,
    /// In turns.
    RoundRobin,
}

/// What is spoken to an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpstreamProtocol {
    /// By TLS, HTTP/2 where the endpoint has it (ALPN), else HTTP/1.1; HTTP/1.1 in the clear.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 by TLS, and nothing else.
    H2,
    /// HTTP/2 in the clear, as gRPC servers speak it.
    H2c,
}

/// TLS to an upstream.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamTls {
    /// PEM file of the authorities to trust, instead of the system's.
    pub ca: Option<PathBuf>,
    /// The name that the certificate must be for, instead of the endpoint's host.
    pub server_name: Option<String>,
    /// URI names of which the certificate must have one, instead of a host name: SPIFFE identities. They need `ca`.
    #[serde(default)]
    pub uri_names: Vec<String>,
    /// The certificate that the gate shows.
    pub client_certificate: Option<Certificate>,
    /// The lowest version that is spoken.
    #[serde(default)]
    pub min_version: TlsVersion,
}

/// Connections that are kept, and what is read over them.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Connections {
    /// How long an idle one is kept. It has to be less than the backend's own limit (Node: 5 s), or requests run into closing ones.
    pub idle: Period,
    /// Idle ones of one endpoint, for each worker.
    pub max_idle: NonZeroUsize,
    /// Size of an answer's head: 502 beyond.
    pub max_head: Size,
    /// Header fields of an answer: 502 beyond.
    pub max_headers: NonZeroUsize,
    /// HTTP/2: how often a connection in use is asked whether it lives, and how long it may take to say so.
    pub ping: Period,
    /// HTTP/2: requests over one connection at once.
    pub streams: NonZeroU32,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            idle: Period::new(Duration::from_secs(4)),
            max_idle: NonZeroUsize::MIN.saturating_add(255),
            max_head: Size::new(64 << 10),
            max_headers: NonZeroUsize::MIN.saturating_add(99),
            ping: Period::new(Duration::from_secs(10)),
            streams: NonZeroU32::MIN.saturating_add(99),
        }
    }
}

/// What is sent at once, counted over the node.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamLimits {
    /// Requests in flight at one endpoint; with HTTP/1 also the connections in use. Without it, as many as `[limits]` lets in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<NonZeroU32>,
    /// Requests that wait for room at any of the endpoints: 503 beyond.
    pub pending: u32,
    /// How long one waits: 503 beyond.
    pub pending_timeout: Period,
}

impl Default for UpstreamLimits {
    fn default() -> Self {
        Self { requests: None, pending: 64, pending_timeout: Period::new(Duration::from_secs(1)) }
    }
}

/// A question that the gate asks each endpoint by itself, once for the node.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// What is asked for, by GET.
    pub path: String,
    /// `Host` of the question, instead of the endpoint's own.
    pub host: Option<String>,
    /// How often, give or take a tenth.
    #[serde(default = "defaults::interval")]
    pub interval: Period,
    /// How long an answer may take.
    #[serde(default = "defaults::timeout")]
    pub timeout: Period,
    /// So many successes in a row make it healthy again.
    #[serde(default = "defaults::healthy")]
    pub healthy_after: NonZeroU8,
    /// So many failures in a row make it unhealthy.
    #[serde(default = "defaults::unhealthy")]
    pub unhealthy_after: NonZeroU8,
    /// The statuses that are a success.
    #[serde(default = "defaults::statuses")]
    pub status: Statuses,
}

/// Whether endpoints that fail requests are left out.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum OutlierSetting {
    /// `false`: none is.
    Switch(bool),
    /// When, and for how long.
    Rules(Outlier),
}

impl Default for OutlierSetting {
    fn default() -> Self {
        Self::Rules(Outlier::default())
    }
}

/// When an endpoint is left out because of the requests that it failed.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Outlier {
    /// So many failures in a row: no connection, no answer, one that breaks off, 502, 503 or 504.
    pub consecutive_failures: NonZeroU32,
    /// For how long the first time; twice as long each time after.
    pub ejection: Period,
    /// For how long at most.
    pub max_ejection: Period,
    /// The part of the endpoints that may be left out at once; one may always be, the last never.
    #[schemars(range(max = 100))]
    pub max_percent: u8,
}

impl Default for Outlier {
    fn default() -> Self {
        Self {
            consecutive_failures: NonZeroU32::MIN.saturating_add(4),
            ejection: Period::new(Duration::from_secs(30)),
            max_ejection: Period::new(Duration::from_mins(5)),
            max_percent: 50,
        }
    }
}

/// When an endpoint's circuit opens. It then gets one request at a time to prove itself.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// The part of its requests that failed.
    #[schemars(range(min = 1, max = 100))]
    pub failure_percent: NonZeroU8,
    /// Counted over this long.
    pub window: Period,
    /// Not before so many requests in the window.
    pub min_requests: NonZeroU32,
    /// How long it stays open before a request may prove it well.
    pub open: Period,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failure_percent: NonZeroU8::MIN.saturating_add(49),
            window: Period::new(Duration::from_secs(10)),
            min_requests: NonZeroU32::MIN.saturating_add(19),
            open: Period::new(Duration::from_secs(5)),
        }
    }
}

/// When a request is sent again, to another endpoint where there is one. What never left goes on to another in any case.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// How often at most; 0 is never.
    #[schemars(range(max = 10))]
    pub max: u8,
    /// Which requests may be repeated although they left, if no answer began. POST and PATCH never are.
    pub methods: RetryMethods,
    /// Statuses of answers that are not taken, unless they carry `Retry-After`.
    pub statuses: Vec<u16>,
    /// How long one try may take, where another may follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_try: Option<Period>,
    /// Repetitions in percent of the requests, so that they never become the load that keeps a backend down.
    #[schemars(range(max = 100))]
    pub budget_percent: u8,
    /// Repetitions for each second that are allowed in any case.
    pub min_per_second: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max: 2,
            methods: RetryMethods::Safe,
            statuses: Vec::new(),
            per_try: None,
            budget_percent: 20,
            min_per_second: 10,
        }
    }
}

/// Which requests may be repeated although they left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RetryMethods {
    /// GET, HEAD and OPTIONS.
    #[default]
    Safe,
    /// PUT and DELETE as well, whose effect is that of once where the backend keeps to the standard.
    Idempotent,
}

/// What is done when no endpoint is thought well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhenAllDown {
    /// All are tried: a check that is wrong takes nobody's service away.
    #[default]
    TryAll,
    /// 503.
    Refuse,
}

/// How names become addresses.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Resolve {
    /// How often a name is looked up again. What was found last stays where a look-up fails.
    pub every: Period,
    /// Whether each address of a name is an endpoint of its own; otherwise one is used, and another where it does not answer.
    pub spread: bool,
    /// Whether a name may lead to the link-local network, where clouds hand out credentials.
    pub allow_link_local: bool,
}

impl Default for Resolve {
    fn default() -> Self {
        Self { every: Period::new(Duration::from_secs(10)), spread: true, allow_link_local: false }
    }
}

/// A copy of a part of the requests. It carries `Bartizan-Mirror: 1`, and never delays or changes the client's answer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mirror {
    /// The name of the upstream that gets it.
    pub upstream: Name,
    /// The part of the requests, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub percent: u8,
    /// Requests with larger bodies are not copied.
    #[serde(default = "defaults::mirrored_body")]
    pub max_body: Size,
    /// Whether `Authorization`, `Cookie` and other credentials go along.
    #[serde(default)]
    pub credentials: bool,
}

mod defaults {
    use super::{Duration, NonZeroU8, Period, Size, Statuses};

    pub(super) const fn interval() -> Period {
        Period::new(Duration::from_secs(10))
    }
    pub(super) const fn timeout() -> Period {
        Period::new(Duration::from_secs(2))
    }
    pub(super) const fn healthy() -> NonZeroU8 {
        NonZeroU8::MIN.saturating_add(1)
    }
    pub(super) const fn unhealthy() -> NonZeroU8 {
        NonZeroU8::MIN.saturating_add(2)
    }
    pub(super) const fn statuses() -> Statuses {
        Statuses::new(200, 399)
    }
    pub(super) const fn mirrored_body() -> Size {
        Size::new(64 << 10)
    }
}
