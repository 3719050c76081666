//! One small document from one URL: no redirects, no proxies, no cookies, bounded in size and time.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use crate::upstream::{Host, RemoteTls, SendFault, authorities, connect, server_name};

const PATIENCE: Duration = Duration::from_secs(5);
const TOO_LATE: &str = "no answer in 5 s";
const MOST_BYTES: usize = 256 * 1024;
/// Connections to one host that are kept.
const MOST_KEPT: usize = 16;
/// Shorter than servers keep theirs.
const KEPT_FOR: Duration = Duration::from_secs(15);

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
    in_time(url, authorities_file, message(url, Bytes::new())).await
}

/// Posts a question as JSON, and gets the document that answers it, of at most so many bytes.
pub(crate) async fn post_json(
    url: &Uri,
    authorities_file: Option<&Path>,
    question: Bytes,
    most: usize,
) -> Result<Bytes, FetchError> {
    let mut message = message(url, question);
    *message.method_mut() = Method::POST;
    message.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let asked = async {
        let mut sender = open(url, authorities_file).await?;
        ask_for(url, &mut sender, message, most).await
    };
    timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(unreachable_because(url, TOO_LATE)))
}

async fn in_time(
    url: &Uri,
    authorities_file: Option<&Path>,
    message: Request<Full<Bytes>>,
) -> Result<Bytes, FetchError> {
    match timeout(PATIENCE, request(url, authorities_file, message)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(unreachable_because(url, TOO_LATE)),
    }
}

async fn request(
    url: &Uri,
    authorities_file: Option<&Path>,
    message: Request<Full<Bytes>>,
) -> Result<Bytes, FetchError> {
    let mut sender = open(url, authorities_file).await?;
    ask(url, &mut sender, message).await
}

/// A host that is asked again and again: its connections are kept for the next question.
pub(crate) struct Asked {
    url: Uri,
    authorities: Option<PathBuf>,
    idle: Mutex<Vec<(Sender, Instant)>>,
}

impl Asked {
    pub(crate) fn new(url: Uri, authorities: Option<PathBuf>) -> Self {
        Self { url, authorities, idle: Mutex::default() }
    }

    /// Posts a form as the client that `authorization` names, and gets the document that answers it. It may be posted twice: for
    /// questions only, which change nothing.
    pub(crate) async fn post_form(&self, authorization: &HeaderValue, form: &Bytes) -> Result<Bytes, FetchError> {
        let message = || {
            let mut message = message(&self.url, form.clone());
            *message.method_mut() = Method::POST;
            let headers = message.headers_mut();
            headers.insert(header::AUTHORIZATION, authorization.clone());
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            message
        };
        let asked = async {
            if let Some(mut kept) = self.take() {
                match ask(&self.url, &mut kept, message()).await {
                    // It was closed in the meantime, and those beside it probably were too.
                    Err(FetchError::Unreachable { .. }) => self.idle().clear(),
                    outcome => return self.keep(kept, outcome),
                }
            }
            let mut sender = open(&self.url, self.authorities.as_deref()).await?;
            let outcome = ask(&self.url, &mut sender, message()).await;
            self.keep(sender, outcome)
        };
        timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err(unreachable_because(&self.url, TOO_LATE)))
    }

    /// A connection that was not idle for long.
    fn take(&self) -> Option<Sender> {
        let mut idle = self.idle();
        idle.retain(|(sender, since)| sender.is_ready() && since.elapsed() < KEPT_FOR);
        idle.pop().map(|(sender, _)| sender)
    }

    fn keep(&self, sender: Sender, outcome: Result<Bytes, FetchError>) -> Result<Bytes, FetchError> {
        let mut idle = self.idle();
        if outcome.is_ok() && !sender.is_closed() && idle.len() < MOST_KEPT {
            idle.push((sender, Instant::now()));
        }
        outcome
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Sender, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection, which ends when this is dropped.
type Sender = http1::SendRequest<Full<Bytes>>;

async fn open(url: &Uri, authorities_file: Option<&Path>) -> Result<Sender, FetchError> {
    let remote = remote(url, authorities_file)?;
    let transport = connect(&remote).await.map_err(|fault| match fault {
        SendFault::Unreachable(cause)
        | SendFault::Timeout(cause)
        | SendFault::NoAnswer(cause)
        | SendFault::Unprocessed(cause)
        | SendFault::BadAnswer(cause)
        | SendFault::Busy(cause) => unreachable_because(url, cause),
    })?;
    let handshake = http1::handshake(TokioIo::new(transport)).await;
    let (sender, connection) = handshake.map_err(|cause| unreachable_because(url, &cause.to_string()))?;
    // How it ends is told to whoever waits for an answer.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

async fn ask(url: &Uri, sender: &mut Sender, message: Request<Full<Bytes>>) -> Result<Bytes, FetchError> {
    ask_for(url, sender, message, MOST_BYTES).await
}

async fn ask_for(
    url: &Uri,
    sender: &mut Sender,
    message: Request<Full<Bytes>>,
    most: usize,
) -> Result<Bytes, FetchError> {
    let response = sender.send_request(message).await.map_err(|cause| unreachable_because(url, &cause.to_string()))?;
    let status = response.status();
    if status != StatusCode::OK {
        return Err(FetchError::Status { url: url.clone(), status });
    }
    let body = Limited::new(response.into_body(), most).collect().await;
    body.map(http_body_util::Collected::to_bytes)
        .map_err(|_| FetchError::Document { url: url.clone(), cause: format!("larger than {most} bytes, or cut off") })
}

fn message(url: &Uri, body: Bytes) -> Request<Full<Bytes>> {
    let mut message = Request::new(Full::new(body));
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
