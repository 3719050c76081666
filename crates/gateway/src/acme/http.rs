//! The requests of the ACME library on our own terms: `https` only, bounded in size and time, one connection each.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, HeaderValue};
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::upstream::{authorities, server_name};

const PATIENCE: Duration = Duration::from_secs(30);
/// Far more than a chain of certificates.
const MOST_BYTES: usize = 256 * 1024;

pub(super) struct Client(Arc<ClientConfig>);

impl Client {
    /// A client that trusts the authorities in a file, or the system's.
    pub(super) fn new(trusted: Option<&Path>) -> Result<Self, String> {
        authorities(trusted).map(Self)
    }
}

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let tls = self.0.clone();
        Box::pin(async move {
            let url = request.uri().clone();
            let outcome =
                timeout(PATIENCE, exchange(tls, request)).await.unwrap_or_else(|_| Err("no answer in 30 s".into()));
            outcome.map_err(|cause| Error::Other(format!("{url}: {cause}").into()))
        })
    }
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(tls: Arc<ClientConfig>, mut request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Fault> {
    let url = request.uri().clone();
    // Whoever can change what is said on the way gets the certificate.
    if url.scheme_str() != Some("https") {
        return Err("only `https` is asked".into());
    }
    let host = url.host().ok_or("has no host")?;
    let name = server_name(host).ok_or("is no name that a certificate can have")?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, url.port_u16().unwrap_or(443))).await?;
    let stream = TlsConnector::from(tls).connect(name, stream).await?;
    let authority = url.authority().map_or("", http::uri::Authority::as_str);
    request.headers_mut().insert(HOST, HeaderValue::from_str(authority)?);
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    *request.uri_mut() = url.path_and_query().map_or_else(|| Uri::from_static("/"), |target| target.clone().into());

    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async move {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, MOST_BYTES).collect().await?.to_bytes();
        Ok(BytesResponse { parts: head, body: Box::new(body) })
    };
    let drive = async move { connection.await.map_err(io::Error::other) };
    let (mut answer, mut drive) = (Box::pin(answer), Box::pin(drive));
    tokio::select! {
        answer = &mut answer => answer,
        ended = &mut drive => {
            // The connection may end in the same moment as the answer.
            let answer = answer.await;
            if answer.is_err() { ended?; }
            answer
        }
    }
}
