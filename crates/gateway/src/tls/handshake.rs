//! From a fresh connection to one that is encrypted, and whom it is encrypted for.

use std::io;
use std::sync::Arc;

use bartizan_evidence::TlsVersion;
use bartizan_token::ClientCertificate;
use rustls::ServerConnection;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};

use super::Certificates;

/// The protocol of a certificate authority that checks a name by a handshake (`RFC 8737 §4`).
pub(super) const ACME_TLS: &[u8] = b"acme-tls/1";

/// A connection after its handshake.
pub(crate) struct Accepted<S> {
    /// In a box: by value it would be part of every future that it is handed to, and the connection's task several times as large.
    pub(crate) stream: Box<TlsStream<S>>,
    pub(crate) version: TlsVersion,
    /// What the client showed, verified.
    pub(crate) certificate: Option<Arc<ClientCertificate>>,
    pub(crate) is_http2: bool,
}

/// Makes the handshake. `None`: a certificate authority checked a name, which the handshake itself answered.
pub(crate) async fn accept<S>(tls: &Certificates, stream: S) -> io::Result<Option<Accepted<S>>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(challenge) = &tls.challenge else {
        return TlsAcceptor::from(tls.config.clone()).accept(stream).await.and_then(accepted).map(Some);
    };
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let is_challenge = start.client_hello().alpn().is_some_and(|mut offered| offered.any(|name| name == ACME_TLS));
    if is_challenge {
        let mut stream = start.into_stream(challenge.clone()).await?;
        // "The connection is closed, no application data is exchanged" (`RFC 8737 §3`).
        let _ = stream.shutdown().await;
        return Ok(None);
    }
    start.into_stream(tls.config.clone()).await.and_then(accepted).map(Some)
}

fn accepted<S>(stream: TlsStream<S>) -> io::Result<Accepted<S>> {
    let (_, session) = stream.get_ref();
    let version = match session.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
        _ => TlsVersion::Tls12,
    };
    let is_http2 = session.alpn_protocol() == Some(b"h2");
    let certificate = certificate(session)?;
    Ok(Accepted { stream: Box::new(stream), version, certificate, is_http2 })
}

/// rustls keeps what the client showed only after its verifier took it.
fn certificate(session: &ServerConnection) -> io::Result<Option<Arc<ClientCertificate>>> {
    let leaf = session.peer_certificates().and_then(<[_]>::first);
    // One that the verifier took and that cannot be read is nobody's: the handshake fails rather than the caller becoming anonymous.
    let parsed = leaf.map(|leaf| ClientCertificate::parse(leaf)).transpose();
    Ok(parsed.map_err(io::Error::other)?.map(Arc::new))
}
