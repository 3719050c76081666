//! A plain HTTP GET, for `POST /products/import-image`.
//!
//! The fault on show is that the caller picks the address. The sample still connects to loopback only: it must never become
//! a way from one machine to another.

use std::net::SocketAddr;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(3);
const MOST_BYTES: usize = 64 * 1024;

pub(crate) struct Fetched {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

pub(crate) async fn get(url: &str) -> Result<Fetched, Error> {
    timeout(PATIENCE, fetch(url.parse()?)).await?
}

async fn fetch(url: Uri) -> Result<Fetched, Error> {
    if url.scheme_str() != Some("http") {
        return Err("only http:// is known here".into());
    }
    let authority = url.authority().ok_or("no host")?.clone();
    let address = loopback_address(authority.host(), url.port_u16().unwrap_or(80)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(TcpStream::connect(address).await?)).await?;
    tokio::spawn(connection);
    let target = url.path_and_query().map_or("/", |target| target.as_str());
    let request = Request::get(target).header(HOST, authority.as_str()).body(Empty::<Bytes>::new())?;
    let (head, body) = sender.send_request(request).await?.into_parts();
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = Limited::new(body, MOST_BYTES).collect().await?.to_bytes();
    Ok(Fetched { status: head.status, content_type, body })
}

async fn loopback_address(host: &str, port: u16) -> Result<SocketAddr, Error> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut addresses = lookup_host((host, port)).await?;
    addresses.find(|address| address.ip().is_loopback()).ok_or_else(|| "this sample reaches loopback only".into())
}
