//! Reads what a proxy says of a connection before anything else does.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::proxy_protocol::{Parsed, ProxyFault, ProxyHeader, parse};

/// Why a connection cannot be believed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unproxied {
    /// Whoever may write the header may choose its address.
    #[error("a PROXY header is required, and {0} is not in `trusted_proxies`")]
    Stranger(IpAddr),
    #[error(transparent)]
    Header(#[from] ProxyFault),
    #[error("the connection ended within its PROXY header")]
    Cut(#[from] io::Error),
}

/// The client that a connection is for. The caller bounds the time; the parser bounds the length.
pub(super) async fn client(
    stream: &mut (impl AsyncRead + Unpin),
    peer: SocketAddr,
    trusted: &[IpNet],
) -> Result<IpAddr, Unproxied> {
    let peer = peer.ip().to_canonical();
    if !trusted.iter().any(|network| network.contains(&peer)) {
        return Err(Unproxied::Stranger(peer));
    }
    let mut read = Vec::with_capacity(64);
    loop {
        match parse(&read)? {
            Parsed::Whole(ProxyHeader::Client(client), _) => return Ok(client),
            Parsed::Whole(ProxyHeader::Proxy, _) => return Ok(peer),
            // Exactly what is missing: the byte after the header is TLS's.
            Parsed::Partial(more) => {
                let from = read.len();
                read.resize(from + more, 0);
                let Some(missing) = read.get_mut(from..) else { continue };
                stream.read_exact(missing).await?;
            }
        }
    }
}
