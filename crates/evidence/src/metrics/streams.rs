use std::collections::BTreeMap;

use super::family::{Family, Snapshot};
use crate::event::{CloseCause, ClosedEvent, StreamKind};

static CLOSED: Family = Family::counter(
    "bartizan_streams_closed_total",
    "Long answers and WebSocket connections that ended, by what they were and what ended them.",
    &["kind", "cause"],
);
static MESSAGES: Family = Family::counter(
    "bartizan_websocket_messages_total",
    "Messages of WebSocket connections that ended, by where they came from.",
    &["from"],
);

/// What events tell of streams that ended.
#[derive(Debug, Default)]
pub(super) struct Derived {
    closed: BTreeMap<(StreamKind, CloseCause), u64>,
    from_clients: u64,
    from_upstreams: u64,
}

impl Derived {
    pub(super) fn observe(&mut self, closed: &ClosedEvent) {
        *self.closed.entry((closed.kind, closed.cause)).or_default() += 1;
        self.from_clients += closed.messages_received.unwrap_or(0);
        self.from_upstreams += closed.messages_sent.unwrap_or(0);
    }

    pub(super) fn collect(&self, into: &mut Snapshot) {
        let mut closed = into.family(&CLOSED);
        for ((kind, cause), count) in &self.closed {
            closed.whole(&[kind.as_str(), cause.as_str()], *count);
        }
        let mut messages = into.family(&MESSAGES);
        messages.whole(&["client"], self.from_clients);
        messages.whole(&["upstream"], self.from_upstreams);
    }
}
