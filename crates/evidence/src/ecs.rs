//! Events as Elastic Common Schema 8.17, one JSON object to a line; what the schema has no field for stands under `bartizan`.

mod identity;
pub(crate) mod node;
mod request;
#[cfg(test)]
mod tests;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::event::{ClosedEvent, ConnectionEvent};
use crate::json::Json;
use crate::{Event, GapCause};

/// Encodes events. Keeps the text of the current second, which most events share.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    second: Option<u64>,
    text: String,
}

/// What an event is called.
pub(crate) fn action(event: &Event) -> &'static str {
    match event {
        Event::Request(_) => "request",
        Event::Connection(_) => "connection-failed",
        Event::Closed(_) => "stream-closed",
        Event::Identity(identity) => identity.action.as_str(),
        Event::Node(node) => node::action(node),
        Event::Gap { .. } => "audit-gap",
    }
}

/// What the schema calls an event, apart from its subject.
struct Kind {
    categories: &'static [&'static str],
    types: &'static [&'static str],
    action: &'static str,
    outcome: &'static str,
}

/// The `event` object's parts that differ from event to event.
#[derive(Default)]
struct Facts<'event> {
    duration: Option<u64>,
    code: Option<&'static str>,
    reason: Option<&'event str>,
}

impl Encoder {
    /// Appends one line. A record without a sequence number belongs to a sink only.
    pub(crate) fn encode(&mut self, out: &mut Vec<u8>, sequence: Option<u64>, recorded: SystemTime, event: &Event) {
        let since_1970 = recorded.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.refresh(since_1970.as_secs());
        let micros = since_1970.subsec_micros();
        Json::object(out, |json| {
            json.timestamp("@timestamp", &self.text, micros);
            json.constant(r#""ecs":{"version":"8.17.0"}"#);
            match event {
                Event::Request(request) => request::encode(json, sequence, request),
                Event::Connection(connection) => encode_connection(json, sequence, connection),
                Event::Closed(closed) => encode_closed(json, sequence, closed),
                Event::Identity(identity) => identity::encode(json, sequence, identity),
                Event::Node(node) => node::encode(json, sequence, node),
                Event::Gap { lost, cause } => encode_gap(json, sequence, *lost, *cause),
            }
        });
        out.push(b'\n');
    }

    fn refresh(&mut self, second: u64) {
        if self.second == Some(second) {
            return;
        }
        let timestamp = i64::try_from(second).ok().and_then(|second| jiff::Timestamp::from_second(second).ok());
        self.text = timestamp.unwrap_or(jiff::Timestamp::MAX).strftime("%Y-%m-%dT%H:%M:%S").to_string();
        self.second = Some(second);
    }
}

fn encode_event(json: &mut Json<'_>, sequence: Option<u64>, kind: &Kind, facts: &Facts<'_>) {
    json.nested("event", |json| {
        json.constant(r#""kind":"event","module":"bartizan","dataset":"bartizan.audit""#);
        json.list("category", kind.categories, |json, word| json.word_element(word));
        json.list("type", kind.types, |json, word| json.word_element(word));
        json.word("action", kind.action);
        json.word("outcome", kind.outcome);
        if let Some(sequence) = sequence {
            json.number("sequence", sequence);
        }
        if let Some(duration) = facts.duration {
            json.number("duration", duration);
        }
        if let Some(code) = facts.code {
            json.word("code", code);
        }
        if let Some(reason) = facts.reason.filter(|reason| !reason.is_empty()) {
            json.outside("reason", reason);
        }
    });
}

fn encode_connection(json: &mut Json<'_>, sequence: Option<u64>, connection: &ConnectionEvent) {
    let refused = connection.control.is_some();
    let types: &'static [&'static str] = if refused { &["connection", "denied"] } else { &["connection", "end"] };
    let kind = Kind { categories: &["network"], types, action: "connection-failed", outcome: "failure" };
    let facts =
        Facts { duration: None, code: Some(connection.fault.as_str()), reason: Some(connection.detail.unmasked()) };
    encode_event(json, sequence, &kind, &facts);
    json.nested("source", |json| {
        json.address("ip", connection.peer.ip());
        json.number("port", connection.peer.port());
    });
    if let Some(control) = connection.control {
        json.nested("rule", |json| json.word("id", control.as_str()));
    }
}

fn encode_closed(json: &mut Json<'_>, sequence: Option<u64>, closed: &ClosedEvent) {
    let kind =
        Kind { categories: &["network"], types: &["connection", "end"], action: "stream-closed", outcome: "unknown" };
    let facts =
        Facts { duration: Some(nanos(closed.duration)), code: Some(closed.cause.as_str()), reason: closed.reason };
    encode_event(json, sequence, &kind, &facts);
    json.nested("http", |json| json.nested("request", |json| json.own("id", &closed.request_id.as_text())));
    json.nested("client", |json| json.number("bytes", closed.bytes_received));
    json.nested("server", |json| json.number("bytes", closed.bytes_sent));
    json.nested("bartizan", |json| {
        json.word("stream", closed.kind.as_str());
        if let (Some(received), Some(sent)) = (closed.messages_received, closed.messages_sent) {
            json.number("messages_received", received);
            json.number("messages_sent", sent);
        }
    });
}

fn encode_gap(json: &mut Json<'_>, sequence: Option<u64>, lost: Option<u64>, cause: GapCause) {
    let kind = Kind { categories: &["process"], types: &["info"], action: "audit-gap", outcome: "failure" };
    encode_event(json, sequence, &kind, &Facts { code: Some(cause.as_str()), ..Facts::default() });
    if let Some(lost) = lost {
        json.nested("bartizan", |json| json.number("lost", lost));
    }
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
