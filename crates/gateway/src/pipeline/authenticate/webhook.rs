//! Messages that their sender signed: the body is read here, since the signature is over it, and what was read is what goes on.

use std::sync::Arc;

use bartizan_policy::{
    Authentication, CredentialKind, IssuerName, Principal, PrincipalKind, Strength, Subject, Timestamp,
};
use bartizan_token::{Field, Fingerprint, Webhook};
use http::header::HeaderMap;
use serde_json::{Map, json};

use super::super::route::Routed;
use super::Known;
use crate::body::read_whole;
use crate::exchange::{Content, Trail};
use crate::gate::Gate;
use crate::ports::Remembered;
use crate::refusal::Refusal;
use crate::replays::Delivery;

/// The issuer of every principal made here.
const ISSUER: &str = "webhooks";

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
    let body = read_whole(exchange, limit, gate.config.server.timeouts, |piece| check.update(piece)).await?;
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
