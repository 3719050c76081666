//! One small document from one URL: no redirects, no proxies, no cookies, bounded in size and time.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use crate::upstream::{Host, RemoteTls, SendFault, authorities, connect, server_name};

const PATIENCE: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 256 * 1024;

/// Why a document could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// Whoever can change the keys on the way can sign any token.
    #[error("{0}: only `https`, or `http` on loopback, is fetched")]
    Insecure(Uri),
    #[error("{url}: cannot be reached: {cause}")]
    Unreachable { url: Uri, cause: String },
    #[error("{url}: answered {status}; redirects are not followed")]
    Status { url: Uri, status: StatusCode },
    #[error("{url}: {cause}")]
    Document { url: Uri, cause: String },
}

/// Gets the document at `url`.
pub(crate) async fn fetch(url: &Uri, authorities_file: Option<&Path>) -> Result<Bytes, FetchError> {
    let file: Option<PathBuf> = authorities_file.map(Path::to_owned);
    match timeout(PATIENCE, request(url, file.as_deref())).await {
        Ok(outcome) => outcome,
        Err(_) => Err(unreachable_because(url, "no answer in 5 s")),
    }
}

async fn request(url: &Uri, authorities_file: Option<&Path>) -> Result<Bytes, FetchError> {
    let remote = remote(url, authorities_file)?;
    let transport = connect(&remote).await.map_err(|fault| match fault {
        SendFault::Unreachable(cause)
        | SendFault::Timeout(cause)
        | SendFault::NoAnswer(cause)
        | SendFault::BadAnswer(cause)
        | SendFault::Busy(cause) => unreachable_because(url, cause),
    })?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(transport))
        .await
        .map_err(|cause| unreachable_because(url, &cause.to_string()))?;
    let exchange = async {
        let response =
            sender.send_request(message(url)).await.map_err(|cause| unreachable_because(url, &cause.to_string()))?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(FetchError::Status { url: url.clone(), status });
        }
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|_| FetchError::Document {
            url: url.clone(),
            cause: format!("larger than {MOST_BYTES} bytes, or cut off"),
        })
    };
    tokio::pin!(connection);
    tokio::select! {
        outcome = exchange => outcome,
        // The connection ends after its last exchange at the earliest, unless it broke.
        _ = &mut connection => Err(unreachable_because(url, "the connection broke")),
    }
}

fn message(url: &Uri) -> Request<Empty<Bytes>> {
    let mut message = Request::new(Empty::new());
    *message.uri_mut() = url.path_and_query().map_or_else(|| Uri::from_static("/"), |target| target.clone().into());
    let headers = message.headers_mut();
    if let Some(host) = url.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok()) {
        headers.insert(header::HOST, host);
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("bartizan/", env!("CARGO_PKG_VERSION"))));
    message
}

fn remote(url: &Uri, authorities_file: Option<&Path>) -> Result<Host, FetchError> {
    let host = url.host().ok_or_else(|| FetchError::Insecure(url.clone()))?;
    let (port, tls) = match url.scheme_str() {
        Some("https") => {
            let config = authorities(authorities_file).map_err(|cause| unreachable_because(url, &cause))?;
            let name = server_name(host).ok_or_else(|| unreachable_because(url, "no name for a certificate"))?;
            (url.port_u16().unwrap_or(443), Some(RemoteTls { config, name }))
        }
        Some("http") if is_loopback(host) => (url.port_u16().unwrap_or(80), None),
        _ => return Err(FetchError::Insecure(url.clone())),
    };
    Ok(Host { address: format!("{host}:{port}"), tls })
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn unreachable_because(url: &Uri, cause: &str) -> FetchError {
    FetchError::Unreachable { url: url.clone(), cause: cause.to_owned() }
}
