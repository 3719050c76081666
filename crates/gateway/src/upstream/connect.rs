use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Remote, SendFault};

/// A connection to a backend.
pub(crate) enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects; the address is resolved each time, so that a backend that moved is found again.
pub(crate) async fn connect(remote: &Remote) -> Result<Transport, SendFault> {
    let stream = TcpStream::connect(&remote.address).await.map_err(|cause| SendFault::Unreachable(word(&cause)))?;
    // Small answers must not wait for the acknowledgement of a head (Nagle).
    let _ = stream.set_nodelay(true);
    let Some(tls) = &remote.tls else { return Ok(Transport::Plain(stream)) };
    let connected = TlsConnector::from(tls.config.clone()).connect(tls.name.clone(), stream).await;
    match connected {
        Ok(stream) => Ok(Transport::Tls(Box::new(stream))),
        Err(_) => Err(SendFault::Unreachable("tls-handshake-failed")),
    }
}

/// The cause as a stable word: the system's own text may name addresses.
fn word(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::ConnectionRefused => "connection-refused",
        io::ErrorKind::ConnectionReset => "connection-reset",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "network-unreachable",
        io::ErrorKind::TimedOut => "timed-out",
        io::ErrorKind::AddrNotAvailable => "out-of-local-ports",
        _ if cause.raw_os_error() == Some(24) => "out-of-file-descriptors",
        _ => "name-or-network-fault",
    }
}

/// Whom to trust for TLS: the authorities in a file, or the system's.
///
/// # Errors
/// The file cannot be read, or there is no authority at all: a handshake could then never succeed, or, worse, be made to.
pub(crate) fn authorities(file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(file) => {
            let certificates =
                CertificateDer::pem_file_iter(file).map_err(|cause| format!("`{}`: {cause}", file.display()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|cause| cause.to_string())?;
                roots.add(certificate).map_err(|cause| cause.to_string())?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        let place = file.map_or("the system".into(), |file| file.display().to_string());
        return Err(format!("no certificate authority in {place}"));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| cause.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The name that a backend's certificate must be for.
pub(crate) fn server_name(host: &str) -> Option<ServerName<'static>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(bare.to_owned()).ok()
}

impl AsyncRead for Transport {
    fn poll_read(self: Pin<&mut Self>, task: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(task, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(task, into),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(task, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(task, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(task),
            Self::Tls(stream) => Pin::new(stream).poll_flush(task),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(task),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(task),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(task, pieces),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(task, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
