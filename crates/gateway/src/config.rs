//! What the gate is told. Every value here is already checked and typed: the file it came from is the binary's business.

mod acme;
mod contract;
mod graphql;
mod listening;
mod machines;

use std::net::SocketAddr;
use std::num::{NonZeroU8, NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bartizan_policy::{Access, CredentialKind, Rate, Revocation};
use bartizan_token::{ApiKeyRecord, Issuer, Webhook};
use http::{Method, Uri};
use ipnet::IpNet;

pub use self::acme::{Acme, AcmeChallenge, ExternalAccount};
pub use self::contract::{Contract, ContractMode, Undeclared};
pub use self::graphql::{Disclosures, Graphql, SchemaSource, Subscriptions, Unregistered};
pub use self::listening::{
    CertificateDemand, ClientCertificates, ListenAddress, Listening, NotAListenAddress, ProxyProtocol, UnixSockets,
    UnknownRevocation,
};
pub use self::machines::{CertificateName, CertificateRule, Introspection};
use crate::{CookieRules, Cors, HeaderConfig, MaskKinds};

mod streams;
mod upstream;

pub use streams::{Compression, Grpc, MethodContract, WebSocket};
pub use upstream::{
    Balance, Breaker, Connections, Destination, Endpoint, EndpointAddress, EndpointLimits, HealthCheck, LinkLocal,
    Mirror, MirrorCredentials, Outlier, Protocol, Resolve, Retry, RetryMethods, Scheme, Share, StatusRange, Upstream,
    UpstreamTls, WhenAllDown,
};

/// Everything the gate needs in order to stand.
#[derive(Clone)]
pub struct Config {
    /// Where it listens and how it speaks there.
    pub server: Server,
    /// Limits that hold for every route.
    pub limits: Limits,
    /// Whose tokens are accepted.
    pub issuers: Vec<TrustedIssuer>,
    /// API keys, by hash.
    pub api_keys: Vec<ApiKeyRecord>,
    /// Whom client certificates speak for.
    pub certificates: Vec<CertificateRule>,
    /// Senders of webhooks, which routes name.
    pub webhooks: Vec<Webhook>,
    /// What ended before its expiry.
    pub revoked: Vec<Revocation>,
    /// What is served; nothing else is.
    pub routes: Vec<Route>,
    /// The signed statement to the upstream of who calls.
    pub assertion: Assertion,
    /// Where people sign in, if that is at the gate itself.
    pub sign_in: Option<SignIn>,
    /// How the gate takes part in traces; without it, trace fields pass as they come.
    pub trace: Option<TracePolicy>,
}

/// Where people sign in: browsers that a route wants a session of are sent there, and come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The path of the page, which takes `return_to`, `max_age` and `acr_values`.
    pub path: Arc<str>,
    /// The authentication context class that stands for more than one factor.
    pub multi_factor: Arc<str>,
}

/// Where the gate listens and how it speaks there. Reloading applies all of it but `listen`, `redirect_from` and `workers`.
#[derive(Clone)]
pub struct Server {
    /// Where the public listener is; each place is served by every worker (`SO_REUSEPORT`, where the system knows it).
    pub listen: Vec<ListenAddress>,
    /// What connections bring before the first byte of HTTP.
    pub listening: Listening,
    /// A plain HTTP listener that answers 308 to the same URL over TLS.
    pub redirect_from: Option<SocketAddr>,
    /// How the outside names the gate: scheme and authority, no path.
    pub public_url: Uri,
    /// Host names accepted beside the one in `public_url`, lower-case and without a port; `*` accepts any. Clients on this machine
    /// may also say `localhost` or a loopback address. Anything else gets 421: a forged `Host` poisons caches and reset links.
    pub hosts: Vec<Arc<str>>,
    /// TLS on the public listener.
    pub tls: Tls,
    /// Proxies whose `Forwarded` and `X-Forwarded-For` are believed; nobody else's are.
    pub trusted_proxies: Vec<IpNet>,
    /// Threads of the data plane; by default one per core.
    pub workers: Option<NonZeroUsize>,
    /// How long requests in flight may take once the gate is told to stop.
    pub drain: Duration,
    /// Sizes beyond which a request is refused before anything reads it.
    pub bounds: Bounds,
    /// How long a client may take.
    pub timeouts: ClientTimeouts,
}

/// TLS on the public listener.
#[derive(Clone)]
pub enum Tls {
    /// Plain HTTP: has to be said, and the posture shows it.
    Off,
    /// A certificate made by the gate for the host of `public_url` and loopback, kept in `directory`; for development.
    SelfSigned {
        /// Where certificate and key are kept, so that the fingerprint stays the same.
        directory: PathBuf,
        /// The lowest version that is spoken.
        min_version: TlsVersion,
    },
    /// Certificates from files, chosen by server name; the first answers clients that send none. Read again when they change.
    Files {
        /// At least one.
        certificates: Vec<CertificateFiles>,
        /// The lowest version that is spoken.
        min_version: TlsVersion,
    },
    /// A certificate that the gate fetches, and renews, by ACME (`RFC 8555`).
    Acme {
        /// From whom, and for which names.
        acme: Arc<Acme>,
        /// The lowest version that is spoken.
        min_version: TlsVersion,
    },
}

/// A certificate chain and its key, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CertificateFiles {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// The key: PKCS #8, SEC 1 or PKCS #1.
    pub key: PathBuf,
    /// An OCSP response in DER that is stapled for as long as it is valid (`RFC 6066 §8`).
    pub ocsp: Option<PathBuf>,
}

/// Versions of TLS that are still safe to speak (`RFC 8996`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2 with forward secrecy and AEAD only.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// Sizes beyond which a request is refused before anything reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Header fields: 431 beyond.
    pub headers: NonZeroUsize,
    /// Bytes of the whole head: 431 beyond.
    pub head_bytes: NonZeroUsize,
    /// Bytes of the request target: 414 beyond.
    pub target_bytes: NonZeroUsize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { headers: at_least(100), head_bytes: at_least(32 * 1024), target_bytes: at_least(8 * 1024) }
    }
}

/// How long a client may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientTimeouts {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the whole head of a request, counted from its first byte, and between requests of a connection.
    pub head: Duration,
    /// Between two pieces of a body, and until a client takes more of its answer.
    pub body_idle: Duration,
    /// Bytes a second, below which a client that is waited for uses up `body_idle`: it may not drag on for ever by sending, or taking,
    /// a byte now and then.
    pub min_rate: NonZeroU32,
}

impl Default for ClientTimeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(15),
            body_idle: Duration::from_secs(30),
            min_rate: NonZeroU32::MIN.saturating_add(239),
        }
    }
}

/// Limits that hold for every route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests from one address (IPv6: one prefix).
    pub address: Rate,
    /// Requests with a credential that fails, from one address: guessing is cut off long before honest use is.
    pub failed_authentication: Rate,
    /// Requests of one identity.
    pub identity: Rate,
    /// Requests in flight; beyond it the gate answers 503 at once rather than everybody late.
    pub concurrency: NonZeroUsize,
    /// Open connections to the public listeners; another one is closed at once.
    pub connections: NonZeroUsize,
    /// Open connections from one address (IPv6: one prefix); trusted proxies are exempt, since they stand for many.
    pub connections_per_address: NonZeroUsize,
    /// TLS handshakes under way; a connection that would begin another one is closed at once, before it costs a signature.
    pub handshakes: NonZeroUsize,
    /// How much of an IPv6 address counts as one client, in bits (a household gets a /64).
    pub ipv6_prefix: NonZeroU8,
    /// How many counters are kept: the bound on memory under a flood of distinct addresses (about 64 bytes each).
    pub counters: NonZeroUsize,
}

/// An issuer whose tokens are accepted, and where its keys come from.
#[derive(Clone)]
pub struct TrustedIssuer {
    /// What is accepted.
    pub issuer: Issuer,
    /// Where published keys are fetched; `None` where the issuer's keys are fixed or shared.
    pub fetch: Option<KeyFetch>,
    /// How the issuer is asked about its tokens, if it is.
    pub introspection: Option<Introspection>,
}

/// Where an issuer publishes its keys.
#[derive(Clone, Debug)]
pub struct KeyFetch {
    /// The discovery document, or the key set itself.
    pub from: KeyLocation,
    /// PEM file of the authorities to trust for this fetch instead of the system's.
    pub authorities: Option<PathBuf>,
}

/// A place that names or holds an issuer's keys. `https`, or `http` on loopback.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyLocation {
    /// The issuer's URL: its discovery document is looked for where OpenID Connect Discovery §4 and RFC 8414 §3.1 put it, unless the
    /// URL is that of such a document already; its `jwks_uri` is followed.
    Discovery(Uri),
    /// A key set.
    KeySet(Uri),
}

/// One thing that is served.
#[derive(Clone)]
pub struct Route {
    /// Its name in events, metrics and the assertion.
    pub name: Arc<str>,
    /// Path pattern: `{name}` one segment, `{*rest}` the remainder.
    pub path: Arc<str>,
    /// Methods; anything else gets 405. HEAD is served where GET is.
    pub methods: Vec<Method>,
    /// Whom the request is for.
    pub upstream: Destination,
    /// Who may call it.
    pub access: Access,
    /// Which credentials are looked at. A credential of another kind is not accepted.
    pub credentials: Vec<CredentialKind>,
    /// The sender whose signed messages it takes, by its name in [`Config::webhooks`]; then it looks at no other credential.
    pub webhook: Option<Arc<str>>,
    /// Requests per identity (per address while nobody is signed in) on this route.
    pub limit: Option<Rate>,
    /// Bytes of a request body: 413 beyond.
    pub body_bytes: u64,
    /// How long the upstream may take.
    pub timeouts: UpstreamTimeouts,
    /// What is done to its answers.
    pub answer: AnswerRules,
    /// WebSocket connections, where it takes them.
    pub websocket: Option<WebSocket>,
    /// gRPC calls, where it takes nothing else.
    pub grpc: Option<Grpc>,
    /// What an OpenAPI document declares of it, where it comes from one.
    pub contract: Option<Contract>,
    /// GraphQL operations, where it takes nothing else.
    pub graphql: Option<Arc<Graphql>>,
    /// What a gRPC method declares, where a descriptor does.
    pub method: Option<Arc<MethodContract>>,
    /// Whether the shapes of its traffic are remembered, where it comes from none.
    pub shapes: Shapes,
}

impl Route {
    /// Whether something says what its messages are.
    pub(crate) fn is_declared(&self) -> bool {
        self.contract.is_some() || self.graphql.is_some()
    }
}

/// Whether the shapes of a route's traffic are remembered: types, lengths and names, never values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shapes {
    /// They are not.
    #[default]
    Forgotten,
    /// They are, so that a document can be inferred from them.
    Learned,
}

/// How long an upstream may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamTimeouts {
    /// To connect, TLS included: 502 beyond.
    pub connect: Duration,
    /// From the request's last byte to the head of the answer: 504 beyond.
    pub first_byte: Duration,
    /// For the exchange up to the answer's last byte: the connection is cut beyond.
    pub total: Duration,
    /// Between two pieces of an event stream or a gRPC call, in place of `total`: such answers have no end of their own.
    pub stream_idle: Duration,
}

impl Default for UpstreamTimeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(30),
            total: Duration::from_mins(5),
            stream_idle: Duration::from_mins(5),
        }
    }
}

/// What is done to a route's answers.
#[derive(Clone, Default)]
pub struct AnswerRules {
    /// Security headers.
    pub headers: HeaderConfig,
    /// Other origins that may call the route from a browser.
    pub cors: Option<Cors>,
    /// Attributes added to the upstream's cookies.
    pub cookies: CookieRules,
    /// What is masked in bodies.
    pub mask: MaskKinds,
}

/// The signed statement to the upstream of who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Whether it is sent.
    pub enabled: bool,
    /// How long one is valid.
    pub lifetime: Duration,
}

impl Default for Assertion {
    fn default() -> Self {
        Self { enabled: true, lifetime: Duration::from_mins(1) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        let rate = |count| Rate::per_minute(NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN));
        Self {
            address: rate(600),
            failed_authentication: rate(30),
            identity: rate(1200),
            concurrency: at_least(4096),
            connections: at_least(16_384),
            connections_per_address: at_least(1024),
            handshakes: at_least(1024),
            ipv6_prefix: NonZeroU8::new(64).unwrap_or(NonZeroU8::MIN),
            counters: at_least(262_144),
        }
    }
}

const fn at_least(value: usize) -> NonZeroUsize {
    match NonZeroUsize::new(value) {
        Some(value) => value,
        None => NonZeroUsize::MIN,
    }
}

/// How the gate takes part in traces (W3C Trace Context).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TracePolicy {
    /// Whose trace it goes on with.
    pub accept: TraceAccept,
    /// How many of the traces that it decides on are kept.
    pub sample: SampleRatio,
}

/// Whose trace the gate goes on with. Whoever is not trusted never decides what is sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TraceAccept {
    /// Those of trusted proxies. A stranger's is linked to.
    #[default]
    Trusted,
    /// Everybody's: a stranger can put its requests into a trace of somebody else.
    Any,
    /// Nobody's.
    None,
}

/// A part of all traces: of 2^32 draws, so many are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleRatio(u64);

impl SampleRatio {
    /// A ratio from 0 to 1; none for any other number.
    pub fn new(ratio: f64) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 2^32")]
        (0.0..=1.0).contains(&ratio).then_some(Self((ratio * 4_294_967_296.0) as u64))
    }

    /// The ratio in per cent.
    pub fn percent(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "at most 2^32")]
        let ratio = self.0 as f64 / 4_294_967_296.0;
        // Back to what was written: the draw has 32 bits, people write a few digits.
        (ratio * 1e8).round() / 1e6
    }

    pub(crate) fn takes(self, draw: u32) -> bool {
        u64::from(draw) < self.0
    }
}
