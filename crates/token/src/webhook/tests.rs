use std::collections::HashMap;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

const TOLERANCE: Duration = Duration::from_mins(5);
const DAY: Duration = Duration::from_hours(24);

fn webhook(form: WebhookForm, secrets: &[&str]) -> Webhook {
    let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(secret.as_bytes().to_vec())).collect();
    Webhook::new("test", form, &secrets, TOLERANCE, DAY).unwrap()
}

fn judge(webhook: &Webhook, fields: &[(&str, &str)], body: &[u8], now: i64) -> Result<OneTime, WebhookError> {
    let fields: HashMap<&str, &str> = fields.iter().copied().collect();
    let field = |name: &str| fields.get(name).map_or(Field::Absent, |text| Field::Text(text));
    let now = Timestamp::from_unix(now);
    let mut check = webhook.read(&field, now)?.begin(webhook);
    body.chunks(7).for_each(|piece| check.update(piece));
    check.finish(body, now)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn mac(secret: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes()).as_ref().to_vec()
}

/// The example of the specification and of its reference libraries.
const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const STANDARD_FIELDS: [(&str, &str); 3] = [
    ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
    ("webhook-timestamp", "1614265330"),
    ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
];
const STANDARD_BODY: &[u8] = br#"{"test": 2432232314}"#;

#[test]
fn the_example_of_standard_webhooks_holds() {
    let webhook = webhook(WebhookForm::Standard, &[STANDARD_SECRET]);
    assert!(judge(&webhook, &STANDARD_FIELDS, STANDARD_BODY, 1_614_265_330).is_ok());
    let svix = STANDARD_FIELDS.map(|(name, value)| (name.strip_prefix("webhook").unwrap(), value));
    let names = ["svix-id", "svix-timestamp", "svix-signature"];
    let svix: Vec<_> = names.into_iter().zip(svix.map(|(_, value)| value)).collect();
    assert!(judge(&webhook, &svix, STANDARD_BODY, 1_614_265_330).is_ok());
}

#[test]
fn the_example_of_githubs_documentation_holds() {
    let webhook = webhook(WebhookForm::GitHub, &["It's a Secret to Everybody"]);
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    assert!(judge(&webhook, &[("x-hub-signature-256", signature)], b"Hello, World!", 0).is_ok());
}

#[test]
fn the_example_of_slacks_documentation_holds() {
    let webhook = webhook(WebhookForm::Slack, &["8f742231b10e8888abcd99yyyzzz85a5"]);
    let body = b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let fields = [
        ("x-slack-request-timestamp", "1531420618"),
        ("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
    ];
    assert!(judge(&webhook, &fields, body, 1_531_420_618).is_ok());
}

#[test]
fn stripes_form_holds_with_any_of_its_signatures_and_names_that_are_not_known() {
    let secret = "whsec_0123456789abcdef";
    let webhook = webhook(WebhookForm::Stripe, &[secret]);
    let good = hex(&mac(secret.as_bytes(), "1700000000.{}"));
    let bad = "0".repeat(64);
    let text = format!("t=1700000000,v1={bad},v1={good},v0={bad},scheme=x");
    assert!(judge(&webhook, &[("stripe-signature", &text)], b"{}", 1_700_000_000).is_ok());
    // v0 is for tests of the sender, and nothing here.
    let text = format!("t=1700000000,v0={good}");
    let refused = judge(&webhook, &[("stripe-signature", &text)], b"{}", 1_700_000_000);
    assert_eq!(refused, Err(WebhookError::Malformed("stripe-signature")));
    let text = format!("t=1700000000,t=1700000001,v1={good}");
    assert!(judge(&webhook, &[("stripe-signature", &text)], b"{}", 1_700_000_000).is_err(), "two times");
}

#[test]
fn ed25519_signatures_hold_and_make_the_sender_one_who_alone_can_sign() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let public = format!("whpk_{}", STANDARD.encode(pair.public_key()));
    let webhook = webhook(WebhookForm::Standard, &[&public]);
    let signature = format!("v1a,{}", STANDARD.encode(pair.sign(b"msg_1.1700000000.{}")));
    let fields = [("webhook-id", "msg_1"), ("webhook-timestamp", "1700000000"), ("webhook-signature", &signature)];
    assert!(judge(&webhook, &fields, b"{}", 1_700_000_000).is_ok());
    assert_eq!(judge(&webhook, &fields, b"{ }", 1_700_000_000), Err(WebhookError::BadSignature));
    assert!(!webhook.is_shared_secret());
    // A public key is no secret: nobody can make a MAC with it.
    let forged = format!("v1,{}", STANDARD.encode(mac(pair.public_key().as_ref(), "msg_1.1700000000.{}")));
    let fields = [("webhook-id", "msg_1"), ("webhook-timestamp", "1700000000"), ("webhook-signature", &forged)];
    assert_eq!(judge(&webhook, &fields, b"{}", 1_700_000_000), Err(WebhookError::BadSignature));
}

#[test]
fn a_changed_body_id_or_time_is_refused() {
    let webhook = webhook(WebhookForm::Standard, &[STANDARD_SECRET]);
    let bad = Err(WebhookError::BadSignature);
    assert_eq!(judge(&webhook, &STANDARD_FIELDS, br#"{"test": 2432232315}"#, 1_614_265_330), bad);
    assert_eq!(judge(&webhook, &STANDARD_FIELDS, b"", 1_614_265_330), bad);
    for (at, other) in [(0, "msg_other"), (1, "1614265331")] {
        let mut fields = STANDARD_FIELDS;
        fields[at].1 = other;
        assert_eq!(judge(&webhook, &fields, STANDARD_BODY, 1_614_265_330), bad);
    }
}

#[test]
fn what_was_signed_too_long_ago_or_in_the_future_is_refused() {
    let webhook = webhook(WebhookForm::Standard, &[STANDARD_SECRET]);
    let at = |now| judge(&webhook, &STANDARD_FIELDS, STANDARD_BODY, now);
    assert!(at(1_614_265_330 + 300).is_ok() && at(1_614_265_330 - 300).is_ok());
    assert_eq!(at(1_614_265_330 + 301), Err(WebhookError::TooOld));
    assert_eq!(at(1_614_265_330 - 301), Err(WebhookError::InFuture));
}

#[test]
fn while_a_secret_is_replaced_both_count_and_then_the_old_one_does_not() {
    let (old, new) = ("an old secret of github's", "a new secret of github's");
    let signed = |secret: &str| format!("sha256={}", hex(&mac(secret.as_bytes(), "{}")));
    let both = webhook(WebhookForm::GitHub, &[new, old]);
    let only_new = webhook(WebhookForm::GitHub, &[new]);
    for secret in [old, new] {
        assert!(judge(&both, &[("x-hub-signature-256", &signed(secret))], b"{}", 0).is_ok());
    }
    assert!(judge(&only_new, &[("x-hub-signature-256", &signed(old))], b"{}", 0).is_err());
}

#[test]
fn a_message_with_one_of_its_two_signatures_left_out_is_the_same_message() {
    let (old, new) = ("whsec_old_secret_of_stripe", "whsec_new_secret_of_stripe");
    let webhook = webhook(WebhookForm::Stripe, &[new, old]);
    let signature = |secret: &str| hex(&mac(secret.as_bytes(), "1700000000.{}"));
    let id = |text: &str| judge(&webhook, &[("stripe-signature", text)], b"{}", 1_700_000_000).unwrap();
    let whole = id(&format!("t=1700000000,v1={},v1={}", signature(old), signature(new)));
    assert_eq!(whole, id(&format!("t=1700000000,v1={}", signature(old))));
    assert_eq!(whole, id(&format!("t=1700000000,v1={}", signature(new))));
    assert_eq!(whole.until, Timestamp::from_unix(1_700_000_301), "as long as it would be accepted");
}

#[test]
fn fields_that_are_missing_repeated_or_of_two_sets_are_refused() {
    let webhook = webhook(WebhookForm::Standard, &[STANDARD_SECRET]);
    for at in 0..3 {
        let mut fields = STANDARD_FIELDS.to_vec();
        let (name, value) = fields.remove(at);
        assert!(matches!(judge(&webhook, &fields, b"", 1_614_265_330), Err(WebhookError::Missing(_))));
        let svix = name.replace("webhook", "svix");
        fields.push((&svix, value));
        assert!(matches!(judge(&webhook, &fields, b"", 1_614_265_330), Err(WebhookError::Missing(_))), "{name}");
    }
    let twice = |_: &str| Field::Unfit;
    assert!(matches!(webhook.read(&twice, Timestamp::from_unix(0)), Err(WebhookError::Malformed(_))));
    let many = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= ".repeat(MAX_SIGNATURES + 1);
    let fields = [STANDARD_FIELDS[0], STANDARD_FIELDS[1], ("webhook-signature", many.trim_end())];
    assert!(matches!(judge(&webhook, &fields, STANDARD_BODY, 1_614_265_330), Err(WebhookError::Malformed(_))));
}

#[test]
fn secrets_that_are_weak_or_of_another_form_are_not_taken() {
    let refused = |form, secret: &str| {
        Webhook::new("test", form, &[Secret::new(secret.as_bytes().to_vec())], TOLERANCE, DAY).unwrap_err()
    };
    assert_eq!(refused(WebhookForm::GitHub, "short"), WebhookSecretError::TooShort);
    assert_eq!(refused(WebhookForm::Standard, "whsec_YWJj"), WebhookSecretError::TooShort);
    assert_eq!(refused(WebhookForm::Standard, "whsec_not base64 at all"), WebhookSecretError::Malformed);
    assert_eq!(refused(WebhookForm::Standard, "whpk_YWJj"), WebhookSecretError::Malformed);
    assert_eq!(Webhook::new("test", WebhookForm::GitHub, &[], TOLERANCE, DAY).unwrap_err(), WebhookSecretError::Count);
}

proptest! {
    #[test]
    fn no_field_panics_and_nobody_else_signs(
        id in "\\PC{0,20}", time in "[0-9+ -]{0,13}", signature in "(v1a?,)?[A-Za-z0-9+/=, ]{0,100}", body: Vec<u8>,
    ) {
        for form in [WebhookForm::Standard, WebhookForm::Stripe, WebhookForm::GitHub, WebhookForm::Slack] {
            let webhook = webhook(form, &[STANDARD_SECRET]);
            let fields = [
                ("webhook-id", id.as_str()), ("webhook-timestamp", &time), ("webhook-signature", &signature),
                ("stripe-signature", &signature), ("x-hub-signature-256", &signature),
                ("x-slack-request-timestamp", &time), ("x-slack-signature", &signature),
            ];
            prop_assert!(judge(&webhook, &fields, &body, 1_700_000_000).is_err());
        }
    }

    #[test]
    fn what_the_sender_signs_holds_whatever_it_says(id in "[a-zA-Z0-9_-]{1,40}", time in 0_i64..4_000_000_000, body in "\\PC{0,200}") {
        let webhook = webhook(WebhookForm::Standard, &[STANDARD_SECRET]);
        let secret = STANDARD.decode(STANDARD_SECRET.strip_prefix("whsec_").unwrap()).unwrap();
        let signature = format!("v1,{}", STANDARD.encode(mac(&secret, &format!("{id}.{time}.{body}"))));
        let time_text = time.to_string();
        let fields = [("webhook-id", id.as_str()), ("webhook-timestamp", &time_text), ("webhook-signature", &signature)];
        prop_assert!(judge(&webhook, &fields, body.as_bytes(), time).is_ok());
    }
}
