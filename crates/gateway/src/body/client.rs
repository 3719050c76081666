use std::error::Error;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;

/// A request's body as it arrives. What comes over the gate's own connections is not boxed: that is the hot path.
pub(crate) enum ClientBody {
    /// From a connection of the gate.
    Connection(Incoming),
    /// From the service around a [`crate::layer::GateLayer`]. The lock is never taken while the body is read (there is only one reader);
    /// it lets a body that is `Send` alone stand in a request that stages share by reference.
    Service(Mutex<UnsyncBoxBody<Bytes, Broken>>),
}

/// A body that ended before it was whole. Why is the client's affair.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the request's body broke off")]
pub(crate) struct Broken;

impl ClientBody {
    /// The body of a request that some other server read.
    pub(crate) fn of_service<B>(body: B) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        Self::Service(Mutex::new(body.map_err(|_| Broken).boxed_unsync()))
    }
}

impl From<Incoming> for ClientBody {
    fn from(body: Incoming) -> Self {
        Self::Connection(body)
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Connection(incoming) => {
                Pin::new(incoming).poll_frame(task).map(|piece| piece.map(|piece| piece.map_err(|_| Broken)))
            }
            Self::Service(body) => Pin::new(body.get_mut().unwrap_or_else(PoisonError::into_inner)).poll_frame(task),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Connection(incoming) => incoming.is_end_stream(),
            Self::Service(body) => body.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Connection(incoming) => incoming.size_hint(),
            Self::Service(body) => body.lock().unwrap_or_else(PoisonError::into_inner).size_hint(),
        }
    }
}
