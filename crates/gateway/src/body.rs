//! Bodies on their way through: bounded towards the upstream, counted towards the client.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::answer::mask::Masker;
use crate::exchange::OpenAnswer;
use crate::fields;
use crate::upstream::Lease;

/// Why a body stopped on its way to the upstream. The upstream's half of the exchange only sees a cut connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum BodyFault {
    TooLarge = 1,
    TooSlow = 2,
    Broken = 3,
}

/// What the stage *forward* can ask about a body that hyper took away.
#[derive(Clone, Debug, Default)]
pub(crate) struct BodyWatch(Arc<Watched>);

#[derive(Debug, Default)]
struct Watched {
    fault: AtomicU8,
    bytes: AtomicU64,
}

impl BodyWatch {
    pub(crate) fn fault(&self) -> Option<BodyFault> {
        match self.0.fault.load(Ordering::Relaxed) {
            1 => Some(BodyFault::TooLarge),
            2 => Some(BodyFault::TooSlow),
            3 => Some(BodyFault::Broken),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }
}

/// A request's body as the upstream receives it.
pub(crate) enum RequestBody {
    Empty,
    Full(Option<Bytes>),
    Stream(Box<Bounded>),
}

/// A client's body, bounded in size and in the time between two pieces.
pub(crate) struct Bounded {
    incoming: Incoming,
    left: u64,
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    watch: BodyWatch,
}

/// The body ended early: hyper cuts the upstream's connection, so that half a body is never taken for a whole one.
#[derive(Debug, thiserror::Error)]
#[error("the request's body was cut: {0:?}")]
pub(crate) struct Cut(BodyFault);

impl RequestBody {
    /// The client's body, of which at most `limit` bytes pass.
    pub(crate) fn bounded(incoming: Incoming, limit: u64, idle: Duration) -> (Self, BodyWatch) {
        let watch = BodyWatch::default();
        if incoming.is_end_stream() {
            return (Self::Empty, watch);
        }
        let bounded = Bounded { incoming, left: limit, idle, timer: None, watch: watch.clone() };
        (Self::Stream(Box::new(bounded)), watch)
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty | Self::Full(None))
    }
}

impl From<Bytes> for RequestBody {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Full(Some(bytes)) }
    }
}

impl Bounded {
    fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match Pin::new(&mut self.incoming).poll_frame(task) {
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Err(_))) => return Poll::Ready(Some(Err(BodyFault::Broken))),
            Poll::Ready(Some(Ok(frame))) => {
                self.timer = None;
                return Poll::Ready(Some(self.admit(frame)));
            }
            Poll::Pending => {}
        }
        let idle = self.idle;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + idle)));
        ready!(timer.as_mut().poll(task));
        Poll::Ready(Some(Err(BodyFault::TooSlow)))
    }

    fn admit(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, BodyFault> {
        let frame = match frame.into_data() {
            Ok(data) => {
                let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                self.left = self.left.checked_sub(length).ok_or(BodyFault::TooLarge)?;
                self.watch.0.bytes.fetch_add(length, Ordering::Relaxed);
                return Ok(Frame::data(data));
            }
            Err(frame) => frame,
        };
        match frame.into_trailers() {
            Ok(mut trailers) => {
                fields::strip_trailers(&mut trailers);
                Ok(Frame::trailers(trailers))
            }
            Err(_) => Ok(Frame::trailers(HeaderMap::new())),
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(bounded) => {
                let piece = ready!(bounded.poll_piece(task));
                Poll::Ready(piece.map(|piece| {
                    piece.map_err(|fault| {
                        bounded.watch.0.fault.store(fault as u8, Ordering::Relaxed);
                        Cut(fault)
                    })
                }))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(bytes) => bytes.is_none(),
            Self::Stream(bounded) => bounded.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty | Self::Full(None) => SizeHint::with_exact(0),
            Self::Full(Some(bytes)) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Self::Stream(bounded) => bounded.incoming.size_hint(),
        }
    }
}

/// An answer's body on its way to the client.
pub struct AnswerBody(Kind);

enum Kind {
    Full(Option<Bytes>),
    Upstream(Box<FromUpstream>),
}

struct FromUpstream {
    incoming: Incoming,
    /// What was read ahead.
    start: Option<Bytes>,
    masker: Option<Masker>,
    deadline: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    lease: Option<Lease>,
    /// What is told when the body ends, if it outlives the event of its request.
    open: Option<OpenAnswer>,
}

/// Why an answer's body ended early; hyper cuts the client's connection, so that half an answer is never taken for a whole one.
#[derive(Debug, thiserror::Error)]
pub enum AnswerFault {
    /// The upstream broke off.
    #[error("the upstream broke off in the middle of its answer")]
    Upstream(#[source] hyper::Error),
    /// The exchange took longer than its route allows.
    #[error("the exchange took longer than its route allows")]
    TooSlow,
}

impl AnswerBody {
    /// A body that is all here.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self(Kind::Full((!bytes.is_empty()).then_some(bytes)))
    }

    /// No body.
    pub fn empty() -> Self {
        Self(Kind::Full(None))
    }

    /// The upstream's body, streamed; its connection goes back to the pool when the last byte was read.
    pub(crate) fn upstream(incoming: Incoming, lease: Lease, deadline: Instant) -> Self {
        if incoming.is_end_stream() {
            lease.give_back();
            return Self::empty();
        }
        let stream =
            FromUpstream { incoming, start: None, masker: None, deadline, timer: None, lease: Some(lease), open: None };
        Self(Kind::Upstream(Box::new(stream)))
    }

    /// The first `most` bytes or so, and the body with them still in it.
    pub(crate) async fn peeked(mut self, most: usize) -> (Bytes, Self) {
        let stream = match &mut self.0 {
            Kind::Full(bytes) => return (bytes.clone().unwrap_or_default(), self),
            Kind::Upstream(stream) => stream,
        };
        let mut start = BytesMut::new();
        while start.len() < most {
            match poll_fn(|task| stream.poll_piece(task)).await {
                Some(Ok(frame)) => start.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
                // The end, or a fault that the client's own reading will meet again.
                Some(Err(_)) | None => break,
            }
        }
        let start = start.freeze();
        stream.start = Some(start.clone()).filter(|start| !start.is_empty());
        (start, self)
    }

    /// Puts a masker into the stream; a body that is already here is masked at once.
    pub(crate) fn masked(mut self, mut masker: Masker) -> Self {
        match &mut self.0 {
            Kind::Full(None) => {}
            Kind::Full(Some(bytes)) => {
                let mut masked = masker.push(std::mem::take(bytes)).to_vec();
                masked.extend_from_slice(&masker.finish());
                *bytes = masked.into();
            }
            Kind::Upstream(stream) => stream.masker = Some(masker),
        }
        self
    }

    /// Has `open` told when this body ends.
    pub(crate) fn watched(mut self, open: OpenAnswer) -> Self {
        if let Kind::Upstream(stream) = &mut self.0 {
            stream.open = Some(open);
        }
        self
    }
}

impl FromUpstream {
    fn is_over(&self) -> bool {
        self.start.is_none() && self.masker.is_none() && self.incoming.is_end_stream()
    }

    fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerFault>>> {
        loop {
            let next = match self.start.take() {
                Some(start) => Poll::Ready(Some(Ok(Frame::data(start)))),
                None => Pin::new(&mut self.incoming).poll_frame(task),
            };
            let piece = match next {
                Poll::Ready(piece) => piece,
                Poll::Pending => {
                    let deadline = self.deadline;
                    let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
                    ready!(timer.as_mut().poll(task));
                    return Poll::Ready(Some(Err(AnswerFault::TooSlow)));
                }
            };
            let frame = match piece {
                Some(Ok(frame)) => frame,
                Some(Err(cause)) => return Poll::Ready(Some(Err(AnswerFault::Upstream(cause)))),
                None => {
                    let rest = self.masker.take().map(Masker::finish).filter(|rest| !rest.is_empty());
                    return Poll::Ready(rest.map(|rest| Ok(Frame::data(rest))));
                }
            };
            let frame = match (frame.into_data(), &mut self.masker) {
                (Ok(data), None) => Frame::data(data),
                (Ok(data), Some(masker)) => {
                    let masked = masker.push(data);
                    if masked.is_empty() {
                        continue;
                    }
                    Frame::data(masked)
                }
                (Err(frame), _) => frame,
            };
            return Poll::Ready(Some(Ok(frame)));
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = AnswerFault;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerFault>>> {
        let stream = match &mut self.get_mut().0 {
            Kind::Full(bytes) => return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Upstream(stream) => stream,
        };
        let piece = ready!(stream.poll_piece(task));
        match &piece {
            Some(Ok(frame)) => {
                if let (Some(open), Some(data)) = (&mut stream.open, frame.data_ref()) {
                    open.count(data.len());
                }
                // hyper reads no further once it has Content-Length bytes: the connection is free here, not at the next poll.
                if stream.is_over() {
                    stream.lease.take().into_iter().for_each(Lease::give_back);
                }
            }
            Some(Err(fault)) => stream.open.iter_mut().for_each(|open| open.broke(fault)),
            None => {
                stream.open.iter_mut().for_each(|open| open.whole());
                stream.lease.take().into_iter().for_each(Lease::give_back);
            }
        }
        Poll::Ready(piece)
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Full(bytes) => bytes.is_none(),
            Kind::Upstream(stream) => stream.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full(None) => SizeHint::with_exact(0),
            Kind::Full(Some(bytes)) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Kind::Upstream(stream) if stream.masker.is_none() && stream.start.is_none() => stream.incoming.size_hint(),
            Kind::Upstream(_) => SizeHint::default(),
        }
    }
}
