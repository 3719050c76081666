//! How a connection to a backend is made.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsConnector;

use super::endpoint::{Endpoint, Place};
use super::resolve;
use super::transport::{Bare, Transport};
use super::{RemoteTls, SendFault};

/// How long one of several addresses of a name may take before the next is tried: a family without a route must not use up the time
/// of the one that has it (`RFC 8305` in its simplest form).
const ONE_ADDRESS: Duration = Duration::from_millis(500);

/// A host that is asked for a document now and then, apart from any pool.
pub(crate) struct Host {
    /// `host:port`.
    pub(crate) address: String,
    /// How TLS is spoken to it, if it is.
    pub(crate) tls: Option<RemoteTls>,
}

/// Connects to a host; its name is resolved each time.
pub(crate) async fn connect(host: &Host) -> Result<Transport, SendFault> {
    let stream = TcpStream::connect(&host.address).await.map_err(|cause| SendFault::Unreachable(word(&cause)))?;
    over(Bare::Tcp(stream), host.tls.as_ref()).await
}

/// Connects to an endpoint, in the clear or by `tls`.
pub(super) async fn connect_to(endpoint: &Endpoint, tls: Option<&RemoteTls>) -> Result<Transport, SendFault> {
    let stream = match &endpoint.place {
        Place::Address(address) => tcp(*address).await?,
        Place::Name(name) => first_of(&resolve::addresses(name).await?).await?,
        Place::Unix(path) => {
            Bare::Unix(UnixStream::connect(path).await.map_err(|cause| SendFault::Unreachable(word(&cause)))?)
        }
    };
    over(stream, tls).await
}

async fn over(stream: Bare, tls: Option<&RemoteTls>) -> Result<Transport, SendFault> {
    if let Bare::Tcp(stream) = &stream {
        // Small answers must not wait for the acknowledgement of a head (Nagle).
        let _ = stream.set_nodelay(true);
    }
    let Some(tls) = tls else { return Ok(stream.into()) };
    let connected = TlsConnector::from(tls.config.clone()).connect(tls.name.clone(), stream).await;
    connected.map(|stream| Transport::Tls(Box::new(stream))).map_err(|_| SendFault::Unreachable("tls-handshake-failed"))
}

async fn tcp(address: SocketAddr) -> Result<Bare, SendFault> {
    TcpStream::connect(address).await.map(Bare::Tcp).map_err(|cause| SendFault::Unreachable(word(&cause)))
}

/// The first address that answers; the last one has all the time that is left.
async fn first_of(addresses: &[SocketAddr]) -> Result<Bare, SendFault> {
    let Some((last, others)) = addresses.split_last() else {
        return Err(SendFault::Unreachable("name-without-address"));
    };
    for address in others {
        if let Ok(Ok(stream)) = timeout(ONE_ADDRESS, tcp(*address)).await {
            return Ok(stream);
        }
    }
    tcp(*last).await
}

/// The cause as a stable word: the system's own text may name addresses.
pub(super) fn word(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::ConnectionRefused => "connection-refused",
        io::ErrorKind::ConnectionReset => "connection-reset",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "network-unreachable",
        io::ErrorKind::TimedOut => "timed-out",
        io::ErrorKind::AddrNotAvailable => "out-of-local-ports",
        io::ErrorKind::NotFound => "no-such-socket",
        io::ErrorKind::PermissionDenied => "socket-not-permitted",
        _ if cause.raw_os_error() == Some(24) => "out-of-file-descriptors",
        _ => "name-or-network-fault",
    }
}
