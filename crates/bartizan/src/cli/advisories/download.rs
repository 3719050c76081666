//! One archive from a mirror into a file: no redirects, bounded in size and in how long it may say nothing.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a mirror may say nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest of OSV's archives, npm's, has about 250 MB.
const MOST_BYTES: u64 = 4 << 30;

/// Where OSV's archives are fetched from.
pub(super) struct Mirror {
    base: String,
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Mirror {
    /// A mirror by its address.
    ///
    /// # Errors
    /// What is wrong with the address, in words.
    pub(super) fn new(address: &str) -> anyhow::Result<Self> {
        let url: Uri = address.parse().context("is no URL")?;
        let host = url.host().context("has no host")?.trim_start_matches('[').trim_end_matches(']').to_owned();
        ensure!(url.query().is_none(), "has a query; name the folder in which OSV's ecosystems are");
        let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let tls = match url.scheme_str() {
            Some("https") => Some((
                connector()?,
                ServerName::try_from(host.clone()).context("has no name that a certificate can have")?,
            )),
            Some("http") if is_loopback => None,
            // Whoever can leave an advisory out on the way lets its vulnerability through.
            _ => bail!("only `https`, or `http` on loopback, is fetched"),
        };
        let port = url.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
        Ok(Self { base: address.trim_end_matches('/').to_owned(), host, port, tls })
    }

    /// Gets `path` below the mirror into a file.
    ///
    /// # Errors
    /// If it cannot be reached, answers anything but 200, falls silent, or sends more than 4 GiB.
    pub(super) async fn fetch(&self, path: &str, file: &Path) -> anyhow::Result<()> {
        let url: Uri = format!("{}/{path}", self.base).parse()?;
        let mut out = io::BufWriter::new(std::fs::File::create(file)?);
        let mut answer = in_time(self.ask(&url)).await.with_context(|| url.to_string())?;
        let status = answer.status();
        ensure!(status == StatusCode::OK, "{url} answered {status}; redirects are not followed");
        let mut received = 0;
        while let Some(frame) = in_time(async { answer.frame().await.transpose().map_err(Into::into) }).await? {
            let Ok(data) = frame.into_data() else { continue };
            received += data.len() as u64;
            ensure!(received <= MOST_BYTES, "{url} sends more than 4 GiB");
            io::Write::write_all(&mut out, &data)?;
        }
        Ok(io::Write::flush(&mut out)?)
    }

    async fn ask(&self, url: &Uri) -> anyhow::Result<http::Response<Incoming>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        match &self.tls {
            Some((connector, name)) => get(connector.connect(name.clone(), stream).await?, url).await,
            None => get(stream, url).await,
        }
    }
}

async fn get(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    url: &Uri,
) -> anyhow::Result<http::Response<Incoming>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // How it ends is told to whoever reads the answer.
    tokio::spawn(async move { drop(connection.await) });
    let target = url.path_and_query().map_or("/", |target| target.as_str());
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let request = Request::get(target)
        .header(header::HOST, authority)
        .header(header::USER_AGENT, concat!("bartizan/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())?;
    Ok(sender.send_request(request).await?)
}

async fn in_time<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| bail!("no answer in {} s", PATIENCE.as_secs()))
}

/// Trusts the authorities that the system trusts.
fn connector() -> anyhow::Result<TlsConnector> {
    let mut authorities = rustls::RootCertStore::empty();
    let (added, _) = authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    ensure!(added > 0, "cannot be checked: the system trusts no authority (Debian: install ca-certificates)");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authorities)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
