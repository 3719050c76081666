//! Connections to backends: made, kept for the next request, and given up in time.

mod connect;
mod dedicated;
mod pool;

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::time::{Instant, sleep_until, timeout_at};

pub(crate) use connect::{authorities, connect, server_name};
pub(crate) use dedicated::dedicated;
pub(crate) use pool::{Lease, Pool};

use crate::body::BodyWatch;
use crate::config::UpstreamTimeouts;

/// A backend, ready to be connected to.
pub(crate) struct Remote {
    /// Tells pools apart; equal for equal backends, over reloads too.
    pub(crate) key: u64,
    /// `host:port`.
    pub(crate) address: String,
    /// How TLS is spoken to it, if it is.
    pub(crate) tls: Option<RemoteTls>,
}

/// How TLS is spoken to a backend.
pub(crate) struct RemoteTls {
    pub(crate) config: Arc<rustls::ClientConfig>,
    pub(crate) name: ServerName<'static>,
}

/// When an exchange has to be where.
#[derive(Clone, Copy)]
pub(crate) struct Deadlines {
    connect: Duration,
    first_byte: Duration,
    pub(crate) total: Instant,
}

impl Deadlines {
    pub(crate) fn starting_now(timeouts: UpstreamTimeouts) -> Self {
        let total = Instant::now() + timeouts.total;
        Self { connect: timeouts.connect, first_byte: timeouts.first_byte, total }
    }

    /// Returns when the answer is late. While the body is on its way only the whole exchange is timed: a slow upload is the client's
    /// time, not the upstream's.
    async fn passed(self, body: Option<BodyWatch>) {
        if let Some(body) = body
            && timeout_at(self.total, body.sent()).await.is_err()
        {
            return;
        }
        sleep_until(self.total.min(Instant::now() + self.first_byte)).await;
    }
}

/// Why an upstream gave no answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SendFault {
    /// No connection.
    Unreachable(&'static str),
    /// Not in time.
    Timeout(&'static str),
    /// The connection ended, or what came over it was no HTTP.
    NoAnswer(&'static str),
}
