use std::net::SocketAddr;

use bartizan_shop::{Database, Running, Settings, Shop};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

pub(crate) const SECRET: &str = "a secret that only this test knows, and that is long enough";

pub(crate) const ALICE: i64 = 1;
pub(crate) const BOB: i64 = 2;
pub(crate) const MALLORY: i64 = 3;

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

/// A shop of its own for each test.
pub(crate) struct Client {
    pub(crate) shop: Running,
}

impl Client {
    pub(crate) async fn new() -> Self {
        Self::over(Database::Throwaway).await
    }

    pub(crate) async fn over(database: Database) -> Self {
        let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let shop = Shop::start(Settings { listen, database, token_secret: SECRET.to_owned() }).await.unwrap();
        Self { shop }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, None, None).await
    }

    pub(crate) async fn get_as(&self, user: i64, target: &str) -> Answer {
        self.send("GET", target, Some(&unsigned(user)), None).await
    }

    pub(crate) async fn send_as(&self, user: i64, method: &str, target: &str, body: Option<Value>) -> Answer {
        self.send(method, target, Some(&unsigned(user)), body).await
    }

    pub(crate) async fn login(&self, username: &str, password: &str) -> Answer {
        self.send("POST", "/login", None, Some(json!({ "username": username, "password": password }))).await
    }

    pub(crate) async fn send(&self, method: &str, target: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(target).header("host", self.shop.address().to_string());
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let stream = TcpStream::connect(self.shop.address()).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let answer = sender.send_request(request.body(Full::<Bytes>::from(body)).unwrap()).await.unwrap();
        let (head, body) = answer.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, text }
    }
}

/// A token that nobody signed.
pub(crate) fn unsigned(user: i64) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(json!({ "alg": "none" })), part(json!({ "id": user, "role": "customer" })))
}
