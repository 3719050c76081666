//! A client that sends any bytes over one connection and reads answers as they come.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

/// One connection.
pub(crate) struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Status line and fields, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
    /// Fields after a chunked body, in lower case.
    pub(crate) trailers: String,
    /// Whether the body came whole.
    pub(crate) is_whole: bool,
}

impl Reply {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// The answer to `bytes` on a connection of its own; status 0 if there is none.
pub(crate) async fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Reply {
    let mut wire = Wire::open(address).await;
    wire.send(bytes).await;
    wire.reply().await
}

impl Wire {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, unread: Vec::new() }
    }

    /// Writes as much as the peer takes: one that refuses early may close while it is written to.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
    }

    /// Reads once more; `false` at the end.
    async fn read(&mut self) -> bool {
        let mut buffer = vec![0; 64 * 1024];
        let Ok(read) = timeout(PATIENCE, self.stream.read(&mut buffer)).await else {
            panic!("nothing came in time; so far: {}", String::from_utf8_lossy(&self.unread));
        };
        // A connection that broke has ended as well.
        let length = read.unwrap_or(0);
        self.unread.extend(buffer.iter().take(length));
        length > 0
    }

    /// Takes everything up to and with `end`, or what there is when the peer closes.
    pub(crate) async fn until(&mut self, end: &str) -> Option<String> {
        loop {
            let found = self.unread.windows(end.len()).position(|window| window == end.as_bytes());
            if let Some(at) = found {
                let taken: Vec<u8> = self.unread.drain(..at + end.len()).collect();
                return Some(String::from_utf8_lossy(&taken).into_owned());
            }
            if !self.read().await {
                return None;
            }
        }
    }

    async fn take(&mut self, length: usize) -> (String, bool) {
        while self.unread.len() < length && self.read().await {}
        let is_whole = self.unread.len() >= length;
        let taken: Vec<u8> = self.unread.drain(..length.min(self.unread.len())).collect();
        (String::from_utf8_lossy(&taken).into_owned(), is_whole)
    }

    /// The head of the next answer; interim answers are left out.
    pub(crate) async fn head(&mut self) -> Option<Reply> {
        loop {
            let head = self.until("\r\n\r\n").await?.to_ascii_lowercase();
            let status = head.split(' ').nth(1)?.parse().unwrap();
            if status >= 200 {
                return Some(Reply { status, head, body: String::new(), trailers: String::new(), is_whole: true });
            }
        }
    }

    /// The next answer to a request that is not a HEAD.
    pub(crate) async fn reply(&mut self) -> Reply {
        let Some(mut reply) = self.head().await else {
            let nothing = String::new;
            return Reply { status: 0, head: nothing(), body: nothing(), trailers: nothing(), is_whole: false };
        };
        if reply.field("transfer-encoding").is_some() {
            (reply.body, reply.trailers, reply.is_whole) = self.chunks().await;
        } else if let Some(length) = reply.field("content-length").and_then(|length| length.parse().ok()) {
            (reply.body, reply.is_whole) = self.take(length).await;
        } else if !matches!(reply.status, 204 | 304) {
            while self.read().await {}
            reply.body = String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned();
        }
        reply
    }

    async fn chunks(&mut self) -> (String, String, bool) {
        let mut body = String::new();
        loop {
            let Some(line) = self.until("\r\n").await else { return (body, String::new(), false) };
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            if length == 0 {
                let mut trailers = String::new();
                loop {
                    match self.until("\r\n").await {
                        None => return (body, trailers, false),
                        Some(line) if line == "\r\n" => return (body, trailers, true),
                        Some(line) => trailers.push_str(&line.to_ascii_lowercase()),
                    }
                }
            }
            let (piece, is_whole) = self.take(length).await;
            body.push_str(&piece);
            if !is_whole || self.until("\r\n").await.is_none() {
                return (body, String::new(), false);
            }
        }
    }

    /// Whether the peer closes without sending anything more.
    pub(crate) async fn is_closed(&mut self) -> bool {
        !self.read().await && self.unread.is_empty()
    }

    /// Breaks off as a process does that dies.
    pub(crate) fn reset(self) {
        let _ = self.stream.set_zero_linger();
    }
}
