//! The framing of gRPC messages: five bytes before each, a flag and a length. Read across pieces, without holding any.

/// What holds for one direction of a call.
#[derive(Debug)]
pub(crate) struct Messages {
    limit: u32,
    head: [u8; 5],
    known: usize,
    left: u32,
}

/// Why a stream is no stream of messages that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MessageFault {
    #[error("a message is larger than the route takes")]
    TooLarge,
    #[error("the flag before a message is neither 0 nor 1")]
    Flag,
    #[error("a message is not what the method declares")]
    Shape,
}

impl Messages {
    pub(crate) const fn new(limit: u32) -> Self {
        Self { limit, head: [0; 5], known: 0, left: 0 }
    }

    /// Reads on. A message that is announced too large is refused by its announcement.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> Result<(), MessageFault> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let length = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= u32::try_from(length).unwrap_or(self.left);
                bytes = bytes.get(length..).unwrap_or_default();
                continue;
            }
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(()) };
            bytes = rest;
            if let Some(place) = self.head.get_mut(self.known) {
                *place = byte;
            }
            self.known += 1;
            let [flag, length @ ..] = self.head;
            if flag > 1 {
                return Err(MessageFault::Flag);
            }
            if self.known == 5 {
                (self.known, self.left) = (0, u32::from_be_bytes(length));
                if self.left > self.limit {
                    return Err(MessageFault::TooLarge);
                }
            }
        }
        Ok(())
    }
}

/// How long the client gives the call: `grpc-timeout`, at most eight digits and a unit.
pub(crate) fn parse_timeout(value: &[u8]) -> Option<std::time::Duration> {
    use std::time::Duration;
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let number = digits
        .iter()
        .try_fold(0_u64, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))?;
    Some(match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}
