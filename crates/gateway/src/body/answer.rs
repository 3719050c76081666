use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bartizan_evidence::CloseCause;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{BodyWatch, Flow, Form};
use crate::answer::mask::Masker;
use crate::exchange::OpenAnswer;
use crate::fields;
use crate::grpc;
use crate::upstream::Lease;
use crate::websocket::Tunnel;

/// An answer's body on its way to the client. Where it comes from is known at compile time: the gate's own comes from a pooled
/// connection of its thread, that of a [`crate::layer::GateLayer`] may cross threads.
pub(crate) struct AnswerBody<S = Leased>(Kind<S>);

/// Where an answer's body comes from.
pub(crate) trait Source: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin {
    /// Told once, when the last byte was read.
    fn finished(&mut self);
}

/// A body that comes over a connection of the worker's pool.
pub(crate) struct Leased {
    incoming: Incoming,
    lease: Option<Lease>,
}

enum Kind<S> {
    Full(Option<Bytes>),
    Upstream(Box<FromUpstream<S>>),
    /// No body at all: the connection is handed over.
    Tunnel(Option<Box<Tunnel>>),
}

struct FromUpstream<S> {
    incoming: S,
    /// What was read ahead.
    start: Option<Bytes>,
    /// What came after that and is no data: trailers, or the upstream breaking off, which must not pass for an end.
    after_start: Option<Result<HeaderMap, AnswerFault>>,
    masker: Option<Masker>,
    deadline: Instant,
    /// In place of the deadline, where the answer has no end of its own.
    flow: Option<Box<Flow>>,
    /// It was ended before its end.
    is_ended: bool,
    timer: Option<Pin<Box<Sleep>>>,
    /// What is told when the body ends, if it outlives the event of its request.
    open: Option<OpenAnswer>,
}

/// Why an answer's body ended early; hyper cuts the client's connection, so that half an answer is never taken for a whole one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerFault {
    /// The upstream broke off.
    #[error("the upstream broke off in the middle of its answer")]
    Upstream(#[source] Box<dyn Error + Send + Sync>),
    /// The exchange took longer than its route allows.
    #[error("the exchange took longer than its route allows")]
    TooSlow,
    /// Its caller may be there no longer.
    #[error("the caller's right to the answer has ended: {}", .0.as_str())]
    Ended(CloseCause),
}

impl AnswerBody {
    /// The upstream's body, streamed; its connection goes back to the pool when the last byte was read.
    pub(crate) fn upstream(incoming: Incoming, lease: Lease, deadline: Instant) -> Self {
        Self::streamed(Leased { incoming, lease: Some(lease) }, deadline)
    }

    /// The body of an answer that came over a connection of its own.
    pub(crate) fn dedicated(incoming: Incoming, deadline: Instant) -> Self {
        Self::streamed(Leased { incoming, lease: None }, deadline)
    }
}

impl<S: Source> AnswerBody<S> {
    /// A body that is all here.
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self(Kind::Full((!bytes.is_empty()).then_some(bytes)))
    }

    /// A connection that is handed over once the head is out.
    pub(crate) fn tunnel(tunnel: Tunnel) -> Self {
        Self(Kind::Tunnel(Some(Box::new(tunnel))))
    }

    /// The connection to hand over, if it is one.
    pub(crate) fn tunnel_mut(&mut self) -> Option<&mut Option<Box<Tunnel>>> {
        match &mut self.0 {
            Kind::Tunnel(tunnel) => Some(tunnel),
            Kind::Full(_) | Kind::Upstream(_) => None,
        }
    }

    /// No body.
    pub(crate) fn empty() -> Self {
        Self(Kind::Full(None))
    }

    /// A body that is passed on as it comes.
    pub(crate) fn streamed(mut incoming: S, deadline: Instant) -> Self {
        if incoming.is_end_stream() {
            incoming.finished();
            return Self::empty();
        }
        let stream = FromUpstream {
            incoming,
            start: None,
            after_start: None,
            masker: None,
            deadline,
            flow: None,
            is_ended: false,
            timer: None,
            open: None,
        };
        Self(Kind::Upstream(Box::new(stream)))
    }

    /// The first `most` bytes or so, and the body with them still in it.
    pub(crate) async fn peeked(mut self, most: usize) -> (Bytes, Self) {
        let stream = match &mut self.0 {
            Kind::Full(bytes) => return (bytes.clone().unwrap_or_default(), self),
            Kind::Upstream(stream) => stream,
            Kind::Tunnel(_) => return (Bytes::new(), self),
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
            Kind::Full(None) | Kind::Tunnel(_) => {}
            Kind::Full(Some(bytes)) => {
                let mut masked = masker.push(std::mem::take(bytes)).to_vec();
                masked.extend_from_slice(&masker.finish());
                *bytes = masked.into();
            }
            Kind::Upstream(stream) => stream.masker = Some(masker),
        }
        self
    }

    /// Lets it flow as long as it likes, within what `flow` says.
    pub(crate) fn flowing(mut self, flow: Flow) -> Self {
        if let Kind::Upstream(stream) = &mut self.0 {
            stream.flow = Some(Box::new(flow));
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

impl Source for Leased {
    fn finished(&mut self) {
        self.lease.take().into_iter().for_each(Lease::give_back);
    }
}

impl Body for Leased {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let body = self.get_mut();
        let piece = ready!(Pin::new(&mut body.incoming).poll_frame(task));
        if matches!(piece, Some(Err(_))) {
            body.lease.take().into_iter().for_each(Lease::broke);
        }
        Poll::Ready(piece)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl<S: Source> FromUpstream<S> {
    /// The last byte was read.
    fn finished(&mut self) {
        self.open.iter_mut().for_each(OpenAnswer::whole);
        self.incoming.finished();
    }

    fn is_over(&self) -> bool {
        self.is_ended || self.is_read() && self.masker.is_none()
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
            if let Some(fault) = self.flow.as_mut().filter(|_| piece.is_some()).and_then(|flow| flow.heard()) {
                return Poll::Ready(Some(Err(fault)));
            }
            return Poll::Ready(piece.map(|piece| piece.map_err(|cause| AnswerFault::Upstream(cause.into()))));
        }
        let Some(flow) = &mut self.flow else {
            let deadline = self.deadline;
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            ready!(timer.as_mut().poll(task));
            return Poll::Ready(Some(Err(AnswerFault::TooSlow)));
        };
        loop {
            let wake = flow.wake();
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(wake)));
            if timer.deadline() != wake {
                timer.as_mut().reset(wake);
            }
            ready!(timer.as_mut().poll(task));
            if let Some(fault) = flow.looked(Instant::now()) {
                return Poll::Ready(Some(Err(fault)));
            }
        }
    }

    /// Ends the answer early, in the way that its client understands; where there is none, by breaking off.
    fn end(&mut self, fault: AnswerFault) -> Option<Result<Frame<Bytes>, AnswerFault>> {
        self.open.iter_mut().for_each(|open| open.broke(&fault));
        let Some(flow) = &self.flow else { return Some(Err(fault)) };
        match (flow.form, &fault) {
            (Form::Grpc, _) => {
                self.is_ended = true;
                let body = flow.request.as_ref().and_then(BodyWatch::fault);
                Some(Ok(Frame::trailers(grpc::ending(&fault, body))))
            }
            // Every event that was sent is whole; asked again, the client learns why there are no more.
            (Form::Events, AnswerFault::Ended(_)) => {
                self.is_ended = true;
                None
            }
            (Form::Events, _) => Some(Err(fault)),
        }
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
            let ends_event = self.flow.as_mut().is_some_and(|flow| flow.ends_event(&data));
            let mut masked = masker.push(data);
            if ends_event {
                masked = [masked, masker.flush()].concat().into();
            }
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

impl<S: Source> Body for AnswerBody<S> {
    type Data = Bytes;
    type Error = AnswerFault;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerFault>>> {
        let stream = match &mut self.get_mut().0 {
            Kind::Full(bytes) => return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Upstream(stream) => stream,
            Kind::Tunnel(_) => return Poll::Ready(None),
        };
        if stream.is_ended {
            return Poll::Ready(None);
        }
        let piece = ready!(stream.poll_piece(task));
        match &piece {
            Some(Ok(frame)) => {
                if let (Some(open), Some(data)) = (&mut stream.open, frame.data_ref()) {
                    open.count(data.len());
                }
                // hyper reads no further once it has Content-Length bytes: the connection is free here, not at the next poll.
                if stream.is_over() {
                    stream.finished();
                }
            }
            Some(Err(_)) => {}
            None => stream.finished(),
        }
        Poll::Ready(match piece {
            Some(Err(fault)) => stream.end(fault),
            piece => piece,
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Full(bytes) => bytes.is_none(),
            Kind::Upstream(stream) => stream.is_over(),
            Kind::Tunnel(_) => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full(None) | Kind::Tunnel(_) => SizeHint::with_exact(0),
            Kind::Full(Some(bytes)) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Kind::Upstream(stream) if stream.masker.is_none() && stream.start.is_none() => stream.incoming.size_hint(),
            Kind::Upstream(_) => SizeHint::default(),
        }
    }
}
