use super::chunks::Chunks;
use super::head::{Framing, Head};
use super::{Fault, HeadBounds};

/// Trailers that hyper would take: it has limits of its own, and gives a bare error beyond them.
const TRAILERS: HeadBounds = HeadBounds { bytes: 8 * 1024, fields: 64, target: 0 };

/// The framing of one connection: where each message ends, by one strict reading.
#[derive(Clone, Debug)]
pub(crate) struct Framer {
    state: State,
    bounds: HeadBounds,
    heads: u32,
}

#[derive(Clone, Debug)]
enum State {
    Head(Head),
    Length(u64),
    Chunks(Chunks),
    Trailers(Head),
    /// A head asked for another protocol: what follows is HTTP or not, as the answer says.
    Undecided,
}

/// What is to be done with the bytes that were not passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They begin something that is not whole: they are judged again, with what follows them.
    Wait,
    /// Nothing that follows may be read before the answer to the last head is known.
    Undecided,
    /// They are refused, and with them all that follows.
    Refused(Fault, Place),
}

/// Where in a message a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nobody has seen anything of the request.
    Head,
    /// Its head was handed over.
    Body,
}

impl Framer {
    pub(crate) fn new(bounds: HeadBounds) -> Self {
        Self { state: State::Head(Head::of_request()), bounds, heads: 0 }
    }

    /// How many heads were passed.
    pub(crate) fn heads(&self) -> u32 {
        self.heads
    }

    /// Whether what comes next is a head, not a body.
    pub(crate) fn is_in_head(&self) -> bool {
        matches!(self.state, State::Head(_))
    }

    /// Whether what follows is HTTP or not is still to be decided.
    pub(crate) fn is_undecided(&self) -> bool {
        matches!(self.state, State::Undecided)
    }

    /// Goes on reading HTTP after a head that asked for another protocol and did not get it.
    pub(crate) fn stay(&mut self) {
        if matches!(self.state, State::Undecided) {
            self.state = State::Head(Head::of_request());
        }
    }

    /// How many of the bytes may pass, and what about the rest. `bytes` begins with what was not passed the last time.
    pub(crate) fn judge(&mut self, bytes: &[u8]) -> (usize, Verdict) {
        let mut passed = 0;
        loop {
            let rest = bytes.get(passed..).unwrap_or_default();
            let is_done = rest.is_empty();
            let fault = match &mut self.state {
                State::Undecided => return (passed, Verdict::Undecided),
                _ if is_done => return (passed, Verdict::Wait),
                State::Head(head) => match head.advance(rest, &self.bounds) {
                    Ok(None) => return (passed, Verdict::Wait),
                    Ok(Some(length)) => {
                        passed += length;
                        self.heads = self.heads.wrapping_add(1);
                        self.state = after(head);
                        continue;
                    }
                    Err(fault) => (fault, Place::Head),
                },
                State::Length(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    passed += taken;
                    *left -= u64::try_from(taken).unwrap_or(*left);
                    if *left == 0 {
                        self.state = State::Head(Head::of_request());
                    }
                    continue;
                }
                State::Chunks(chunks) => {
                    let (length, outcome) = chunks.advance(rest);
                    passed += length;
                    match outcome {
                        Ok(true) => self.state = State::Trailers(Head::of_trailers()),
                        Ok(false) => return (passed, Verdict::Wait),
                        Err(fault) => return (passed, Verdict::Refused(fault, Place::Body)),
                    }
                    continue;
                }
                State::Trailers(trailers) => match trailers.advance(rest, &TRAILERS) {
                    Ok(None) => return (passed, Verdict::Wait),
                    Ok(Some(length)) => {
                        passed += length;
                        self.state = State::Head(Head::of_request());
                        continue;
                    }
                    Err(fault) => (fault, Place::Body),
                },
            };
            return (passed, Verdict::Refused(fault.0, fault.1));
        }
    }
}

fn after(head: &Head) -> State {
    match head.framing() {
        Framing::Length(length) => State::Length(length),
        Framing::Chunked => State::Chunks(Chunks::new()),
        Framing::Empty if head.wants_upgrade() => State::Undecided,
        Framing::Empty => State::Head(Head::of_request()),
    }
}
