//! Exchanges that do not end with one answer: WebSocket connections and gRPC calls.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bartizan_inspect::protobuf::{Descriptors, MessageId, Unknown};
use bartizan_policy::Rate;

use super::ContractMode;
use crate::WebOrigin;

/// What holds for the WebSocket connections of a route (`RFC 6455`, over HTTP/2 `RFC 8441`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocket {
    /// Pages of other origins that may connect, beside the gate's own. A browser sends cookies to a WebSocket of any site, and asks
    /// nobody first (cross-site WebSocket hijacking, CWE-1385).
    pub origins: Vec<WebOrigin>,
    /// Bytes of one message from the client, all its fragments together: closed with 1009 beyond.
    pub message_bytes: u64,
    /// Bytes of one frame from the client: closed with 1009 beyond.
    pub frame_bytes: u64,
    /// Messages and control frames from the client on one connection: closed with 1008 beyond.
    pub rate: Rate,
    /// How long a client may be silent: pinged after half of it, cut after the whole.
    pub idle: Duration,
    /// How long a connection may last.
    pub lifetime: Duration,
    /// What becomes of `permessage-deflate`.
    pub compression: Compression,
}

/// What becomes of `permessage-deflate` (`RFC 7692`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// It is not offered to the upstream: what a message is limited to is what the upstream has to hold.
    #[default]
    Strip,
    /// It may be agreed on. Risk: limits hold for the compressed bytes, which can become a thousand times as many.
    Allow,
}

/// What a gRPC method declares of the messages that it takes.
#[derive(Clone, Debug)]
pub struct MethodContract {
    /// The messages of the service.
    pub descriptors: Arc<Descriptors>,
    /// The one that the method takes.
    pub input: MessageId,
    /// Whether it takes more than one in a call.
    pub client_streaming: bool,
    /// What becomes of fields that the message does not declare.
    pub unknown: Unknown,
    /// Whether anything is refused at all.
    pub mode: ContractMode,
}

/// What holds for the gRPC calls of a route. Nothing else is served there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grpc {
    /// Bytes of one message from the client, as it is on the wire: the call ends with `RESOURCE_EXHAUSTED` beyond.
    pub message_bytes: u32,
}

impl Default for WebSocket {
    fn default() -> Self {
        Self {
            origins: Vec::new(),
            message_bytes: 1 << 20,
            frame_bytes: 1 << 20,
            rate: Rate::per_minute(NonZeroU32::new(6000).unwrap_or(NonZeroU32::MIN)),
            idle: Duration::from_mins(1),
            lifetime: Duration::from_hours(24),
            compression: Compression::default(),
        }
    }
}

impl Default for Grpc {
    fn default() -> Self {
        Self { message_bytes: 4 << 20 }
    }
}
