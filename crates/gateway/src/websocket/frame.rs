//! The head of a WebSocket frame (`RFC 6455 §5.2`): 2 to 14 bytes, read in place. Payloads are never looked at.

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

/// A frame's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Whether it is the last frame of its message.
    pub(crate) is_last: bool,
    /// The first reserved bit, which `permessage-deflate` gives a meaning.
    pub(crate) is_compressed: bool,
    pub(crate) opcode: Opcode,
    pub(crate) is_masked: bool,
    /// Bytes of the head itself.
    pub(crate) length: usize,
    /// Bytes that follow it.
    pub(crate) payload: u64,
}

/// A head that no honest peer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameFault {
    #[error("a reserved bit is set that no extension uses")]
    ReservedBit,
    #[error("an opcode that is not defined")]
    UnknownOpcode,
    #[error("a control frame of more than 125 bytes")]
    LongControl,
    #[error("a control frame in fragments")]
    FragmentedControl,
    #[error("a length that is not in its shortest form, or beyond 2^63")]
    Length,
}

impl FrameFault {
    /// The stable word of the event.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::ReservedBit => "reserved-bit",
            Self::UnknownOpcode => "unknown-opcode",
            Self::LongControl => "long-control-frame",
            Self::FragmentedControl => "fragmented-control-frame",
            Self::Length => "frame-length",
        }
    }
}

impl Opcode {
    pub(crate) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    const fn of(bits: u8) -> Result<Self, FrameFault> {
        Ok(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return Err(FrameFault::UnknownOpcode),
        })
    }
}

impl Head {
    /// Reads the head that `bytes` begin with; `None` if it has not come whole. What can be known to be wrong is refused at once.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, FrameFault> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let opcode = Opcode::of(first & 0x0F)?;
        let (is_last, is_compressed) = (first & 0x80 != 0, first & 0x40 != 0);
        // The first reserved bit is the caller's to judge: it marks a compressed message, never a control frame.
        if first & 0x30 != 0 || (is_compressed && opcode.is_control()) {
            return Err(FrameFault::ReservedBit);
        }
        let (is_masked, short) = (second & 0x80 != 0, second & 0x7F);
        if opcode.is_control() {
            if short > 125 {
                return Err(FrameFault::LongControl);
            }
            if !is_last {
                return Err(FrameFault::FragmentedControl);
            }
        }
        let (extended, payload) = match (short, rest) {
            (126, [a, b, ..]) => (2, u64::from(u16::from_be_bytes([*a, *b]))),
            (127, _) => match rest.first_chunk() {
                Some(length) => (8, u64::from_be_bytes(*length)),
                None => return Ok(None),
            },
            (126, _) => return Ok(None),
            (short, _) => (0, u64::from(short)),
        };
        // Two ways to write one length would be two readings of one frame.
        let shortest = match extended {
            2 => 126,
            8 => 1 << 16,
            _ => 0,
        };
        if payload < shortest || payload > u64::MAX >> 1 {
            return Err(FrameFault::Length);
        }
        let length = 2 + extended + if is_masked { 4 } else { 0 };
        let head = Self { is_last, is_compressed, opcode, is_masked, length, payload };
        Ok((bytes.len() >= length).then_some(head))
    }
}
