use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::units::{Origin, Period, Rate, Size};

/// What a connection may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Upgrade {
    /// A WebSocket connection (RFC 6455; over HTTP/2, RFC 8441).
    Websocket,
}

/// What holds for the WebSocket connections of a route.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebSocket {
    /// Pages of other origins that may connect, beside the gate's own.
    pub origins: Vec<Origin>,
    /// Size of one message from the client, all its fragments together: closed with 1009 beyond.
    pub message: Size,
    /// Messages and control frames from the client on one connection: closed with 1008 beyond.
    pub rate: Option<Rate>,
    /// How long a client may be silent: pinged after half of it, cut after the whole.
    pub idle: Period,
    /// How long a connection may last.
    pub lifetime: Period,
    /// What becomes of the extension `permessage-deflate`.
    pub compression: MessageCompression,
}

/// What becomes of compressed WebSocket messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MessageCompression {
    /// It is not offered to the upstream.
    #[default]
    Strip,
    /// It may be agreed on. Risk: `message` then bounds the compressed bytes, which can become a thousand times as many.
    Allow,
}

/// What holds for the gRPC calls of a route; nothing else is served there. The upstream is spoken to in HTTP/2.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grpc {
    /// Size of one message from the client, as it is on the wire.
    pub message: Size,
}

impl Default for WebSocket {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            message: Size::new(1 << 20),
            rate: None,
            idle: Period::new(Duration::from_mins(1)),
            lifetime: Period::new(Duration::from_hours(24)),
            compression: MessageCompression::default(),
        }
    }
}

impl Default for Grpc {
    fn default() -> Self {
        Self { message: Size::new(4 << 20) }
    }
}
