//! Answers without an end of their own: event streams and gRPC calls. What bounds them is silence, the client's own deadline, and
//! whether their caller may still be there.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::{AnswerFault, BodyWatch};
use crate::vigil::Vigil;

/// What a streaming answer is held to.
pub(crate) struct Flow {
    pub(crate) form: Form,
    /// Between two pieces.
    pub(crate) idle: Duration,
    /// The client's own deadline.
    pub(crate) deadline: Option<Instant>,
    /// Whether the caller may still be there; without a caller nobody looks.
    pub(crate) vigil: Option<Vigil>,
    /// What became of the request's body, which may still be on its way.
    pub(crate) request: Option<BodyWatch>,
    silent_since: Instant,
    look: Instant,
    line_ended: bool,
}

/// What flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `text/event-stream`.
    Events,
    /// A gRPC call: whatever ends it early, the client is told in trailers.
    Grpc,
}

impl Flow {
    pub(crate) fn new(form: Form, idle: Duration, deadline: Option<Instant>, vigil: Option<Vigil>) -> Self {
        let now = Instant::now();
        Self { form, idle, deadline, vigil, request: None, silent_since: now, look: now, line_ended: false }
    }

    /// A piece came. Also a stream that is never silent has to end when its caller's credential does.
    pub(super) fn heard(&mut self) -> Option<AnswerFault> {
        let now = Instant::now();
        self.silent_since = now;
        self.looked(now)
    }

    /// When there is something to look at, if nothing comes.
    pub(super) fn wake(&self) -> Instant {
        let silent = self.silent_since + self.idle;
        let until = self.deadline.map_or(silent, |deadline| deadline.min(silent));
        if self.vigil.is_some() { until.min(self.look) } else { until }
    }

    /// Why it has to end now, if it has to.
    pub(super) fn looked(&mut self, now: Instant) -> Option<AnswerFault> {
        let is_late = now >= self.silent_since + self.idle || self.deadline.is_some_and(|deadline| now >= deadline);
        if is_late {
            return Some(AnswerFault::TooSlow);
        }
        let vigil = self.vigil.as_ref().filter(|_| now >= self.look)?;
        let clock = SystemTime::now();
        self.look = now + vigil.next(clock);
        vigil.ended(clock).map(AnswerFault::Ended)
    }

    /// Whether an event ends with this piece: then nothing is held back, since nothing of it is to come.
    pub(super) fn ends_event(&mut self, piece: &[u8]) -> bool {
        if self.form != Form::Events {
            return false;
        }
        let is_blank = |line: &[u8]| matches!(line, b"\n" | b"\r\n" | b"\r");
        let ends = [&b"\n\n"[..], b"\n\r\n", b"\r\r"].iter().any(|end| piece.ends_with(end))
            || (self.line_ended && is_blank(piece));
        self.line_ended = piece.ends_with(b"\n") || piece.ends_with(b"\r");
        ends
    }
}
