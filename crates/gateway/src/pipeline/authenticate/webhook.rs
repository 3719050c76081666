//! Messages that their sender signed: the body is read here, since the signature is over it, and what was read is what goes on.

use std::sync::Arc;

use bartizan_policy::{
    Authentication, CredentialKind, IssuerName, Principal, PrincipalKind, Strength, Subject, Timestamp,
};
use bartizan_token::{Field, Fingerprint, Webhook, WebhookCheck};
use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderMap};
use http_body_util::BodyExt as _;
use serde_json::{Map, json};

use super::super::route::Routed;
use super::Known;
use crate::body::{BodyFault, RequestBody};
use crate::exchange::{Content, Exchange, Trail};
use crate::gate::Gate;
use crate::ports::Remembered;
use crate::refusal::Refusal;
use crate::replays::Delivery;

/// The issuer of every principal made here.
const ISSUER: &str = "webhooks";
/// The first allocation for a body, whatever length is announced: memory is for what comes, not for what is promised.
const FIRST_BYTES: usize = 16 * 1024;

/// A sender, and the principal that its messages stand for.
pub(crate) struct WebhookCaller {
    webhook: Webhook,
    known: Arc<Known>,
}

impl WebhookCaller {
    pub(crate) fn new(webhook: &Webhook) -> Self {
        // Whoever has the secret can verify as well as sign; with a public key, only the sender signs.
        let strength = if webhook.is_shared_secret() { Strength::Weaker } else { Strength::Full };
        let principal = Principal {
            subject: Subject::from(webhook.name()),
            issuer: IssuerName::from(ISSUER),
            kind: PrincipalKind::Service,
            credential: CredentialKind::Webhook,
            strength,
            token_id: None,
            client: None,
            roles: Vec::new(),
            scopes: Vec::new(),
            attributes: Map::from_iter([("webhook".to_owned(), json!({ "form": webhook.form().as_str() }))]),
            authentication: Authentication::default(),
            issued_at: None,
            expires_at: None,
        };
        let fingerprint = Fingerprint::of(&format!("webhook {}", webhook.name()));
        let known = Arc::new(Known::unbound(principal, fingerprint, Timestamp::from_unix(0)));
        Self { webhook: webhook.clone(), known }
    }
}

/// Judges the message: its fields, then its body as it comes, and whether it came before.
pub(super) async fn verify(
    sender: &WebhookCaller,
    routed: &mut Routed,
    gate: &Gate,
    trail: &mut Trail,
) -> Result<Arc<Known>, Refusal> {
    if gate.is_revoked(&sender.known.principal) {
        return Err(Refusal::WebhookRefused("revoked"));
    }
    let limit = routed.route().rules.body_bytes;
    let exchange = routed.exchange_mut();
    let now = exchange.now();
    let headers = &exchange.head.headers;
    let head = sender.webhook.read(&|name| field(headers, name), now);
    let mut check = head.map_err(|fault| Refusal::WebhookRefused(fault.code()))?.begin(&sender.webhook);
    let body = read(exchange, limit, gate, &mut check).await?;
    trail.request_bytes(u64::try_from(body.len()).unwrap_or(u64::MAX));
    let once = check.finish(&body, now).map_err(|fault| Refusal::WebhookRefused(fault.code()))?;
    // Exactly what was judged is what the upstream gets.
    exchange.body = Content::Buffered(body);
    match gate.deliveries.remember(once, now).get().await {
        Remembered::First => {}
        Remembered::Again => return Err(Refusal::Replayed),
        Remembered::NoRoom => return Err(Refusal::CredentialUndecided("delivery-store-full")),
    }
    exchange.delivery = Some(Box::new(Delivery::new(gate.deliveries.clone(), once.id)));
    Ok(sender.known.clone())
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> Field<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Field::Absent,
        (Some(value), None) => value.to_str().map_or(Field::Unfit, Field::Text),
        (Some(_), Some(_)) => Field::Unfit,
    }
}

/// The whole body, bounded like every body, and given to the check piece by piece: no single step takes long.
async fn read(
    exchange: &mut Exchange,
    limit: u64,
    gate: &Gate,
    check: &mut WebhookCheck<'_>,
) -> Result<Bytes, Refusal> {
    let incoming = match std::mem::replace(&mut exchange.body, Content::Buffered(Bytes::new())) {
        Content::Stream(incoming) => incoming,
        Content::Buffered(bytes) => {
            check.update(&bytes);
            return Ok(bytes);
        }
    };
    let (mut body, watch) = RequestBody::bounded(incoming, limit, gate.config.server.timeouts.into());
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| match watch.fault() {
            Some(BodyFault::TooLarge) => Refusal::BodyTooLarge,
            Some(BodyFault::TooSlow) => Refusal::BodyTooSlow,
            // Half a message is never judged as a whole one.
            Some(BodyFault::Broken | BodyFault::Malformed) | None => Refusal::Malformed("body-cut"),
        })?;
        // Trailers are not signed, and not passed on.
        let Ok(piece) = frame.into_data() else { continue };
        if whole.is_empty() {
            whole.reserve(piece.len().max(FIRST_BYTES));
        }
        check.update(&piece);
        whole.extend_from_slice(&piece);
    }
    exchange.head.headers.remove(header::TRAILER);
    Ok(whole.freeze())
}
