use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretSource;
use crate::config::units::{HeaderField, Name, Period, Url};

/// Traces, and where events, spans and metrics are sent. Environment variables such as `OTEL_EXPORTER_OTLP_ENDPOINT` are not read:
/// where events go stands here or nowhere.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// How the gate takes part in traces (W3C Trace Context). Without it, and without `otlp`, `traceparent` passes as any other field.
    pub trace: Option<Trace>,
    /// A receiver of OpenTelemetry's protocol, such as a collector.
    pub otlp: Option<Otlp>,
}

/// How the gate takes part in traces.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Trace {
    /// Whose trace the gate goes on with.
    pub accept: TraceAccept,
    /// How many of the traces that the gate decides on are kept, from 0 to 1. A trusted proxy decides on its own.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sample: f64,
}

impl Default for Trace {
    fn default() -> Self {
        Self { accept: TraceAccept::Trusted, sample: 0.01 }
    }
}

/// Whose trace the gate goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TraceAccept {
    /// That of `trusted_proxies`. Others get a new one that links to theirs.
    Trusted,
    /// Everybody's: a stranger can put its requests into anybody's trace. It still does not decide what is kept.
    Any,
    /// Nobody's.
    None,
}

/// A receiver of OpenTelemetry's protocol.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Otlp {
    /// The receiver's base URL; `/v1/logs`, `/v1/traces` and `/v1/metrics` are appended.
    pub endpoint: Url,
    /// How it is spoken.
    #[serde(default)]
    pub protocol: OtlpProtocol,
    /// Whether events are sent.
    #[serde(default = "yes")]
    pub logs: bool,
    /// Whether spans of sampled requests are sent.
    #[serde(default = "yes")]
    pub traces: bool,
    /// Whether metrics are sent.
    #[serde(default = "yes")]
    pub metrics: bool,
    /// Time between two sendings of metrics.
    #[serde(default = "ten_seconds")]
    pub interval: Period,
    /// Fields sent with each request, such as `authorization`; their values are secrets.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, SecretSource>", extend("x-bartizan-keys" = "header"))]
    pub headers: BTreeMap<HeaderField, SecretSource>,
    /// PEM file of the authorities to trust for `https`, instead of the system's.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// Whether bodies are compressed.
    #[serde(default)]
    pub compression: Compression,
    /// `service.name` of everything that is sent.
    #[serde(default)]
    pub service: Option<Name>,
}

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum OtlpProtocol {
    /// Protocol Buffers over HTTP/1.1.
    #[default]
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
}

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// By gzip: about a sixth of the bytes.
    Gzip,
}

const fn yes() -> bool {
    true
}

const fn ten_seconds() -> Period {
    Period::new(Duration::from_secs(10))
}
