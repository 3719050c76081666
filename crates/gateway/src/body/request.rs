use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, Sleep, sleep_until};

use super::client::{Broken, ClientBody};
use crate::config::ClientTimeouts;
use crate::fields;
use crate::grpc::messages::{MessageFault, Messages};
use crate::grpc::shape::Shapes;

/// Why a body stopped on its way to the upstream. The upstream's half of the exchange only sees a cut connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum BodyFault {
    TooLarge = 1,
    TooSlow = 2,
    Broken = 3,
    Malformed = 4,
    /// A message that the method does not declare.
    Shape = 5,
}

/// What the stage *forward* can ask about a body that hyper took away.
#[derive(Clone, Debug, Default)]
pub(crate) struct BodyWatch(Arc<Watched>);

#[derive(Debug, Default)]
struct Watched {
    fault: AtomicU8,
    bytes: AtomicU64,
    /// What was found in its messages.
    found: OnceLock<&'static str>,
    /// Told when the last byte went to the upstream.
    sent: Notify,
}

impl BodyWatch {
    pub(crate) fn fault(&self) -> Option<BodyFault> {
        match self.0.fault.load(Ordering::Relaxed) {
            1 => Some(BodyFault::TooLarge),
            2 => Some(BodyFault::TooSlow),
            3 => Some(BodyFault::Broken),
            4 => Some(BodyFault::Malformed),
            5 => Some(BodyFault::Shape),
            _ => None,
        }
    }

    /// What was found in its messages that did not stop them, or what did.
    pub(crate) fn found(&self) -> Option<&'static str> {
        self.0.found.get().copied()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Returns when hyper needs the body no longer: from here on the upstream's time runs, not the client's.
    pub(crate) async fn sent(&self) {
        self.0.sent.notified().await;
    }
}

/// A request's body as the upstream receives it.
pub(crate) enum RequestBody {
    Empty,
    Full(Option<Bytes>),
    Stream(Box<Bounded>),
}

/// How long the gate waits for a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyPace {
    /// For the next piece, less what was waited for earlier pieces.
    pub(crate) idle: Duration,
    /// Bytes a second that earn such waiting back; `None` where only the wait for the next piece counts.
    pub(crate) min_rate: Option<NonZeroU32>,
}

impl From<ClientTimeouts> for BodyPace {
    fn from(client: ClientTimeouts) -> Self {
        Self { idle: client.body_idle, min_rate: Some(client.min_rate) }
    }
}

/// A client's body, bounded in size and in the time that the gate waits for it.
pub(crate) struct Bounded {
    incoming: ClientBody,
    left: u64,
    pace: BodyPace,
    /// The time that was waited for and that no bytes earned back: a byte now and then does not keep a body alive.
    used: Duration,
    waiting: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    watch: BodyWatch,
    /// The messages that it consists of, where each is bounded.
    messages: Option<Messages>,
    /// What each is held against.
    shapes: Option<Box<Shapes>>,
    copy: Option<Copying>,
}

/// Takes down a body on its way, for somebody who wants it whole.
struct Copying {
    left: usize,
    pieces: BytesMut,
    whole: oneshot::Sender<Bytes>,
    is_over: bool,
}

/// The body ended early: hyper cuts the upstream's connection, so that half a body is never taken for a whole one.
#[derive(Debug, thiserror::Error)]
#[error("the request's body was cut: {0:?}")]
pub(crate) struct Cut(BodyFault);

impl RequestBody {
    /// The client's body, of which at most `limit` bytes pass.
    pub(crate) fn bounded(incoming: ClientBody, limit: u64, pace: BodyPace) -> (Self, BodyWatch) {
        let watch = BodyWatch::default();
        if incoming.is_end_stream() {
            return (Self::Empty, watch);
        }
        let (used, told) = (Duration::ZERO, watch.clone());
        let (waiting, timer, messages, shapes, copy) = (None, None, None, None, None);
        let bounded =
            Bounded { incoming, left: limit, pace, used, waiting, timer, watch: told, messages, shapes, copy };
        (Self::Stream(Box::new(bounded)), watch)
    }

    /// Bounds each message of a gRPC call.
    pub(crate) fn in_messages(mut self, limit: u32) -> Self {
        if let Self::Stream(bounded) = &mut self {
            bounded.messages = Some(Messages::new(limit));
        }
        self
    }

    /// Holds each message of a gRPC call against its method, before any of it goes on.
    pub(crate) fn in_shapes(mut self, shapes: Shapes) -> Self {
        if let Self::Stream(bounded) = &mut self {
            bounded.shapes = Some(Box::new(shapes));
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty | Self::Full(None))
    }

    /// The body once more, if it is here whole.
    pub(crate) fn duplicate(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Full(bytes) => Some(Self::Full(bytes.clone())),
            Self::Stream(_) => None,
        }
    }

    /// Bytes of a body that is here whole.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Full(Some(bytes)) => bytes.len(),
            Self::Empty | Self::Full(None) | Self::Stream(_) => 0,
        }
    }

    /// Hands over a copy of a body on its way once it has passed whole, if that is no more than so many bytes.
    pub(crate) fn copy_to(&mut self, most: usize) -> Option<oneshot::Receiver<Bytes>> {
        let Self::Stream(bounded) = self else { return None };
        let (whole, copy) = oneshot::channel();
        bounded.copy = Some(Copying { left: most, pieces: BytesMut::new(), whole, is_over: false });
        Some(copy)
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
        loop {
            let piece = ready!(self.poll_next(task));
            // Of a message that is held back nothing goes on yet.
            match &piece {
                Some(Ok(frame)) if self.shapes.is_some() && frame.data_ref().is_some_and(Bytes::is_empty) => {}
                _ => return Poll::Ready(piece),
            }
        }
    }

    fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match Pin::new(&mut self.incoming).poll_frame(task) {
            Poll::Ready(None) if !self.is_whole() => return Poll::Ready(Some(Err(BodyFault::Broken))),
            Poll::Ready(None) => {
                self.copy.iter_mut().for_each(|copy| copy.is_over = true);
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Err(Broken::Cut))) => return Poll::Ready(Some(Err(BodyFault::Broken))),
            Poll::Ready(Some(Err(Broken::Malformed))) => return Poll::Ready(Some(Err(BodyFault::Malformed))),
            Poll::Ready(Some(Ok(frame))) => {
                self.waited();
                return Poll::Ready(Some(self.admit(frame)));
            }
            Poll::Pending => {}
        }
        let timer = self.wait();
        ready!(timer.poll(task));
        Poll::Ready(Some(Err(BodyFault::TooSlow)))
    }

    /// The timer of this wait, which begins now or goes on. There is one for the whole body, and none for a body that came at once.
    fn wait(&mut self) -> Pin<&mut Sleep> {
        let since = *self.waiting.get_or_insert_with(Instant::now);
        let deadline = since + self.pace.idle.saturating_sub(self.used);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut()
    }

    fn waited(&mut self) {
        if let (Some(since), Some(_)) = (self.waiting.take(), self.pace.min_rate) {
            self.used += since.elapsed();
        }
    }

    fn admit(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, BodyFault> {
        let frame = match frame.into_data() {
            Ok(data) => {
                let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                self.left = self.left.checked_sub(length).ok_or(BodyFault::TooLarge)?;
                if let Some(messages) = &mut self.messages {
                    messages.read(&data).map_err(fault_of)?;
                }
                self.watch.0.bytes.fetch_add(length, Ordering::Relaxed);
                let data = self.shaped(data)?;
                if let Some(rate) = self.pace.min_rate.filter(|_| !self.used.is_zero()) {
                    let rate = u64::from(rate.get());
                    self.used = self.used.saturating_sub(Duration::from_millis(length.saturating_mul(1000) / rate));
                }
                self.take_down(&data);
                return Ok(Frame::data(data));
            }
            Err(frame) => frame,
        };
        if !self.is_whole() {
            return Err(BodyFault::Broken);
        }
        match frame.into_trailers() {
            Ok(mut trailers) => {
                fields::strip_trailers(&mut trailers);
                Ok(Frame::trailers(trailers))
            }
            Err(_) => Ok(Frame::trailers(HeaderMap::new())),
        }
    }
}

impl Bounded {
    /// What of a piece may go on: the messages that are whole and pass.
    fn shaped(&mut self, data: Bytes) -> Result<Bytes, BodyFault> {
        let Some(shapes) = &mut self.shapes else { return Ok(data) };
        let passed = shapes.read(&data);
        if let Some(found) = shapes.found() {
            let _ = self.watch.0.found.set(found);
        }
        passed.map_err(fault_of)
    }

    fn is_whole(&self) -> bool {
        self.shapes.as_ref().is_none_or(|shapes| shapes.is_whole())
    }

    fn take_down(&mut self, data: &Bytes) {
        let Some(copy) = &mut self.copy else { return };
        match copy.left.checked_sub(data.len()) {
            Some(left) => {
                copy.left = left;
                copy.pieces.extend_from_slice(data);
            }
            None => self.copy = None,
        }
    }
}

const fn fault_of(fault: MessageFault) -> BodyFault {
    match fault {
        MessageFault::TooLarge => BodyFault::TooLarge,
        MessageFault::Flag => BodyFault::Broken,
        MessageFault::Shape => BodyFault::Shape,
    }
}

impl Drop for Bounded {
    fn drop(&mut self) {
        if let Some(copy) = self.copy.take()
            && (copy.is_over || self.incoming.is_end_stream())
            && self.watch.fault().is_none()
        {
            // Whoever wanted it may have given up.
            let _ = copy.whole.send(copy.pieces.freeze());
        }
        // Kept for a wait that begins later.
        self.watch.0.sent.notify_one();
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
            Self::Stream(bounded) => bounded.incoming.is_end_stream() && bounded.is_whole(),
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
