use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri, Version, header::HOST, uri::PathAndQuery};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// An HTTP client that opens a connection for each request, follows no redirect, and keeps no cookie.
#[derive(Clone)]
pub struct HttpClient {
    protocol: Protocol,
    tls: Option<Arc<ClientConfig>>,
    address: Option<SocketAddr>,
    patience: Duration,
}

/// Which version of HTTP to speak; by TLS it is also the only one that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2; without TLS with prior knowledge.
    Http2,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The version of the answer.
    pub version: Version,
    /// All header fields.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// Fields after the body.
    pub trailers: Option<HeaderMap>,
}

/// One open connection, for several requests.
pub struct HttpConnection {
    sender: Sender,
    patience: Duration,
}

enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl HttpClient {
    /// A client for `http://` URLs.
    pub const fn plain() -> Self {
        Self { protocol: Protocol::Http1, tls: None, address: None, patience: Duration::from_secs(10) }
    }

    /// A client that trusts only `certificate`, as an authority or itself, for `https://` URLs.
    pub fn trusting(certificate: &CertificateDer<'static>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let config = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        Self { tls: Some(Arc::new(config.with_no_client_auth())), ..Self::plain() }
    }

    /// A client with TLS settings of the test's own; its ALPN is set by [`over`](Self::over).
    pub fn with_tls(config: ClientConfig) -> Self {
        Self { tls: Some(Arc::new(config)), ..Self::plain() }
    }

    /// The same client, speaking `protocol`.
    #[must_use]
    pub const fn over(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// The same client, connecting to `address` whatever host a URL names.
    #[must_use]
    pub const fn connecting_to(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// The same client, giving up after `patience` (else 10 s).
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The answer to a GET.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn get(&self, url: &str) -> anyhow::Result<Answered> {
        self.send(Request::get(url).body(Bytes::new())?).await
    }

    /// The answer to `request`, whose URI is absolute. Fields are sent as they are; `Host` is added if it is missing.
    ///
    /// # Errors
    /// If no connection is made, or no whole answer comes in time.
    pub async fn send(&self, request: Request<Bytes>) -> anyhow::Result<Answered> {
        self.connect(request.uri()).await?.send(request).await
    }

    /// A connection to the host of `uri`.
    ///
    /// # Errors
    /// If no connection is made.
    pub async fn connect(&self, uri: &Uri) -> anyhow::Result<HttpConnection> {
        timeout(self.patience, self.open(uri)).await.context("no connection in time")?
    }

    async fn open(&self, uri: &Uri) -> anyhow::Result<HttpConnection> {
        let sender = if uri.scheme_str() == Some("https") {
            self.handshake(self.tls(uri).await?).await?
        } else {
            self.handshake(self.tcp(uri, 80).await?).await?
        };
        Ok(HttpConnection { sender, patience: self.patience })
    }

    async fn tcp(&self, uri: &Uri, port: u16) -> anyhow::Result<TcpStream> {
        let host = bare_host(uri)?;
        let stream = match self.address {
            Some(address) => TcpStream::connect(address).await,
            None => TcpStream::connect((host, uri.port_u16().unwrap_or(port))).await,
        };
        let stream = stream.with_context(|| format!("connecting to {host}"))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// A TLS connection to the host of `uri`, over which nothing was said yet.
    ///
    /// # Errors
    /// If there is no connection, or the server does not agree to the client's protocol.
    pub async fn tls(&self, uri: &Uri) -> anyhow::Result<TlsStream<TcpStream>> {
        let Some(config) = &self.tls else { bail!("this client speaks no TLS: {uri}") };
        let mut config = ClientConfig::clone(config);
        config.alpn_protocols = vec![self.protocol.alpn()];
        let name = ServerName::try_from(bare_host(uri)?.to_owned())?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, self.tcp(uri, 443).await?).await?;
        let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        if self.protocol == Protocol::Http2 && agreed != Some(self.protocol.alpn()) {
            bail!("the server did not agree to HTTP/2");
        }
        Ok(stream)
    }

    async fn handshake(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> anyhow::Result<Sender> {
        let stream = TokioIo::new(stream);
        // How the connection ends shows in the answers.
        match self.protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::Builder::new().max_buf_size(1 << 20).handshake(stream).await?;
                tokio::spawn(connection);
                Ok(Sender::Http1(sender))
            }
            Protocol::Http2 => {
                let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
                tokio::spawn(connection);
                Ok(Sender::Http2(sender))
            }
        }
    }
}

fn bare_host(uri: &Uri) -> anyhow::Result<&str> {
    Ok(uri.host().context("the URL has no host")?.trim_matches(['[', ']']))
}

impl Protocol {
    fn alpn(self) -> Vec<u8> {
        match self {
            Self::Http1 => b"http/1.1".to_vec(),
            Self::Http2 => b"h2".to_vec(),
        }
    }
}

impl HttpConnection {
    /// The answer to `request`, whose URI is absolute.
    ///
    /// # Errors
    /// If no whole answer comes in time, or the connection is closed.
    pub async fn send(&mut self, request: Request<Bytes>) -> anyhow::Result<Answered> {
        let exchange = async {
            let response = match &mut self.sender {
                Sender::Http1(sender) => {
                    sender.ready().await?;
                    sender.send_request(in_origin_form(request)?).await?
                }
                Sender::Http2(sender) => {
                    sender.ready().await?;
                    sender.send_request(request.map(Full::new)).await?
                }
            };
            Answered::collect(response).await
        };
        timeout(self.patience, exchange).await.map_err(|_| anyhow!("no answer in {:?}", self.patience))?
    }
}

/// A request as a client writes it on the wire to an origin server (`RFC 9112 §3.2.1`).
fn in_origin_form(request: Request<Bytes>) -> anyhow::Result<Request<Full<Bytes>>> {
    let (mut head, body) = request.into_parts();
    if !head.headers.contains_key(HOST) {
        let authority = head.uri.authority().context("the URL has no host")?;
        head.headers.insert(HOST, authority.as_str().parse()?);
    }
    let target = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    head.uri = Uri::from(target);
    Ok(Request::from_parts(head, Full::new(body)))
}

impl Answered {
    async fn collect(response: Response<Incoming>) -> anyhow::Result<Self> {
        let (head, body) = response.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned();
        Ok(Self { status: head.status, version: head.version, headers: head.headers, body: body.to_bytes(), trailers })
    }

    /// The body as text.
    ///
    /// # Panics
    /// If it is not UTF-8.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The one value of the field `name`, if it is there.
    ///
    /// # Panics
    /// If it is there twice, or no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next()?;
        assert!(values.next().is_none(), "`{name}` is there twice: {:?}", self.headers);
        Some(first.to_str().unwrap())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use hyper::{server, service::service_fn};
    use rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, pem::PemObject as _},
    };
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::Certificate;

    /// A server that answers with the version that it was spoken to in.
    async fn serve(certificate: &Certificate) -> SocketAddr {
        let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let mut config = builder.with_single_cert(vec![certificate.der.clone()], key).unwrap();
        config.alpn_protocols = [Protocol::Http2, Protocol::Http1].map(Protocol::alpn).to_vec();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(stream) = acceptor.accept(stream).await else { continue };
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let answer = service_fn(async |request: Request<Incoming>| {
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(format!("{:?}", request.version())))))
                });
                let stream = TokioIo::new(stream);
                if is_http2 {
                    let _ =
                        server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(stream, answer).await;
                } else {
                    let _ = server::conn::http1::Builder::new().serve_connection(stream, answer).await;
                }
            }
        });
        address
    }

    #[tokio::test]
    async fn both_versions_are_spoken_by_tls_and_only_the_given_certificate_is_trusted() {
        let certificate = Certificate::for_names(&["api.test"]);
        let address = serve(&certificate).await;
        let url = "https://api.test/x";
        let client = HttpClient::trusting(&certificate.der).connecting_to(address);
        for (protocol, version) in [(Protocol::Http1, "HTTP/1.1"), (Protocol::Http2, "HTTP/2.0")] {
            assert_eq!(client.clone().over(protocol).get(url).await.unwrap().text(), version);
        }
        assert!(client.get("https://other.test/x").await.is_err(), "the certificate is for another name");
        let other = Certificate::for_names(&["api.test"]);
        assert!(HttpClient::trusting(&other.der).connecting_to(address).get(url).await.is_err());
    }
}
