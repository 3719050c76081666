use super::{Facts, Kind, encode_event};
use crate::json::Json;
use crate::{IdentityEvent, IdentityResult};

pub(super) fn encode(json: &mut Json<'_>, sequence: Option<u64>, identity: &IdentityEvent) {
    let (categories, types) = identity.action.kind();
    let (outcome, reason) = match identity.result {
        IdentityResult::Done => ("success", None),
        IdentityResult::Refused(reason) => ("failure", Some(reason)),
    };
    let kind = Kind { categories, types, action: identity.action.as_str(), outcome };
    encode_event(json, sequence, &kind, &Facts { reason, ..Facts::default() });
    if let Some(user) = &identity.user {
        json.nested("user", |json| json.outside("id", user.unmasked()));
    }
    if let Some(source) = identity.source {
        json.nested("client", |json| json.address("ip", source));
    }
    if let Some(request) = identity.request_id {
        json.nested("http", |json| json.nested("request", |json| json.own("id", &request.as_text())));
    }
    json.nested("bartizan", |json| {
        json.word("actor", identity.actor.as_str());
        if let Some(method) = identity.method {
            json.word("method", method);
        }
        if let Some(session) = &identity.session {
            json.outside("session", session.unmasked());
        }
        if let Some(client) = &identity.client {
            json.outside("client", client.unmasked());
        }
    });
}
