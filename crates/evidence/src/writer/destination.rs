use std::time::SystemTime;

use crate::EvidenceError;
use crate::log::{Log, Removed};
use crate::relay::Relay;

/// Where whole lines go.
#[derive(Debug)]
pub(super) enum Destination {
    /// Into the segments of our own audit directory.
    Segments(Log),
    /// To the process that has taken it over.
    Successor(Relay),
}

impl Destination {
    pub(super) fn pending(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Segments(log) => log.pending(),
            Self::Successor(relay) => relay.pending(),
        }
    }

    pub(super) fn pending_bytes(&self) -> usize {
        match self {
            Self::Segments(log) => log.pending_bytes(),
            Self::Successor(relay) => relay.pending_bytes(),
        }
    }

    pub(super) fn write(&mut self) -> Result<(), EvidenceError> {
        match self {
            Self::Segments(log) => log.write(),
            // Sent and made durable in one step.
            Self::Successor(_) => Ok(()),
        }
    }

    pub(super) fn sync(&mut self) -> Result<(), EvidenceError> {
        match self {
            Self::Segments(log) => log.sync(),
            Self::Successor(relay) => relay.sync(),
        }
    }

    pub(super) fn rotate_if_full(&mut self) -> Result<(), EvidenceError> {
        match self {
            Self::Segments(log) => log.rotate_if_full(),
            Self::Successor(_) => Ok(()),
        }
    }

    pub(super) fn expire_one(&mut self, now: SystemTime) -> Result<Option<Removed>, EvidenceError> {
        match self {
            Self::Segments(log) => log.expire_one(now),
            Self::Successor(_) => Ok(None),
        }
    }

    /// Whether the records get their numbers here.
    pub(super) const fn is_ours(&self) -> bool {
        matches!(self, Self::Segments(_))
    }
}
