use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

/// A connection to a backend.
pub(crate) enum Transport {
    Plain(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<Bare>>),
}

/// A connection below TLS.
pub(crate) enum Bare {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Transport {
    /// Whether both sides agreed to HTTP/2.
    pub(super) fn agreed_to_http2(&self) -> bool {
        match self {
            Self::Plain(_) | Self::Unix(_) => false,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }
}

impl From<Bare> for Transport {
    fn from(bare: Bare) -> Self {
        match bare {
            Bare::Tcp(stream) => Self::Plain(stream),
            Bare::Unix(stream) => Self::Unix(stream),
        }
    }
}

/// Passes every call on to the stream of whichever kind it is.
macro_rules! pass_on {
    ($type:ident { $($kind:ident),+ }) => {
        impl AsyncRead for $type {
            fn poll_read(self: Pin<&mut Self>, task: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() { $(Self::$kind(stream) => Pin::new(stream).poll_read(task, into),)+ }
            }
        }

        impl AsyncWrite for $type {
            fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
                match self.get_mut() { $(Self::$kind(stream) => Pin::new(stream).poll_write(task, bytes),)+ }
            }

            fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() { $(Self::$kind(stream) => Pin::new(stream).poll_flush(task),)+ }
            }

            fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() { $(Self::$kind(stream) => Pin::new(stream).poll_shutdown(task),)+ }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                task: &mut Context<'_>,
                pieces: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() { $(Self::$kind(stream) => Pin::new(stream).poll_write_vectored(task, pieces),)+ }
            }

            fn is_write_vectored(&self) -> bool {
                match self { $(Self::$kind(stream) => stream.is_write_vectored(),)+ }
            }
        }
    };
}

pass_on!(Transport { Plain, Unix, Tls });
pass_on!(Bare { Tcp, Unix });
