//! HTTP/2 frame by frame, so that a test can send what no library would, and see what came.

use std::time::Duration;

use http::Uri;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::{HttpClient, Protocol};

/// `DATA` (`RFC 9113 §6`, as all of these).
pub const DATA: u8 = 0;
/// `HEADERS`.
pub const HEADERS: u8 = 1;
/// `PRIORITY`.
pub const PRIORITY: u8 = 2;
/// `RST_STREAM`.
pub const RST_STREAM: u8 = 3;
/// `SETTINGS`.
pub const SETTINGS: u8 = 4;
/// `PING`.
pub const PING: u8 = 6;
/// `GOAWAY`.
pub const GOAWAY: u8 = 7;
/// `WINDOW_UPDATE`.
pub const WINDOW_UPDATE: u8 = 8;
/// `CONTINUATION`.
pub const CONTINUATION: u8 = 9;

/// The flag `END_STREAM`.
pub const END_STREAM: u8 = 1;
/// The flag `END_HEADERS`.
pub const END_HEADERS: u8 = 4;
/// The flag `ACK`.
pub const ACK: u8 = 1;

/// The error `INTERNAL_ERROR` (§7).
pub const INTERNAL: u32 = 2;
/// The error `REFUSED_STREAM`.
pub const REFUSED: u32 = 7;
/// The error `CANCEL`.
pub const CANCEL: u32 = 8;
/// The error `ENHANCE_YOUR_CALM`.
pub const CALM: u32 = 0xb;

const PATIENCE: Duration = Duration::from_secs(15);

/// A client that sends any frames, over TLS.
pub struct Http2 {
    stream: TlsStream<TcpStream>,
    unread: Vec<u8>,
}

/// A frame that came.
#[derive(Debug)]
pub struct Frame {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 is the connection.
    pub stream: u32,
    /// What it holds.
    pub payload: Vec<u8>,
}

/// The bytes of a frame.
///
/// # Panics
/// If the payload is too large for one.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes: Vec<u8> = length.into_iter().skip(1).chain([kind, flags]).collect();
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// `method https://localhost/` in HPACK, with more fields as literals without an index.
///
/// # Panics
/// If a name or a value is longer than 126 bytes.
pub fn fields(method: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut block = vec![if method == "GET" { 0x82 } else { 0x83 }, 0x87, 0x84, 0x41, 9];
    block.extend(b"localhost");
    for (name, value) in more {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127);
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.bytes());
        }
    }
    block
}

/// A whole GET.
pub fn get(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &fields("GET", &[]))
}

/// The end of a stream by an error.
pub fn reset(stream: u32, error: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &error.to_be_bytes())
}

impl Http2 {
    /// Connects to the host of `uri` as `client` does, and says these settings.
    ///
    /// # Errors
    /// If there is no TLS connection with HTTP/2.
    pub async fn open(client: &HttpClient, uri: &Uri, settings: &[(u16, u32)]) -> anyhow::Result<Self> {
        let stream = client.clone().over(Protocol::Http2).tls(uri).await?;
        let mut client = Self { stream, unread: Vec::new() };
        let mut payload = Vec::new();
        for (name, value) in settings {
            payload.extend(name.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        client.send(frame(SETTINGS, 0, 0, &payload)).await;
        Ok(client)
    }

    /// Writes as much as the peer takes; whether it took all.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let written = timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await;
        matches!(written, Ok(Ok(())))
    }

    /// The next frame; `None` at the end.
    ///
    /// # Panics
    /// If nothing comes in time.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.cut() {
                return Some(frame);
            }
            let mut buffer = vec![0; 64 * 1024];
            let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("nothing came in time");
            match read {
                Ok(length @ 1..) => self.unread.extend(buffer.iter().take(length)),
                _ => return None,
            }
        }
    }

    fn cut(&mut self) -> Option<Frame> {
        let head: [u8; 9] = self.unread.get(..9)?.try_into().ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        let payload = self.unread.get(9..9 + length)?.to_vec();
        self.unread.drain(..9 + length);
        Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }

    /// The error code of the GOAWAY that ends the connection; `None` if it ends without one.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn goodbye(&mut self) -> Option<u32> {
        while let Some(frame) = self.next().await {
            if frame.kind == GOAWAY {
                return frame.payload.get(4..8).map(|code| u32::from_be_bytes(code.try_into().unwrap()));
            }
        }
        None
    }

    /// Whether an answer comes whole on `stream`.
    ///
    /// # Panics
    /// If nothing comes in time.
    pub async fn answered(&mut self, stream: u32) -> bool {
        while let Some(frame) = self.next().await {
            if frame.stream == stream && frame.flags & END_STREAM != 0 && frame.kind != RST_STREAM {
                return true;
            }
        }
        false
    }
}
