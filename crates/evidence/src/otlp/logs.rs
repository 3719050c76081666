//! An event as a log record. What came from outside is masked here as it is in the audit log.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use super::Exported;
use super::messages::{AnyValue, KeyValue, LogRecord, Value};
use crate::ecs::{Encoder, action};
use crate::event::{ConnectionEvent, RequestEvent};
use crate::{Event, IdentityResult, Outcome, Protocol, mask};

const INFO: i32 = 9;
const WARN: i32 = 13;
const ERROR: i32 = 17;

/// What the exporter keeps between records.
#[derive(Debug, Default)]
pub(super) struct Logs {
    encoder: Encoder,
}

impl Logs {
    pub(super) fn record(&mut self, exported: &Exported) -> LogRecord {
        let Exported { event, recorded, sequence } = exported;
        let time = unix_nanos(*recorded);
        let severity = severity(event);
        let mut record = LogRecord {
            time_unix_nano: time,
            observed_time_unix_nano: time,
            severity_number: severity,
            severity_text: match severity {
                INFO => "INFO",
                WARN => "WARN",
                _ => "ERROR",
            }
            .to_owned(),
            event_name: format!("bartizan.{}", action(event)),
            ..LogRecord::default()
        };
        if let Some(sequence) = sequence {
            record.attributes.push(KeyValue::whole("bartizan.sequence", *sequence));
        }
        match event {
            Event::Request(request) => describe_request(&mut record, request),
            Event::Connection(connection) => describe_connection(&mut record, connection),
            Event::Closed(_) | Event::Identity(_) | Event::Node(_) | Event::Gap { .. } => {}
        }
        if record.body.is_none() {
            // What has no semantic convention is told whole, as the audit log tells it.
            let mut line = Vec::new();
            self.encoder.encode(&mut line, *sequence, *recorded, event);
            record.body = Some(text(String::from_utf8_lossy(line.trim_ascii_end())));
        }
        record
    }
}

fn severity(event: &Event) -> i32 {
    match event {
        Event::Request(request) => match request.outcome {
            Outcome::Answered | Outcome::Cancelled => INFO,
            Outcome::Refused => WARN,
            Outcome::Failed => ERROR,
        },
        Event::Connection(_) | Event::Gap { .. } => WARN,
        Event::Closed(_) => INFO,
        Event::Identity(identity) => match identity.result {
            IdentityResult::Done => INFO,
            IdentityResult::Refused(_) => WARN,
        },
        Event::Node(node) => {
            if crate::ecs::node::has_failed(node) {
                ERROR
            } else {
                INFO
            }
        }
    }
}

fn describe_request(record: &mut LogRecord, request: &RequestEvent) {
    let path = mask(request.path.unmasked());
    let line = format!("{} {path} {} {}", request.method.as_str(), request.status, request.outcome.as_str());
    record.body = Some(text(line));
    record.attributes.extend(request_attributes(request));
    record.attributes.extend(own_attributes(request));
    if let Some(trace) = &request.trace {
        record.trace_id = trace.id.bytes().to_vec();
        record.span_id = trace.span.bytes().to_vec();
        record.flags = u32::from(trace.sampled);
    }
}

/// The attributes of HTTP's semantic conventions, which records and spans share.
pub(super) fn request_attributes(request: &RequestEvent) -> Vec<KeyValue> {
    let mut attributes = vec![
        method(request.method.as_str()),
        KeyValue::text("url.path", mask(request.path.unmasked())),
        KeyValue::text("url.scheme", if request.tls.is_some() { "https" } else { "http" }),
        KeyValue::text("client.address", request.client.to_string()),
        KeyValue::text("network.peer.address", request.peer.ip().to_string()),
        KeyValue::whole("network.peer.port", request.peer.port()),
        KeyValue::text("network.protocol.name", "http"),
        KeyValue::text(
            "network.protocol.version",
            match request.protocol {
                Protocol::Http1 => "1.1",
                Protocol::Http2 => "2",
            },
        ),
        KeyValue::whole("http.response.status_code", request.status),
    ];
    let optional = [
        ("http.route", request.route.as_deref().map(str::to_owned)),
        ("user_agent.original", request.user_agent.as_ref().map(|agent| mask(agent.unmasked()).into_owned())),
        ("tls.protocol.version", request.tls.map(|version| version.as_str().to_owned())),
        ("user.id", request.subject.as_deref().map(|subject| mask(subject).into_owned())),
        ("error.type", error_type(request).map(str::to_owned)),
    ];
    attributes.extend(optional.into_iter().filter_map(|(key, value)| Some(KeyValue::text(key, value?))));
    if let Some(bytes) = request.request_bytes {
        attributes.push(KeyValue::whole("http.request.body.size", bytes));
    }
    attributes
}

/// Known methods as they are, others as `_OTHER`: the attribute has few values.
pub(super) fn method(name: &str) -> KeyValue {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
    KeyValue::text("http.request.method", if known.contains(&name) { name } else { "_OTHER" })
}

/// A refusal is an answer, not an error of the gate: only what failed has a type of error.
fn error_type(request: &RequestEvent) -> Option<&'static str> {
    let failed = matches!(request.outcome, Outcome::Failed | Outcome::Cancelled);
    failed.then(|| request.reason.as_ref().map_or(request.outcome.as_str(), |reason| reason.code))
}

/// What only the gate knows: the decision, and what led to it.
pub(super) fn own_attributes(request: &RequestEvent) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::text("bartizan.request_id", request.request_id.as_text().as_str()),
        KeyValue::text("bartizan.outcome", request.outcome.as_str()),
        KeyValue::text("bartizan.stage", request.stage.as_str()),
    ];
    let optional = [
        ("bartizan.control", request.control.map(|control| control.as_str().to_owned())),
        ("bartizan.reason", request.reason.as_ref().map(|reason| reason.code.to_owned())),
        ("bartizan.upstream", request.upstream.as_deref().map(str::to_owned)),
        ("bartizan.issuer", request.issuer.as_deref().map(str::to_owned)),
        ("bartizan.credential", request.credential.map(str::to_owned)),
    ];
    attributes.extend(optional.into_iter().filter_map(|(key, value)| Some(KeyValue::text(key, value?))));
    if let Some(detail) = request.reason.as_ref().map(|reason| reason.detail.unmasked()).filter(|it| !it.is_empty()) {
        attributes.push(KeyValue::text("bartizan.detail", mask(detail)));
    }
    let observed = request.observed.iter().map(|observed| observed.reason.code).collect::<Vec<_>>().join(",");
    if !observed.is_empty() {
        attributes.push(KeyValue::text("bartizan.observed", observed));
    }
    attributes
}

fn describe_connection(record: &mut LogRecord, connection: &ConnectionEvent) {
    let peer: IpAddr = connection.peer.ip();
    record.body = Some(text(mask(connection.detail.unmasked())));
    record.attributes.extend([
        KeyValue::text("client.address", peer.to_string()),
        KeyValue::text("network.peer.address", peer.to_string()),
        KeyValue::whole("network.peer.port", connection.peer.port()),
        KeyValue::text("error.type", connection.fault.as_str()),
    ]);
    if let Some(control) = connection.control {
        record.attributes.push(KeyValue::text("bartizan.control", control.as_str()));
    }
}

fn text(value: impl Into<String>) -> AnyValue {
    AnyValue { value: Some(Value::Text(value.into())) }
}

pub(super) fn unix_nanos(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}
