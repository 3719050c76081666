use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(10);
const MOST_BYTES: usize = 1024 * 1024;

/// One request of an attacker or of an honest user.
#[derive(Clone, Debug)]
pub(super) struct Call {
    method: Method,
    target: String,
    token: Option<String>,
    origin: Option<&'static str>,
    body: Option<Value>,
}

impl Call {
    pub(super) fn new(method: Method, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), token: None, origin: None, body: None }
    }

    pub(super) fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target)
    }

    pub(super) fn post(target: impl Into<String>) -> Self {
        Self::new(Method::POST, target)
    }

    pub(super) fn with_token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    pub(super) fn with_origin(self, origin: &'static str) -> Self {
        Self { origin: Some(origin), ..self }
    }

    pub(super) fn with_body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    /// The body as JSON; `null` where it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A header's value; empty where it is missing.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Sends one request over a connection of its own.
///
/// # Errors
/// When there is no whole answer of at most 1 MiB within ten seconds.
pub(super) async fn send(to: SocketAddr, call: Call) -> anyhow::Result<Answer> {
    tokio::time::timeout(PATIENCE, exchange(to, call)).await.context("no answer in time")?
}

async fn exchange(to: SocketAddr, call: Call) -> anyhow::Result<Answer> {
    let mut request = Request::builder().method(call.method).uri(call.target).header(HOST, to.to_string());
    if let Some(token) = call.token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    if let Some(origin) = call.origin {
        request = request.header("origin", origin);
    }
    if call.body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let body = call.body.map(|body| body.to_string()).unwrap_or_default();
    let stream = TcpStream::connect(to).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let (head, body) = sender.send_request(request.body(Full::<Bytes>::from(body))?).await?.into_parts();
    let body = Limited::new(body, MOST_BYTES).collect().await.map_err(anyhow::Error::from_boxed)?.to_bytes();
    connection.abort();
    Ok(Answer { status: head.status, headers: head.headers, body: String::from_utf8_lossy(&body).into_owned() })
}
