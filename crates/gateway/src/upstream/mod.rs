//! Backends: groups of endpoints, of which one is chosen for each request, and connections that are made, kept for the next request, and
//! given up in time.
//!
//! What is known of an endpoint (how well it is, how much it has to do) is shared by the workers of a node in atomics; connections are
//! each worker's own. An upstream of one endpoint for which nothing was said costs none of it: no count, no choice, no copy of a request.

mod balance;
mod breaker;
mod budget;
mod connect;
mod connection;
mod dedicated;
mod endpoint;
mod group;
mod health;
mod mirror;
mod observe;
mod outlier;
mod pool;
mod registry;
mod resolve;
mod retry;
mod slot;
mod split;
mod steer;
mod tls;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::time::{Instant, sleep_until, timeout_at};

pub(crate) use connect::{Host, connect};
pub(crate) use dedicated::dedicated;
pub(crate) use group::Remote;
pub(crate) use pool::Pool;
pub(crate) use registry::Upstreams;
pub(crate) use slot::Lease;
pub(crate) use split::Split;
pub(crate) use steer::Ticket;
pub(crate) use tls::{authorities, server_name};

use crate::body::BodyWatch;
use crate::config::UpstreamTimeouts;

/// How TLS is spoken to a backend.
#[derive(Clone)]
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
    /// The connection ended before an answer began.
    NoAnswer(&'static str),
    /// It left, and the upstream says that it did not look at it: sending it again repeats nothing.
    Unprocessed(&'static str),
    /// What came is no answer that can be passed on.
    BadAnswer(&'static str),
    /// It was not asked, since it has enough to do or is known to fail.
    Busy(&'static str),
}
