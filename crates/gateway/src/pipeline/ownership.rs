//! Ownership that only the upstream can tell: asked for before an unsafe method, read from the answer of a safe one.

use std::fmt::Write as _;
use std::sync::Arc;

use bartizan_policy::{Owner, OwnerSource};
use http::{Method, header};
use http_body_util::{BodyExt, Limited as LengthLimit};
use serde_json::Value;

use super::authenticate::Known;
use super::authorize::Authorized;
use super::forward::Forwarded;
use super::outbound::Outbound;
use super::validate::Validated;
use super::{AskUpstream, Question};
use crate::body::{AnswerBody, Source};
use crate::gate::Gate;
use crate::refusal::Refusal;

/// How much of a document is read to find its owner.
pub(super) const MOST_DOCUMENT_BYTES: usize = 1024 * 1024;

/// A request that its caller may make, the owner of what it changes included.
pub(crate) struct Permitted(Authorized);

impl Permitted {
    pub(super) fn into_authorized(self) -> Authorized {
        self.0
    }
}

/// An answer that its caller may see.
pub(crate) struct OwnedAnswer<S>(Forwarded<S>);

impl<S> OwnedAnswer<S> {
    pub(super) fn into_forwarded(self) -> Forwarded<S> {
        self.0
    }
}

/// Asks the upstream who owns what the request is about, where the route says so, before anything is changed.
pub(super) async fn ask_first(
    validated: Validated,
    gate: &Gate,
    upstream: &impl AskUpstream,
) -> Result<Permitted, Refusal> {
    let authorized = validated.into_authorized();
    match (authorized.pending_owner.as_deref(), &authorized.caller) {
        (None, _) => {}
        (Some(owner), Some(caller)) => match &owner.source {
            // Boxed: rare, and its size would be that of every request's future.
            OwnerSource::Lookup { path, .. } => {
                Box::pin(ask(&authorized, owner, path, caller, gate, upstream)).await?;
            }
            OwnerSource::Field(_) if authorized.routed.exchange().head.method == Method::GET => {}
            // HEAD shows no field, and after an unsafe method it would be too late.
            OwnerSource::Field(_) => return Err(Refusal::OwnerUnknown("method-shows-no-owner")),
            OwnerSource::Parameter(_) => return Err(Refusal::Internal("owner-parameter-left-undecided")),
        },
        (Some(_), None) => return Err(Refusal::Internal("owner-without-caller")),
    }
    Ok(Permitted(authorized))
}

async fn ask(
    authorized: &Authorized,
    owner: &Owner,
    path: &str,
    caller: &Known,
    gate: &Gate,
    upstream: &impl AskUpstream,
) -> Result<(), Refusal> {
    let mut headers = authorized.routed.exchange().head.headers.clone();
    for about_the_body in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING, header::EXPECT] {
        headers.remove(about_the_body);
    }
    let outbound = Outbound::new(authorized, gate);
    outbound.set_fields(&mut headers, true)?;
    let question = Question {
        route: authorized.routed.route().clone(),
        path: fill(path, authorized.routed.parameters())?,
        headers,
    };
    let document = upstream.document(question).await?;
    owner.judge_document(&caller.principal, &document).map_err(Refusal::Denied)
}

/// Puts the request's parameters into the look-up's path. A value is escaped whole: it stays one segment, whatever it holds.
fn fill(template: &str, parameters: &[(Arc<str>, String)]) -> Result<String, Refusal> {
    let mut path = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or(Refusal::Internal("look-up-path-unreadable"))?;
        let value = parameters.iter().find(|(parameter, _)| **parameter == *name).map(|(_, value)| value);
        path.push_str(before);
        escape_into(&mut path, value.ok_or(Refusal::Internal("look-up-parameter-missing"))?);
        rest = after;
    }
    path.push_str(rest);
    Ok(path)
}

fn escape_into(path: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
}

/// Reads the owner from the answer, where the route says so, before a byte of it goes out.
pub(super) async fn read_answer<S: Source>(mut forwarded: Forwarded<S>) -> Result<OwnedAnswer<S>, Refusal> {
    if forwarded.pending_owner().is_none() {
        return Ok(OwnedAnswer(forwarded));
    }
    let status = forwarded.response.status();
    if !status.is_success() {
        return Ok(OwnedAnswer(forwarded));
    }
    if status == http::StatusCode::PARTIAL_CONTENT
        || forwarded.response.headers().contains_key(header::CONTENT_ENCODING)
    {
        return Err(Refusal::OwnerUnknown("answer-is-partial-or-encoded"));
    }
    let body = std::mem::replace(forwarded.response.body_mut(), AnswerBody::empty());
    let bytes = LengthLimit::new(body, MOST_DOCUMENT_BYTES)
        .collect()
        .await
        .map_err(|_| Refusal::OwnerUnknown("answer-too-large-or-cut"))?
        .to_bytes();
    let document: Value = serde_json::from_slice(&bytes).map_err(|_| Refusal::OwnerUnknown("answer-is-not-json"))?;
    if let Some((owner, caller)) = forwarded.pending_owner() {
        owner.judge_document(&caller.principal, &document).map_err(Refusal::Denied)?;
    }
    *forwarded.response.body_mut() = AnswerBody::full(bytes);
    Ok(OwnedAnswer(forwarded))
}
