use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

use super::{Access, Cors, Grpc, RouteHeaders, RouteUpstream, Upgrade, WebSocket};
use crate::config::units::{Method, Name, PathPattern, Period, Rate, Size};

/// One thing that is served.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Its name in events and metrics.
    pub name: Name,
    /// The path: `{name}` is one segment or a part of one (`{base}...{head}`), `{*rest}` the remainder.
    pub path: PathPattern,
    /// The methods. Anything else gets 405; `HEAD` is served where `GET` is.
    #[schemars(length(min = 1))]
    pub methods: Vec<Method>,
    /// Whom the request is for: a URL of scheme, host and port, `unix:/run/app.sock`, the name of one of the `[[upstreams]]`, or
    /// several of those by weight: `[{ name = "shop", weight = 95 }, { name = "shop-next", weight = 5 }]`.
    pub upstream: RouteUpstream,
    /// PEM file of the authorities to trust for an `https` upstream, instead of the system's.
    pub upstream_ca: Option<PathBuf>,
    /// Who may call it. There is no default: a route that does not say is an error.
    pub access: Access,
    /// Which credentials are looked at. Without it, `bearer` and `api-key`.
    #[schemars(length(min = 1))]
    pub credentials: Option<Vec<Credential>>,
    /// The sender of `[[webhooks]]` whose signed messages it takes, and nothing else.
    pub webhook: Option<Name>,
    /// Requests per identity, or per address while nobody is signed in, on this route.
    pub limit: Option<Rate>,
    /// What injection inspection does. This version has none; the posture says so.
    #[serde(default)]
    pub inspect: Mode,
    /// Size of a request's body: 413 beyond. Without it, `max_body` of `[server]`.
    pub body: Option<Size>,
    /// What a connection may become. Without it an upgrade that a client asks for is not passed on.
    pub upgrade: Option<Upgrade>,
    /// What holds for WebSocket connections, where `upgrade` lets them through.
    pub websocket: Option<WebSocket>,
    /// Takes gRPC calls, and nothing else. `body` then bounds a whole call, and is unbounded where it is not said.
    pub grpc: Option<Grpc>,
    /// How long the upstream may take.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// What is masked in answers, by `*` of the same length.
    #[serde(default)]
    pub mask: Vec<Mask>,
    /// Other origins that may call it from a browser, instead of the global `[cors]`.
    pub cors: Option<Cors>,
    /// Response headers, on top of the global `[headers]`.
    #[serde(default)]
    pub headers: RouteHeaders,
    /// Remember what its traffic looks like (types, lengths and names, never values), so that `bartizan check --infer` can write an
    /// OpenAPI document for it. JSON bodies of up to 256 KiB are looked at.
    #[serde(default)]
    pub learn: bool,
}

impl Route {
    /// Which credentials are looked at.
    pub fn credentials(&self) -> &[Credential] {
        self.credentials.as_deref().unwrap_or(&[Credential::Bearer, Credential::ApiKey])
    }
}

/// A form of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Credential {
    /// The session of whoever signed in at the gate itself (`[identity]`). A browser without one is sent to sign in; a script gets 401.
    Session,
    /// `Authorization: Bearer` with a token of one of the `[[issuers]]`; or `DPoP`, with a proof for one that is bound to a key.
    Bearer,
    /// Only tokens that are bound to a key, with their proof (RFC 9449).
    Dpop,
    /// An API key of `[[keys]]`.
    ApiKey,
    /// The connection's certificate, as `[[certificates]]` has it. It counts where the request carries no other credential.
    Mtls,
}

/// What a check does with what it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Refuses it.
    #[default]
    Block,
    /// Lets it pass and reports what would have been refused.
    Observe,
    /// Does not look.
    Off,
}

/// How long an upstream may take.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// To connect, TLS included: 502 beyond.
    pub connect: Period,
    /// From the request's last byte to the head of the answer: 504 beyond.
    pub first_byte: Period,
    /// Up to the answer's last byte: the connection is cut beyond.
    pub total: Period,
    /// Between two pieces of an event stream or a gRPC call, for which `total` does not hold.
    pub stream_idle: Period,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Period::new(Duration::from_secs(5)),
            first_byte: Period::new(Duration::from_secs(30)),
            total: Period::new(Duration::from_mins(5)),
            stream_idle: Period::new(Duration::from_mins(5)),
        }
    }
}

/// Something that is masked in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mask {
    /// Payment card numbers, by the Luhn check; the last four digits stay.
    CardNumbers,
    /// Bearer tokens and API keys.
    Tokens,
    /// PEM private keys.
    PrivateKeys,
}
