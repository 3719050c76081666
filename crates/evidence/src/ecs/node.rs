use super::{Facts, Kind, encode_event};
use crate::json::Json;
use crate::{Detail, Name, NodeEvent};

/// Faults of one configuration that a record keeps; `bartizan check` shows them all.
const MAX_FAULTS: usize = 32;
/// Names of one certificate that a record keeps.
const MAX_NAMES: usize = 32;

pub(super) fn encode(json: &mut Json<'_>, sequence: Option<u64>, node: &NodeEvent) {
    let cause = cause(node).map(Detail::unmasked);
    encode_event(json, sequence, &kind(node), &Facts { reason: cause, ..Facts::default() });
    match node {
        NodeEvent::Started { version } => {
            json.nested("service", |json| {
                json.word("name", "bartizan");
                json.word("version", version);
            });
        }
        NodeEvent::ConfigurationLoaded { digest, path } => {
            encode_file(json, path);
            json.nested("bartizan", |json| json.own("digest", digest.unmasked()));
        }
        NodeEvent::ConfigurationRefused { path, faults } => {
            encode_file(json, path);
            json.nested("bartizan", |json| {
                json.list("faults", faults.iter().take(MAX_FAULTS), |json, fault| {
                    json.outside_element(fault.unmasked());
                });
                json.number("fault_count", u64::try_from(faults.len()).unwrap_or(u64::MAX));
            });
        }
        NodeEvent::CertificateLoaded { names, fingerprint, not_after } => json.nested("bartizan", |json| {
            json.nested("certificate", |json| {
                json.list("names", names.iter().take(MAX_NAMES), |json, name| json.outside_element(name.unmasked()));
                json.own("fingerprint_sha256", fingerprint.unmasked());
                if let Ok(end) = jiff::Timestamp::try_from(*not_after) {
                    json.printed("not_after", end);
                }
            });
        }),
        NodeEvent::CertificateRefused { path, .. } => encode_file(json, path),
        NodeEvent::KeysFetched { issuer } | NodeEvent::KeysFailed { issuer, .. } => own(json, "issuer", issuer),
        NodeEvent::UpstreamDown { upstream, .. } | NodeEvent::UpstreamUp { upstream } => {
            own(json, "upstream", upstream);
        }
        NodeEvent::SegmentRemoved { segment, bytes } => json.nested("file", |json| {
            json.outside("name", segment.unmasked());
            json.number("size", *bytes);
        }),
        NodeEvent::Draining | NodeEvent::Stopped | NodeEvent::AuditClosed => {}
    }
}

/// What an event is called.
pub(crate) fn action(node: &NodeEvent) -> &'static str {
    kind(node).action
}

/// Whether an event tells of something that an operator has to mend.
pub(crate) fn has_failed(node: &NodeEvent) -> bool {
    kind(node).outcome == "failure"
}

fn encode_file(json: &mut Json<'_>, path: &Name) {
    json.nested("file", |json| json.outside("path", path.unmasked()));
}

fn own(json: &mut Json<'_>, key: &'static str, name: &Name) {
    json.nested("bartizan", |json| json.outside(key, name.unmasked()));
}

fn cause(node: &NodeEvent) -> Option<&Detail> {
    match node {
        NodeEvent::CertificateRefused { cause, .. }
        | NodeEvent::KeysFailed { cause, .. }
        | NodeEvent::UpstreamDown { cause, .. } => Some(cause),
        _ => None,
    }
}

fn kind(node: &NodeEvent) -> Kind {
    type Words = &'static [&'static str];
    let (categories, types, action, outcome): (Words, Words, _, _) = match node {
        NodeEvent::Started { .. } => (&["process"], &["start"], "node-started", "success"),
        NodeEvent::Draining => (&["process"], &["info"], "node-draining", "success"),
        NodeEvent::Stopped => (&["process"], &["end"], "node-stopped", "success"),
        NodeEvent::ConfigurationLoaded { .. } => (&["configuration"], &["change"], "configuration-loaded", "success"),
        NodeEvent::ConfigurationRefused { .. } => (&["configuration"], &["info"], "configuration-refused", "failure"),
        NodeEvent::CertificateLoaded { .. } => (&["configuration"], &["change"], "certificate-loaded", "success"),
        NodeEvent::CertificateRefused { .. } => (&["configuration"], &["info"], "certificate-refused", "failure"),
        NodeEvent::KeysFetched { .. } => (&["configuration"], &["change"], "keys-fetched", "success"),
        NodeEvent::KeysFailed { .. } => (&["configuration"], &["info"], "keys-failed", "failure"),
        NodeEvent::UpstreamDown { .. } => (&["network"], &["info"], "upstream-down", "failure"),
        NodeEvent::UpstreamUp { .. } => (&["network"], &["info"], "upstream-up", "success"),
        NodeEvent::SegmentRemoved { .. } => (&["file"], &["deletion"], "audit-segment-removed", "success"),
        NodeEvent::AuditClosed => (&["process"], &["end"], CLOSED_ACTION, "success"),
    };
    Kind { categories, types, action, outcome }
}

/// The action of the record that ends a log on purpose.
pub(crate) const CLOSED_ACTION: &str = "audit-closed";
