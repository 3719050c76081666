//! HTTP/1 as it stands on the wire, judged before hyper reads it.
//!
//! hyper reads HTTP as leniently as the RFCs permit, and hides what it forgave: a bare line feed, an equal second `Content-Length`, a
//! length beside chunks, a fragment, blank lines, white space in a chunk's head. Each of them has been one half of a request-smuggling
//! attack (CWE-444): the other half is a server behind the gate that reads it differently. Here a request is framed by the strict
//! grammar of RFC 9112 first, and hyper gets whole heads only, that can be read in one way only.
//!
//! - [`Framer`] is the grammar: bytes in, how many of them may pass, or a [`Fault`].
//! - [`Wire`] stands between the socket and hyper. Bytes are judged in hyper's own buffer and stay there; only a head that a read cut in
//!   two is held back. In place of a request that is refused hyper gets one that is harmless, so that the refusal is answered in its
//!   turn, after the answers to the requests before it, and in the shape of every other refusal.
//! - [`Pace`] is what a client may not stretch: one worker's tick looks at every connection, no request starts a timer.
//! - [`Frames`] counts the frames of HTTP/2 that floods are made of.

mod chunks;
#[cfg(test)]
mod differential;
mod framer;
mod frames;
mod head;
mod pace;
mod stream;
mod target;
#[cfg(test)]
mod tests;

pub(crate) use frames::Frames;
pub(crate) use pace::{Budget, InFlight, Lapse, Pace, TICK, Ticks};
pub(crate) use stream::{Refused, Wire};

/// Why a message is refused before hyper sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It could be read in two ways, or in none.
    #[error("{0}")]
    Malformed(&'static str),
    /// Too many fields, or too many bytes of them.
    #[error("head-too-large")]
    HeadTooLarge,
    /// The request target is too long.
    #[error("target-too-long")]
    TargetTooLong,
    /// The head did not come in time.
    #[error("head-too-slow")]
    HeadTooSlow,
}

/// Sizes beyond which a head is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadBounds {
    /// Bytes of the whole head.
    pub(crate) bytes: usize,
    /// Header fields.
    pub(crate) fields: usize,
    /// Bytes of the request target.
    pub(crate) target: usize,
}
