//! The literal form of `bartizan.toml`: the file as it is written, key by key. The doc comments of these types are the
//! reference documentation and the JSON Schema that editors use; what the values mean together is the resolved form's business.

mod access;
mod answer;
mod apis;
mod clients;
mod identity;
mod issuers;
mod listening;
mod machines;
mod operation;
mod routes;
mod scan;
mod server;
mod streams;
mod styles;
mod telemetry;
mod upstreams;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use access::{Access, AccessRule, AccessWord, Claim, Owner, Scalar, Weekday};
pub use answer::{CookieRules, Cors, Headers, Hsts, RouteHeaders};
pub use apis::{Api, UndeclaredInput, UndeclaredOutput, Unsecured};
pub use clients::{Client, ClientConsent, ClientKind, Grant, IdTokenAlgorithm, Tokens};
pub use identity::{AdminPasskeys, Identity, Password, Session, Smtp, SmtpTls, Theme};
pub use issuers::{Algorithm, ClaimMap, Issuer, Key, RequiredClaim, Revoked};
pub use listening::{
    Acme, AcmeTls, CertificateMode, Challenge, ClientCertificates, ExternalAccount, ProxyProtocol, Terms,
    UnknownRevocation,
};
pub use machines::{CertificateCaller, Dpop, DpopNonce, DpopRules, DpopWord, Introspection, Webhook, WebhookForm};
pub use operation::{Assertion, Audit, Console, Limits, Retention, RootSource, RootWord, Sink, SinkWord, Store, Vault};
pub use routes::{Credential, Mask, Mode, Route, Timeouts};
pub use scan::{Scan, ScanConfidence, ScanFailOn, ScanKind, ScanLicences};
pub use server::{Certificate, Server, Tls, TlsVersion, TlsWord};
pub use streams::{Grpc, MessageCompression, Upgrade, WebSocket};
pub use styles::{Disclosures, Graphql, GrpcApi, Style, Subscriptions, Unregistered};
pub use telemetry::{Compression, Otlp, OtlpProtocol, Telemetry, Trace, TraceAccept};
pub use upstreams::{
    Balance, Breaker, Connections, HealthCheck, Mirror, Outlier, OutlierSetting, Resolve, Retry, RetryMethods,
    RouteShare, RouteUpstream, Upstream, UpstreamEndpoint, UpstreamLimits, UpstreamProtocol, UpstreamTls,
    WeightedEndpoint, WhenAllDown,
};

/// The configuration of the gate. Unknown keys are errors; secrets are never written here but named, as
/// `{ env = "NAME" }` or `{ file = "path" }`. Paths of files are relative to this file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "bartizan.toml")]
pub struct File {
    /// Where the gate listens and how it speaks there.
    pub server: Server,
    /// Where state is kept.
    #[serde(default)]
    pub store: Store,
    /// What protects the keys in the state directory.
    #[serde(default)]
    pub vault: Vault,
    /// Limits that hold for every route.
    #[serde(default)]
    pub limits: Limits,
    /// Whose tokens are accepted.
    #[serde(default)]
    pub issuers: Vec<Issuer>,
    /// The gate's own sign-in: people with accounts, sessions and second factors. Without the section there is none. A change of it takes
    /// effect at the next start.
    pub identity: Option<Identity>,
    /// Applications that get tokens from the gate's own sign-in. `bartizan client` registers others.
    #[serde(default)]
    pub clients: Vec<Client>,
    /// API keys, by hash. `bartizan key new` makes a key and prints its section.
    #[serde(default)]
    pub keys: Vec<Key>,
    /// Whom client certificates speak for.
    #[serde(default)]
    pub certificates: Vec<CertificateCaller>,
    /// Senders of webhooks.
    #[serde(default)]
    pub webhooks: Vec<Webhook>,
    /// Credentials that ended before their expiry.
    #[serde(default)]
    pub revoked: Vec<Revoked>,
    /// Named groups of endpoints.
    #[serde(default)]
    pub upstreams: Vec<Upstream>,
    /// APIs whose OpenAPI document is the policy.
    #[serde(default)]
    pub apis: Vec<Api>,
    /// What is served. Every other path gets 404 and never reaches an upstream.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Response headers, for every route.
    #[serde(default)]
    pub headers: Headers,
    /// Other origins that may call from a browser, for every route that does not say otherwise.
    #[serde(default)]
    pub cors: Option<Cors>,
    /// The signed statement to the upstream of who calls (`Bartizan-Assertion`).
    #[serde(default)]
    pub assertion: Assertion,
    /// The audit log.
    #[serde(default)]
    pub audit: Audit,
    /// Traces, and where events, spans and metrics are sent.
    #[serde(default)]
    pub telemetry: Telemetry,
    /// Health, readiness and metrics, apart from the public listener.
    #[serde(default)]
    pub console: Console,
    /// What `bartizan scan` looks for and when it fails.
    #[serde(default)]
    pub scan: Scan,
}

/// One value or a list of them.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// One.
    One(T),
    /// A list.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// All of them.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

/// A secret, named and not written: where to read it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("x-bartizan-secret" = true))]
pub enum SecretSource {
    /// From an environment variable.
    #[schemars(title = "From the environment")]
    Environment(FromEnvironment),
    /// From a file.
    #[schemars(title = "From a file")]
    File(FromFile),
}

/// From an environment variable.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FromEnvironment {
    /// The variable's name.
    pub env: String,
}

/// From a file; one line break at its end is not part of the secret.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FromFile {
    /// The file's path.
    pub file: std::path::PathBuf,
}
