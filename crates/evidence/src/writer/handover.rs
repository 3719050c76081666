//! The writer's part in handing the log over, and in taking it back from a process that ended early.

use std::sync::mpsc::Receiver;

use super::destination::Destination;
use super::{SinkQueue, Writer};
use crate::log::Log;
use crate::recorder::{Item, Queue, Successor};
use crate::relay::{self, Relay};
use crate::{Event, EvidenceError, NodeEvent};

impl Writer {
    /// Hands the log over if somebody asks for it.
    pub(super) fn look_for_successor(&mut self, events: &Receiver<Item>, queue: &Queue) {
        let Some(Successor { stream, tell }) = queue.successor() else { return };
        self.fetch(events, queue);
        let outcome = Relay::new(stream)
            .map_err(|cause| EvidenceError::Relay(cause.to_string().into()))
            .and_then(|relay| self.let_go(relay));
        // Whoever asked waits for it.
        let _ = tell.send(outcome);
    }

    /// Closes the log as a shutdown does, so that its next owner finds nothing missing, and lets go of its directory.
    fn let_go(&mut self, relay: Relay) -> Result<(), EvidenceError> {
        if !self.log.is_ours() {
            return Err(EvidenceError::Relay("it was handed over before".into()));
        }
        // First without the closing record: a disk that refuses now would leave one in the middle of the log.
        self.sync()?;
        self.append_own(&Event::Node(NodeEvent::AuditClosed));
        self.sync()?;
        // Sinks are fed by whoever has the log.
        self.sinks.drain(..).for_each(SinkQueue::close);
        self.log = Destination::Successor(relay);
        Ok(())
    }

    /// Makes what is pending durable, here or there, or, where there is no there any more, here again.
    pub(super) fn sync_somewhere(&mut self) -> Result<(), EvidenceError> {
        let outcome = self.log.sync();
        match &mut self.log {
            Destination::Successor(relay) if relay.is_gone() => {
                let unrecorded = std::mem::take(relay.pending());
                if let Err(error) = self.take_back(&unrecorded) {
                    *self.log.pending() = unrecorded;
                    return Err(error);
                }
                self.log.sync()
            }
            _ => outcome,
        }
    }

    /// Goes on with the log where the other process left it. Of what it was sent, it may have recorded the last lines without saying so;
    /// those are then recorded twice rather than not at all.
    fn take_back(&mut self, unrecorded: &[u8]) -> Result<(), EvidenceError> {
        let (log, tail) = Log::open(&self.config)?;
        self.sinks = self.config.sinks.iter().map(SinkQueue::open).collect::<Result<_, _>>()?;
        self.log = Destination::Segments(log);
        self.sequence = tail.sequence;
        tracing::warn!("the process that had taken over the audit log ended; the log is written here again");
        if let Some(cause) = tail.gap {
            self.append_own(&Event::Gap { lost: None, cause });
        }
        relay::number(unrecorded, &mut self.sequence, self.log.pending());
        Ok(())
    }
}
