use std::num::{NonZeroU16, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OneOrMany;
use super::listening::{AcmeTls, ClientCertificates, ProxyProtocol};
use crate::config::units::{Address, Mode, Network, Period, Place, Size, Url};

/// Where the gate listens and how it speaks there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address of the public listener, or a list of them: an IP address and a port, or `unix:` and the path of a socket.
    pub listen: OneOrMany<Place>,
    /// Address of a plain HTTP listener that answers 308 to the same URL over TLS, and ACME's `http-01` challenge; nothing else.
    pub redirect_from: Option<Address>,
    /// How the outside names the gate: scheme and host, no path. Without it, the first address of `listen`.
    pub public_url: Option<Url>,
    /// Host names that a request may carry in `Host` beside the one of `public_url`, without a port; `"*"` accepts any. Clients on this
    /// machine may also say `localhost` or a loopback address.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// TLS on the public listener: a certificate with its key, a list of them chosen by server name, `{ acme = … }` for one that the
    /// gate fetches by itself, `"self-signed"` for development, or `"off"`, which has to be said.
    #[serde(default)]
    pub tls: Tls,
    /// The lowest version of TLS that is spoken. `"1.3"` shuts out clients of before about 2019.
    #[serde(default)]
    pub min_version: TlsVersion,
    /// Proxies before the gate whose `Forwarded` and `X-Forwarded-For` are believed. Nobody else's are, so that a client
    /// cannot choose its address.
    #[serde(default)]
    pub trusted_proxies: Vec<Network>,
    /// Whether these proxies say by a PROXY header which client each connection is for, on every listener but the console's.
    #[serde(default)]
    pub proxy_protocol: ProxyProtocol,
    /// Permissions of the Unix sockets in `listen`: whoever may write to one may connect.
    #[serde(default = "defaults::socket_mode")]
    pub socket_mode: Mode,
    /// Certificates that clients show (mutual TLS). Without it, none is asked for.
    pub client_certificates: Option<ClientCertificates>,
    /// Threads that serve requests. Without it, one per core.
    pub workers: Option<NonZeroU16>,
    /// Whom the gate becomes once its ports are bound, when it is started as root. `"root"`, to stay it, has to be said: started as
    /// root without this key it does not serve.
    pub user: Option<String>,
    /// The group that goes with `user`. Without it, the user's own.
    pub group: Option<String>,
    /// How long requests in flight may take once the gate is told to stop.
    #[serde(default = "defaults::drain")]
    pub drain: Period,
    /// Header fields of a request: 431 beyond.
    #[serde(default = "defaults::max_headers")]
    pub max_headers: NonZeroUsize,
    /// Size of a request's whole head: 431 beyond.
    #[serde(default = "defaults::max_header_bytes")]
    pub max_header_bytes: Size,
    /// Length of a request's target: 414 beyond.
    #[serde(default = "defaults::max_uri")]
    pub max_uri: Size,
    /// Size of a request's body on routes that do not say: 413 beyond.
    #[serde(default = "defaults::max_body")]
    pub max_body: Size,
    /// How long the TLS handshake may take.
    #[serde(default = "defaults::handshake_timeout")]
    pub handshake_timeout: Period,
    /// How long a client may take for the whole head of a request, and to send the next one on an open connection.
    #[serde(default = "defaults::header_timeout")]
    pub header_timeout: Period,
    /// How long a client may be silent in the middle of a body, or take nothing of its answer.
    #[serde(default = "defaults::idle_timeout")]
    pub idle_timeout: Period,
    /// Bytes a second that a client has to send of a body, or take of its answer, while it is waited for; a slower one uses up
    /// `idle_timeout`.
    #[serde(default = "defaults::min_rate")]
    pub min_rate: Size,
}

/// TLS on the public listener.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Tls {
    /// A word.
    Word(TlsWord),
    /// One certificate.
    Certificate(Certificate),
    /// One that the gate fetches by itself.
    #[serde(skip_serializing)]
    Acme(Box<AcmeTls>),
    /// Several, chosen by server name (SNI); the first answers clients that send none.
    Certificates(Vec<Certificate>),
}

impl Default for Tls {
    fn default() -> Self {
        Self::Word(TlsWord::SelfSigned)
    }
}

/// TLS without certificate files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TlsWord {
    /// A certificate that the gate makes for itself; for development.
    SelfSigned,
    /// Plain HTTP: everybody on the way reads and changes everything.
    Off,
}

/// A certificate and its key.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// PEM file of the certificate chain, leaf first.
    pub cert: PathBuf,
    /// PEM file of the key: PKCS #8, SEC 1 or PKCS #1, not encrypted.
    pub key: PathBuf,
    /// DER file of an OCSP response, which is stapled for as long as it is valid, and read again when it changes.
    pub ocsp: Option<PathBuf>,
}

/// Versions of TLS that are still safe to speak (RFC 8996).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum TlsVersion {
    /// TLS 1.2 with forward secrecy and AEAD only.
    #[default]
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    Tls13,
}

mod defaults {
    use super::{Duration, Mode, NonZeroUsize, Period, Size};

    pub(super) const fn drain() -> Period {
        Period::new(Duration::from_secs(30))
    }
    pub(super) const fn socket_mode() -> Mode {
        Mode::new(0o660)
    }
    pub(super) const fn max_headers() -> NonZeroUsize {
        NonZeroUsize::MIN.saturating_add(99)
    }
    pub(super) const fn max_header_bytes() -> Size {
        Size::new(32 << 10)
    }
    pub(super) const fn max_uri() -> Size {
        Size::new(8 << 10)
    }
    pub(super) const fn max_body() -> Size {
        Size::new(1 << 20)
    }
    pub(super) const fn handshake_timeout() -> Period {
        Period::new(Duration::from_secs(10))
    }
    pub(super) const fn header_timeout() -> Period {
        Period::new(Duration::from_secs(15))
    }
    pub(super) const fn idle_timeout() -> Period {
        Period::new(Duration::from_secs(30))
    }
    pub(super) const fn min_rate() -> Size {
        Size::new(240)
    }
}
