//! The event of a request, of which there is one for each: written in long pieces, since key by key it cost the writer as much as
//! reading the request costs the gate.

use crate::event::RequestEvent;
use crate::json::Json;
use crate::{Outcome, Protocol, Stage, TlsVersion};

pub(super) fn encode(json: &mut Json<'_>, sequence: Option<u64>, request: &RequestEvent) {
    json.piece(head(request));
    if let Some(sequence) = sequence {
        json.piece(r#","sequence":"#);
        json.number_value(sequence);
    }
    json.piece(r#","duration":"#);
    json.number_value(super::nanos(request.timings.total()));
    if let Some(reason) = &request.reason {
        json.piece(r#","code":"#);
        json.word_value(reason.code);
        if !reason.detail.unmasked().is_empty() {
            json.outside("reason", reason.detail.unmasked());
        }
    }
    encode_http(json, request);
    encode_ends(json, request);
    encode_known(json, request);
    encode_own(json, request);
}

/// The beginning of the `event` object, as far as it follows from what was decided.
fn head(request: &RequestEvent) -> &'static str {
    macro_rules! head {
        ($category:literal, $type:literal, $outcome:literal) => {
            concat!(
                r#","event":{"kind":"event","module":"bartizan","dataset":"bartizan.audit","category":["#,
                $category,
                r#"],"type":["access",""#,
                $type,
                r#""],"action":"request","outcome":""#,
                $outcome,
                r#"""#
            )
        };
    }
    match (request.outcome, request.stage) {
        (Outcome::Answered, _) => head!(r#""web""#, "allowed", "success"),
        (Outcome::Refused, Stage::Authenticate) => head!(r#""web","authentication""#, "denied", "failure"),
        (Outcome::Refused, _) => head!(r#""web""#, "denied", "failure"),
        (Outcome::Failed, _) => head!(r#""web""#, "error", "failure"),
        (Outcome::Cancelled, _) => head!(r#""web""#, "end", "unknown"),
    }
}

fn encode_http(json: &mut Json<'_>, request: &RequestEvent) {
    json.piece(match request.protocol {
        Protocol::Http1 => r#"},"http":{"version":"1.1","request":{"id":"#,
        Protocol::Http2 => r#"},"http":{"version":"2","request":{"id":"#,
    });
    json.own_value(&request.request_id.as_text());
    json.piece(r#","method":"#);
    json.own_value(request.method.as_str());
    if let Some(bytes) = request.request_bytes {
        json.piece(r#","bytes":"#);
        json.number_value(bytes);
    }
    json.piece(r#"},"response":{"status_code":"#);
    json.number_value(request.status.into());
    json.piece("}}");
}

/// What was asked for, and between whom.
fn encode_ends(json: &mut Json<'_>, request: &RequestEvent) {
    json.nested("url", |json| json.outside("path", request.path.unmasked()));
    json.piece(r#","client":{"ip":"#);
    json.address_value(request.client);
    json.piece(r#"},"source":{"ip":"#);
    json.address_value(request.peer.ip());
    json.piece(r#","port":"#);
    json.number_value(request.peer.port().into());
    json.piece(match request.tls {
        None => "}",
        Some(TlsVersion::Tls12) => r#"},"tls":{"version":"1.2","version_protocol":"tls"}"#,
        Some(TlsVersion::Tls13) => r#"},"tls":{"version":"1.3","version_protocol":"tls"}"#,
    });
}

fn encode_known(json: &mut Json<'_>, request: &RequestEvent) {
    if let Some(subject) = &request.subject {
        json.nested("user", |json| json.outside("id", subject));
    }
    if let Some(user_agent) = &request.user_agent {
        json.nested("user_agent", |json| json.outside("original", user_agent.unmasked()));
    }
    if let Some(control) = request.control {
        json.nested("rule", |json| json.word("id", control.as_str()));
    }
    if let Some(trace) = &request.trace {
        json.nested("trace", |json| json.printed("id", trace.id));
        json.nested("span", |json| json.printed("id", trace.span));
    }
}

/// What is the gate's own: the decision, and what led to it.
fn encode_own(json: &mut Json<'_>, request: &RequestEvent) {
    json.piece(r#","bartizan":{"stage":"#);
    json.word_value(request.stage.as_str());
    json.piece(r#","outcome":"#);
    json.word_value(request.outcome.as_str());
    json.piece(if request.has_query { r#","has_query":true"# } else { r#","has_query":false"# });
    let names =
        [(r#","route":"#, &request.route), (r#","upstream":"#, &request.upstream), (r#","issuer":"#, &request.issuer)];
    for (key, name) in names {
        if let Some(name) = name {
            json.piece(key);
            json.own_value(name);
        }
    }
    if let Some(credential) = request.credential {
        json.word("credential", credential);
    }
    if let Some(operation) = &request.operation {
        json.nested("graphql", |json| {
            json.word("kind", operation.kind);
            if let Some(name) = &operation.name {
                json.outside("name", name.unmasked());
            }
            json.list("fields", &operation.fields, |json, field| json.outside_element(field.unmasked()));
            json.number("cost", operation.cost);
        });
    }
    encode_timings(json, request);
    if !request.observed.is_empty() {
        encode_observed(json, request);
    }
    json.piece("}");
}

fn encode_timings(json: &mut Json<'_>, request: &RequestEvent) {
    let mut key = r#","timings":{"#;
    for (stage, took) in request.timings.iter() {
        json.piece(key);
        json.piece(timing_key(stage));
        json.number_value(super::nanos(took));
        key = ",";
    }
    json.piece(if key == "," { "}" } else { r#","timings":{}"# });
}

fn timing_key(stage: Stage) -> &'static str {
    match stage {
        Stage::Wire => r#""wire":"#,
        Stage::Admit => r#""admit":"#,
        Stage::LimitAddress => r#""limit-address":"#,
        Stage::Route => r#""route":"#,
        Stage::Authenticate => r#""authenticate":"#,
        Stage::LimitIdentity => r#""limit-identity":"#,
        Stage::Authorize => r#""authorize":"#,
        Stage::Validate => r#""validate":"#,
        Stage::Inspect => r#""inspect":"#,
        Stage::Forward => r#""forward":"#,
        Stage::InspectAnswer => r#""inspect-answer":"#,
        Stage::Filter => r#""filter":"#,
        Stage::Answer => r#""answer":"#,
    }
}

fn encode_observed(json: &mut Json<'_>, request: &RequestEvent) {
    json.list("observed", &request.observed, |json, observed| {
        json.element(|json| {
            json.word("stage", observed.stage.as_str());
            json.word("control", observed.control.as_str());
            json.word("code", observed.reason.code);
            json.outside("reason", observed.reason.detail.unmasked());
        });
    });
}
