//! A client of HTTP/2 that sends any frames, over TLS.

use std::time::Duration;

use bartizan_testkit::Certificate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::harness::Gated;
use crate::tls::{BOTH, handshake};

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// `ENHANCE_YOUR_CALM` (RFC 9113 §7).
pub(crate) const CALM: u32 = 0xb;

const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) struct Http2 {
    stream: TlsStream<TcpStream>,
    unread: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// `method https://localhost/` in HPACK, with more fields as literals without an index.
pub(crate) fn fields(method: &str, more: &[(&str, &str)]) -> Vec<u8> {
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

pub(crate) fn get(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &fields("GET", &[]))
}

impl Http2 {
    /// Connects, and says these settings.
    pub(crate) async fn open(gate: &Gated, certificate: &Certificate, settings: &[(u16, u32)]) -> Self {
        let stream = handshake(gate, certificate, "localhost", BOTH, &["h2"]).await.unwrap();
        let mut client = Self { stream, unread: Vec::new() };
        let mut payload = Vec::new();
        for (name, value) in settings {
            payload.extend(name.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        client.send(frame(SETTINGS, 0, 0, &payload)).await;
        client
    }

    /// Writes as much as the peer takes; whether it took all.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let written = timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await;
        matches!(written, Ok(Ok(())))
    }

    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.cut() {
                return Some(frame);
            }
            let mut buffer = vec![0; 64 * 1024];
            let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("nothing came in time");
            match read {
                Ok(length @ 1..) => self.unread.extend(&buffer[..length]),
                _ => return None,
            }
        }
    }

    fn cut(&mut self) -> Option<Frame> {
        let head = self.unread.get(..9)?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let payload = self.unread.get(9..9 + length)?.to_vec();
        self.unread.drain(..9 + length);
        Some(Frame { kind, flags, stream, payload })
    }

    /// The error code of the GOAWAY that ends the connection; `None` if it ends without one.
    pub(crate) async fn goodbye(&mut self) -> Option<u32> {
        while let Some(frame) = self.next().await {
            if frame.kind == GOAWAY {
                return frame.payload.get(4..8).map(|code| u32::from_be_bytes(code.try_into().unwrap()));
            }
        }
        None
    }

    /// The status of the answer on `stream`, and the frame that ended it.
    pub(crate) async fn answered(&mut self, stream: u32) -> bool {
        while let Some(frame) = self.next().await {
            if frame.stream == stream && frame.flags & END_STREAM != 0 && frame.kind != RST_STREAM {
                return true;
            }
        }
        false
    }
}
