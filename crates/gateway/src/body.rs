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
use tokio::sync::Notify;
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
    /// Told when the last byte went to the upstream.
    sent: Notify,
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

    /// Returns when hyper needs the body no longer: from here on the upstream's time runs, not the client's.
    pub(crate) async fn sent(&self) {
        self.0.sent.notified().await;
    }
}

impl Drop for Bounded {
    fn drop(&mut self) {
        // Kept for a wait that begins later.
        self.watch.0.sent.notify_one();
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

    /// What tells when the body is on its way, if that takes the client's time.
    pub(crate) fn watch(&self) -> Option<BodyWatch> {
        match self {
            Self::Stream(bounded) => Some(bounded.watch.clone()),
            Self::Empty | Self::Full(_) => None,
        }
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
pub(crate) struct AnswerBody(Kind);

enum Kind {
    Full(Option<Bytes>),
    Upstream(Box<FromUpstream>),
}

struct FromUpstream {
    incoming: Incoming,
    /// What was read ahead.
    start: Option<Bytes>,
    /// What came after that and is no data: trailers, or the upstream breaking off, which must not pass for an end.
    after_start: Option<Result<HeaderMap, AnswerFault>>,
    masker: Option<Masker>,
    deadline: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    lease: Option<Lease>,
    /// What is told when the body ends, if it outlives the event of its request.
    open: Option<OpenAnswer>,
}

/// Why an answer's body ended early; hyper cuts the client's connection, so that half an answer is never taken for a whole one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerFault {
    /// The upstream broke off.
    #[error("the upstream broke off in the middle of its answer")]
    Upstream(#[source] hyper::Error),
    /// The exchange took longer than its route allows.
    #[error("the exchange took longer than its route allows")]
    TooSlow,
}

impl AnswerBody {
    /// A body that is all here.
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self(Kind::Full((!bytes.is_empty()).then_some(bytes)))
    }

    /// No body.
    pub(crate) fn empty() -> Self {
        Self(Kind::Full(None))
    }

    /// The upstream's body, streamed; its connection goes back to the pool when the last byte was read.
    pub(crate) fn upstream(incoming: Incoming, lease: Lease, deadline: Instant) -> Self {
        if incoming.is_end_stream() {
            lease.give_back();
            return Self::empty();
        }
        let stream = FromUpstream {
            incoming,
            start: None,
            after_start: None,
            masker: None,
            deadline,
            timer: None,
            lease: Some(lease),
            open: None,
        };
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
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => start.extend_from_slice(&data),
                    Err(frame) => {
                        stream.after_start = frame.into_trailers().ok().map(Ok);
                        break;
                    }
                },
                Some(Err(fault)) => {
                    stream.after_start = Some(Err(fault));
                    break;
                }
                None => break,
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
        self.is_read() && self.masker.is_none()
    }

    fn is_read(&self) -> bool {
        self.start.is_none() && self.after_start.is_none() && self.incoming.is_end_stream()
    }

    fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerFault>>> {
        if let Some(start) = self.start.take() {
            return Poll::Ready(Some(Ok(Frame::data(start))));
        }
        if let Some(after) = self.after_start.take() {
            return Poll::Ready(Some(after.map(Frame::trailers)));
        }
        if let Poll::Ready(piece) = Pin::new(&mut self.incoming).poll_frame(task) {
            return Poll::Ready(piece.map(|piece| piece.map_err(AnswerFault::Upstream)));
        }
        let deadline = self.deadline;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        ready!(timer.as_mut().poll(task));
        Poll::Ready(Some(Err(AnswerFault::TooSlow)))
    }

    /// What the masker still held, once there is no more to come.
    fn rest(&mut self) -> Option<Bytes> {
        self.masker.take().map(Masker::finish).filter(|rest| !rest.is_empty())
    }

    fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerFault>>> {
        loop {
            let frame = match ready!(self.poll_next(task)) {
                Some(Ok(frame)) => frame,
                Some(Err(fault)) => return Poll::Ready(Some(Err(fault))),
                None => return Poll::Ready(self.rest().map(|rest| Ok(Frame::data(rest)))),
            };
            let data = match frame.into_data() {
                Ok(data) => data,
                Err(frame) => return Poll::Ready(Some(Ok(self.trailers(frame)))),
            };
            let Some(masker) = &mut self.masker else { return Poll::Ready(Some(Ok(Frame::data(data)))) };
            let mut masked = masker.push(data);
            // hyper asks for no more once it has Content-Length bytes: what is held goes out with the last of them.
            if self.is_read()
                && let Some(rest) = self.rest()
            {
                masked = [masked, rest].concat().into();
            }
            if !masked.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(masked))));
            }
        }
    }
}

impl FromUpstream {
    /// Trailers end the body: what the masker holds goes out before them, and they wait.
    fn trailers(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        let mut trailers = frame.into_trailers().unwrap_or_default();
        fields::strip_answer_trailers(&mut trailers);
        match self.rest() {
            Some(rest) => {
                self.after_start = Some(Ok(trailers));
                Frame::data(rest)
            }
            None => Frame::trailers(trailers),
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
                    stream.open.iter_mut().for_each(OpenAnswer::whole);
                    stream.lease.take().into_iter().for_each(Lease::give_back);
                }
            }
            Some(Err(fault)) => stream.open.iter_mut().for_each(|open| open.broke(fault)),
            None => {
                stream.open.iter_mut().for_each(OpenAnswer::whole);
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
