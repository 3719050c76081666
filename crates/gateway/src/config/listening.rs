//! Where connections come from and what they bring before the first byte of HTTP: addresses, Unix sockets, the PROXY header,
//! client certificates.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a listener is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// An IP address and a port; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// A Unix socket, for clients on this machine that its mode lets in.
    Unix(PathBuf),
}

/// A text that is no address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither an address with a port nor `unix:` and an absolute path")]
pub struct NotAListenAddress(String);

impl FromStr for ListenAddress {
    type Err = NotAListenAddress;

    fn from_str(text: &str) -> Result<Self, NotAListenAddress> {
        let address = match text.strip_prefix("unix:") {
            // A relative path would depend on where the gate was started.
            Some(path) if path.starts_with('/') && !path.contains('\0') => Some(Self::Unix(path.into())),
            Some(_) => None,
            None => text.parse().ok().map(Self::Tcp),
        };
        address.ok_or_else(|| NotAListenAddress(text.to_owned()))
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(out),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

impl ListenAddress {
    /// Whether only this machine reaches it.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

/// What connections bring before the first byte of HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listening {
    /// Whether a proxy says before each connection whom it is for.
    pub proxy_protocol: ProxyProtocol,
    /// Who may connect to the Unix sockets of `listen`.
    pub unix_sockets: UnixSockets,
    /// Certificates that clients show; without it none is asked for.
    pub client_certificates: Option<ClientCertificates>,
}

/// Whether a proxy in front says, in the first bytes of each connection, which client it speaks for (HAProxy's PROXY protocol,
/// versions 1 and 2). There is no "if it is there": a client could then say so itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// No header is read; one that is sent is a malformed request.
    #[default]
    Off,
    /// Every connection begins with it, and comes from a trusted proxy; others are closed.
    Required,
}

/// Who may connect to the Unix sockets that the gate listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnixSockets {
    /// Permission bits of the socket: whoever may write to it may connect.
    pub mode: u32,
}

impl Default for UnixSockets {
    /// Its own user and group.
    fn default() -> Self {
        Self { mode: 0o660 }
    }
}

/// Certificates that clients show (mutual TLS).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificates {
    /// PEM file of the authorities that issue them.
    pub authorities: PathBuf,
    /// Whether a client without one is let in.
    pub demand: CertificateDemand,
    /// Revocation lists, PEM or DER.
    pub revocation_lists: Vec<PathBuf>,
    /// What is done with a certificate whose issuer's list is not there or out of date.
    pub unknown_revocation: UnknownRevocation,
}

/// Whether a client without a certificate is let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateDemand {
    /// The handshake fails.
    #[default]
    Required,
    /// It is let in, as nobody; a certificate that does not hold still fails the handshake.
    Optional,
}

/// What is done with a certificate of which the revocation lists say nothing, or nothing recent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownRevocation {
    /// The handshake fails.
    #[default]
    Refuse,
    /// It counts as not revoked.
    Accept,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_unix_sockets_are_told_apart_and_written_as_they_are_read() {
        for text in ["127.0.0.1:8443", "[::]:443", "unix:/run/bartizan/gate.sock"] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        for text in ["unix:gate.sock", "unix:", "unix:/a\0b", "localhost:1", "8443", ""] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }
}
