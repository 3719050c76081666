//! Messages that their sender signed: what passes, what reaches the upstream, and what an attacker can do with one that was seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use bartizan_gateway::config::Config;
use bartizan_policy::{Access, CredentialKind};
use bartizan_testkit::{Answer, Answered, Upstream, raw_exchange};
use bartizan_token::{Webhook, WebhookForm};
use bartizan_vault::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Response, StatusCode};

use crate::harness::{Gated, config, route};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &str = r#"{"type":"invoice.paid","data":{"id":"in_1"}}"#;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn sender(form: WebhookForm, secrets: &[&str]) -> Webhook {
    let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(secret.as_bytes().to_vec())).collect();
    Webhook::new("payments", form, &secrets, Duration::from_mins(5), Duration::from_hours(1)).unwrap()
}

fn rules(upstream: &Upstream, sender: Webhook) -> Config {
    let mut hooks = route("/hooks", upstream.address());
    (hooks.access, hooks.credentials) = (Access::SignedIn, vec![CredentialKind::Webhook]);
    hooks.webhook = Some("payments".into());
    hooks.body_bytes = 100_000;
    let mut rules = config(vec![hooks]);
    rules.webhooks = vec![sender];
    rules.limits.failed_authentication = crate::harness::rate("1000/second");
    rules
}

fn standard(upstream: &Upstream) -> Config {
    rules(upstream, sender(WebhookForm::Standard, &[SECRET]))
}

/// The fields of a message as its sender makes them.
fn signed(id: &str, time: u64, body: &str) -> [(&'static str, String); 3] {
    let secret = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), format!("{id}.{time}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(tag));
    [("webhook-id", id.to_owned()), ("webhook-timestamp", time.to_string()), ("webhook-signature", signature)]
}

async fn deliver(gate: &Gated, fields: &[(&'static str, String)], body: &str) -> Answered {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    gate.send(Method::POST, "/hooks", &fields, body).await
}

fn taking() -> Upstream {
    Upstream::answering(StatusCode::OK, "taken")
}

#[tokio::test]
async fn a_signed_message_reaches_the_upstream_byte_for_byte_and_its_sender_is_named() {
    let upstream = taking();
    let gate = Gated::start(standard(&upstream));
    let body = format!("{{\"padding\":\"{}\"}}\r\n \u{e9}", "x".repeat(70_000));
    let answer = deliver(&gate, &signed("msg_1", now(), &body), &body).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, "taken"));
    let received = upstream.only_request();
    assert_eq!(received.body, body.as_bytes());
    assert!(received.headers.contains_key("bartizan-assertion") && received.headers.contains_key("webhook-signature"));
    let event = gate.only_event();
    assert_eq!((&event["user"]["id"], &event["bartizan"]["credential"]), (&"payments".into(), &"webhook".into()));
    assert_eq!(event["http"]["request"]["bytes"], body.len());
}

#[tokio::test]
async fn what_was_not_signed_so_or_not_just_now_never_reaches_the_upstream() {
    let upstream = taking();
    let gate = Gated::start(standard(&upstream));
    let good = signed("msg_1", now(), BODY);
    let [id, time, signature] = good.clone();
    let other = signed("msg_1", now(), "{}");
    let cases = [
        ("no fields", Vec::new(), "webhook-signature-missing"),
        ("no signature", vec![id.clone(), time.clone()], "webhook-signature-missing"),
        ("another body's signature", other.to_vec(), "webhook-bad-signature"),
        ("two ids", vec![id.clone(), id.clone(), time.clone(), signature.clone()], "webhook-signature-malformed"),
        (
            "two signatures' fields",
            vec![id.clone(), time.clone(), signature.clone(), signature],
            "webhook-signature-malformed",
        ),
        ("too old", signed("msg_1", now() - 400, BODY).to_vec(), "webhook-too-old"),
        ("from the future", signed("msg_1", now() + 400, BODY).to_vec(), "webhook-in-future"),
    ];
    for (name, fields, _) in &cases {
        let answer = deliver(&gate, fields, BODY).await;
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (StatusCode::UNAUTHORIZED, Some("Webhook")),
            "{name}"
        );
    }
    let unsigned = gate.send(Method::POST, "/hooks", &[("authorization", "Bearer x")], BODY).await;
    assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED, "no other credential counts here");
    assert!(upstream.received().is_empty());
    let events = format!("{:?}", gate.events());
    for (name, _, code) in cases {
        assert!(events.contains(code), "{name}: {code}");
    }
}

#[tokio::test]
async fn a_message_counts_once_and_another_one_still_counts() {
    let upstream = taking();
    let rules = standard(&upstream);
    let gate = Gated::start(rules.clone());
    let message = signed("msg_1", now(), BODY);
    assert_eq!(deliver(&gate, &message, BODY).await.status, StatusCode::OK);
    gate.replace(rules);
    let answer = deliver(&gate, &message, BODY).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text().contains("urn:bartizan:refusal:replayed"));
    // Signed anew under the same id, it is still the same message.
    assert_eq!(deliver(&gate, &signed("msg_1", now() - 1, BODY), BODY).await.status, StatusCode::CONFLICT);
    assert_eq!(deliver(&gate, &signed("msg_2", now(), BODY), BODY).await.status, StatusCode::OK);
    assert_eq!(upstream.received().len(), 2);
}

#[tokio::test]
async fn a_message_that_the_upstream_did_not_take_passes_when_the_sender_tries_again() {
    let is_up = Arc::new(AtomicBool::new(false));
    let upstream = Upstream::start({
        let is_up = is_up.clone();
        move |_| {
            if is_up.load(Ordering::Relaxed) {
                Answer::Respond(Response::new(Bytes::new()))
            } else {
                Answer::Respond(Response::builder().status(503).body(Bytes::new()).unwrap())
            }
        }
    });
    let gate = Gated::start(standard(&upstream));
    let message = signed("msg_1", now(), BODY);
    for _ in 0..2 {
        assert_eq!(deliver(&gate, &message, BODY).await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    is_up.store(true, Ordering::Relaxed);
    assert_eq!(deliver(&gate, &message, BODY).await.status, StatusCode::OK);
    assert_eq!(deliver(&gate, &message, BODY).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn of_two_at_the_same_time_one_passes() {
    let slow = || Answer::After(Duration::from_millis(200), Box::new(Answer::Respond(Response::new(Bytes::new()))));
    let upstream = Upstream::start(move |_| slow());
    let gate = Gated::start(standard(&upstream));
    let message = signed("msg_1", now(), BODY);
    let (one, other) = tokio::join!(deliver(&gate, &message, BODY), deliver(&gate, &message, BODY));
    let mut statuses = [one.status, other.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::CONFLICT]);
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn while_a_secret_is_replaced_the_old_one_counts_and_then_no_more() {
    let (old, new) = ("the old secret of the sender", "the new secret of the sender");
    let upstream = taking();
    let gate = Gated::start(rules(&upstream, sender(WebhookForm::GitHub, &[new, old])));
    let signed = |secret: &str, body: &str| {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
        let text = tag.as_ref().iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"));
        [("x-hub-signature-256", text)]
    };
    assert_eq!(deliver(&gate, &signed(old, "1"), "1").await.status, StatusCode::OK);
    assert_eq!(deliver(&gate, &signed(new, "2"), "2").await.status, StatusCode::OK);
    // The delivery's id is not signed: another one makes no other message of it.
    let mut replayed = signed(new, "2").to_vec();
    replayed.push(("x-github-delivery", "another".to_owned()));
    assert_eq!(deliver(&gate, &replayed, "2").await.status, StatusCode::CONFLICT);
    gate.replace(rules(&upstream, sender(WebhookForm::GitHub, &[new])));
    assert_eq!(deliver(&gate, &signed(old, "3"), "3").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_body_that_is_cut_too_large_or_too_slow_is_never_judged_as_a_whole_one() {
    let upstream = taking();
    let mut rules = standard(&upstream);
    rules.server.timeouts.body_idle = Duration::from_millis(300);
    let gate = Gated::start(rules);
    let large = "x".repeat(100_001);
    let answer = deliver(&gate, &signed("msg_1", now(), &large), &large).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let fields = signed("msg_2", now(), BODY).map(|(name, value)| format!("{name}: {value}\r\n")).concat();
    // Half of the body, then silence.
    let (half, _) = BODY.split_at(10);
    let request =
        format!("POST /hooks HTTP/1.1\r\nHost: api.test\r\n{fields}Content-Length: {}\r\n\r\n{half}", BODY.len());
    let answer = raw_exchange(gate.address(), request.as_bytes()).await.unwrap();
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    // Chunks without an announced length are a body like any other, and bounded alike.
    let chunked = format!(
        "POST /hooks HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n{fields}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{BODY}\r\n0\r\n\r\n",
        BODY.len()
    );
    let answer = raw_exchange(gate.address(), chunked.as_bytes()).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(upstream.only_request().body, BODY);
}

#[tokio::test]
async fn a_route_that_names_no_webhook_that_is_there_is_no_configuration() {
    let upstream = taking();
    let mut rules = standard(&upstream);
    rules.webhooks.clear();
    let fault = Gated::build(rules).err().unwrap().to_string();
    assert_eq!(fault, "route `/hooks`: there is no webhook `payments`");
}
