//! One connection to the receiver: HTTP/1.1, no redirects, no proxies, bounded in time and size.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{Compression, Otlp};

/// For connecting, and again for each request with its answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// An answer says little; whatever is longer is not read.
const MOST_ANSWER_BYTES: usize = 64 * 1024;

/// Sends to one receiver.
pub(super) struct Client {
    settings: Arc<Otlp>,
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    open: Option<SendRequest<Full<Bytes>>>,
}

/// What the receiver said.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<String>,
    pub(super) body: Bytes,
}

impl Client {
    pub(super) fn new(settings: Arc<Otlp>) -> Result<Self, String> {
        let host = settings.endpoint.host().ok_or("the endpoint has no host")?.to_owned();
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let over_tls = settings.endpoint.scheme_str() == Some("https");
        let tls = if over_tls {
            let name = ServerName::try_from(bare.clone()).map_err(|cause| cause.to_string())?;
            Some((TlsConnector::from(trusting(settings.authorities.as_deref())?), name))
        } else {
            None
        };
        let port = settings.endpoint.port_u16().unwrap_or(if over_tls { 443 } else { 80 });
        Ok(Self { settings, host: bare, port, tls, open: None })
    }

    /// Posts a message to `/v1/<signal>`.
    pub(super) async fn post(&mut self, signal: &str, message: Vec<u8>) -> Result<Answer, String> {
        let request = self.request(signal, message)?;
        let exchange = async {
            let mut connection = match self.open.take().filter(SendRequest::is_ready) {
                Some(open) => open,
                None => self.connect().await?,
            };
            let response = connection.send_request(request).await.map_err(described)?;
            let status = response.status();
            let retry_after = response.headers().get(header::RETRY_AFTER);
            let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
            let body = Limited::new(response.into_body(), MOST_ANSWER_BYTES).collect().await;
            if let Ok(body) = body {
                self.open = Some(connection);
                return Ok(Answer { status, retry_after, body: body.to_bytes() });
            }
            Ok(Answer { status, retry_after, body: Bytes::new() })
        };
        timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err("no answer in 10 s".to_owned()))
    }

    fn request(&self, signal: &str, message: Vec<u8>) -> Result<Request<Full<Bytes>>, String> {
        let base = self.settings.endpoint.path().trim_end_matches('/');
        let target: Uri = format!("{base}/v1/{signal}").parse().map_err(described)?;
        let body = match self.settings.compression {
            Compression::None => message,
            Compression::Gzip => gzipped(&message).map_err(described)?,
        };
        let mut request = Request::post(target);
        if let Some(authority) = self.settings.endpoint.authority() {
            request = request.header(header::HOST, authority.as_str());
        }
        request = request
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .header(header::USER_AGENT, concat!("bartizan/", env!("CARGO_PKG_VERSION")));
        if self.settings.compression == Compression::Gzip {
            request = request.header(header::CONTENT_ENCODING, "gzip");
        }
        for (name, secret) in &self.settings.headers {
            let mut value =
                HeaderValue::from_bytes(secret.expose()).map_err(|_| format!("`{name}` is no field value"))?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        request.body(Full::from(body)).map_err(described)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(described)?;
        let _ = stream.set_nodelay(true);
        let transport = match &self.tls {
            None => Transport::Plain(stream),
            Some((connector, name)) => {
                Transport::Tls(Box::new(connector.connect(name.clone(), stream).await.map_err(described)?))
            }
        };
        let (sender, connection) = http1::handshake(TokioIo::new(transport)).await.map_err(described)?;
        // Ends with the connection; whoever sends next hears of a fault.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}

fn described(cause: impl Display) -> String {
    cause.to_string()
}

fn gzipped(message: &[u8]) -> io::Result<Vec<u8>> {
    use io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(message.len() / 4), flate2::Compression::fast());
    encoder.write_all(message)?;
    encoder.finish()
}

fn trusting(file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(file) => {
            for certificate in CertificateDer::pem_file_iter(file).map_err(described)? {
                roots.add(certificate.map_err(described)?).map_err(described)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err("there is no authority to trust: name one with `ca`".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(described)?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
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
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(task, from),
            Self::Tls(stream) => Pin::new(stream).poll_write(task, from),
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
}
