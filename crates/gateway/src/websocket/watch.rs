//! One direction of a WebSocket connection, frame by frame: what may pass, and what ends it. Holds no payload.

use super::frame::{FrameFault, Head, Opcode};

/// Whose frames are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// The client's: masked, or caches on the way could be made to take them for HTTP (`RFC 6455 §10.3`).
    Client,
    /// The upstream's: never masked.
    Server,
}

/// What frames are held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) message_bytes: u64,
    pub(crate) frame_bytes: u64,
    /// Whether `permessage-deflate` was agreed on.
    pub(crate) compression: bool,
}

/// Why a direction is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// A frame that breaks the protocol.
    Protocol(&'static str),
    /// A frame or message that is too large.
    TooLarge,
    /// Too many messages.
    TooOften,
}

impl Violation {
    /// The status that the connection is closed with (`RFC 6455 §7.4.1`).
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::Protocol(_) => 1002,
            Self::TooLarge => 1009,
            Self::TooOften => 1008,
        }
    }

    /// The stable word of the event.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Protocol(code) => code,
            Self::TooLarge => "message-too-large",
            Self::TooOften => "too-many-messages",
        }
    }
}

/// The state of one direction.
#[derive(Debug)]
pub(crate) struct Watch {
    from: From,
    bounds: Bounds,
    /// Payload of the current frame that is still to come.
    left: u64,
    /// Bytes so far of a message whose last frame is still to come.
    message: Option<u64>,
    messages: u64,
    is_closed: bool,
}

/// What may be done with bytes that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    /// So many of them may pass. Without a violation the rest is the beginning of a head, at most 13 bytes.
    pub(crate) passable: usize,
    /// What the frame behind them violates.
    pub(crate) violation: Option<Violation>,
}

impl Watch {
    pub(crate) const fn new(from: From, bounds: Bounds) -> Self {
        Self { from, bounds, left: 0, message: None, messages: 0, is_closed: false }
    }

    /// Whether a frame of somebody else could stand here.
    pub(crate) const fn is_between_frames(&self) -> bool {
        self.left == 0
    }

    /// Whether this side has said that it closes.
    pub(crate) const fn is_closed(&self) -> bool {
        self.is_closed && self.left == 0
    }

    /// Whole messages so far.
    pub(crate) const fn messages(&self) -> u64 {
        self.messages
    }

    /// Judges bytes as they came. `may_send` is asked for each message, control frame and empty fragment: those cost the receiver
    /// more than the sender.
    pub(crate) fn judge(&mut self, bytes: &[u8], mut may_send: impl FnMut() -> bool) -> Judged {
        let mut passable = 0;
        loop {
            let rest = bytes.get(passable..).unwrap_or_default();
            let of_payload = self.left.min(u64::try_from(rest.len()).unwrap_or(u64::MAX));
            self.left -= of_payload;
            let of_payload = usize::try_from(of_payload).unwrap_or(rest.len());
            passable += of_payload;
            let rest = rest.get(of_payload..).unwrap_or_default();
            if rest.is_empty() {
                return Judged { passable, violation: None };
            }
            let head = match Head::parse(rest) {
                Ok(None) => return Judged { passable, violation: None },
                Ok(Some(head)) => self.enter(head, &mut may_send).map(|()| head),
                Err(fault) => Err(Violation::Protocol(fault.code())),
            };
            match head {
                Ok(head) => passable += head.length,
                Err(violation) => return Judged { passable, violation: Some(violation) },
            }
        }
    }

    fn enter(&mut self, head: Head, may_send: &mut impl FnMut() -> bool) -> Result<(), Violation> {
        let protocol = |code| Err(Violation::Protocol(code));
        if self.is_closed {
            return protocol("frame-after-close");
        }
        if head.is_masked != (self.from == From::Client) {
            return protocol("masking");
        }
        if head.payload > self.bounds.frame_bytes {
            return Err(Violation::TooLarge);
        }
        let begins = matches!(head.opcode, Opcode::Text | Opcode::Binary);
        if head.is_compressed && !(self.bounds.compression && begins) {
            return protocol(FrameFault::ReservedBit.code());
        }
        match (begins, head.opcode, self.message) {
            (true, _, Some(_)) => return protocol("message-within-message"),
            (_, Opcode::Continuation, None) => return protocol("continuation-of-nothing"),
            _ => {}
        }
        let is_counted = begins || head.opcode.is_control() || head.payload == 0;
        if is_counted && !may_send() {
            return Err(Violation::TooOften);
        }
        if !head.opcode.is_control() {
            let message = self.message.unwrap_or(0).saturating_add(head.payload);
            if message > self.bounds.message_bytes {
                return Err(Violation::TooLarge);
            }
            self.message = (!head.is_last).then_some(message);
            self.messages += u64::from(head.is_last);
        }
        self.is_closed |= head.opcode == Opcode::Close;
        self.left = head.payload;
        Ok(())
    }
}
