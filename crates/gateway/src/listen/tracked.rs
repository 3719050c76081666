use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::body::AnswerBody;
use crate::wire::InFlight;

/// An answer's body that says whether the gate or the client has to do the next thing.
pub(super) struct Tracked {
    body: AnswerBody,
    /// `None` for a tunnel: whether its client keeps up is not known here.
    in_flight: Option<InFlight>,
}

impl Tracked {
    pub(super) fn new(body: AnswerBody, in_flight: InFlight) -> Self {
        Self { body, in_flight: Some(in_flight) }
    }

    pub(super) fn untracked(body: AnswerBody) -> Self {
        Self { body, in_flight: None }
    }

    fn set_busy(&mut self, is_busy: bool) {
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.set_busy(is_busy);
        }
    }
}

impl Body for Tracked {
    type Data = Bytes;
    type Error = <AnswerBody as Body>::Error;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let me = self.get_mut();
        me.set_busy(true);
        let frame = ready!(Pin::new(&mut me.body).poll_frame(task));
        // Asked for the next piece, the client has taken this one.
        me.set_busy(false);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
