//! The gate's reading of WebSocket frames.

pub(crate) mod frame;
pub(crate) mod watch;
