//! What machines show: certificates, proofs of possession, signatures of webhooks, and what an issuer says of a token.

use std::sync::LazyLock;
use std::time::Duration;

use bartizan_policy::Timestamp;
use bartizan_token::{
    ClientCertificate, DpopExpectation, Field, Fingerprint, Issuer, KeySource, KeyThumbprint, Verifier, Webhook,
    WebhookForm, verify_proof,
};
use bartizan_vault::Secret;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const ISSUER: &str = "https://opaque.example";
const AUDIENCE: &str = "https://api.example";

/// Names that are read are plain, and no more than 64 of a kind.
pub fn certificate(input: &[u8]) {
    let Ok(certificate) = ClientCertificate::parse(input) else { return };
    let names: Vec<&str> = certificate.dns_names().chain(certificate.uris()).chain(certificate.emails()).collect();
    assert!(names.len() <= 3 * 64);
    let texts = names.into_iter().chain([certificate.subject(), certificate.issuer(), certificate.serial()]);
    assert!(texts.into_iter().all(|text| !text.chars().any(char::is_control)));
}

/// Nobody here has signed anything, so no text is a proof: not even one under the key that the token is bound to.
pub fn dpop_proof(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    // The thumbprint of the key of RFC 9449, section 6.1: its owner alone can sign, and the inputs that hold it lack that.
    let key = KeyThumbprint::from_base64url("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I").expect("a thumbprint");
    let expected = DpopExpectation {
        method: "GET",
        is_target: &|_| true,
        token: &Fingerprint::of("token"),
        key,
        is_nonce: None,
        max_age: Duration::from_secs(60),
    };
    assert!(verify_proof(text, &expected, NOW).is_err());
}

/// The first three lines are fields, the rest is the body: without the secret no text is signed, in any form.
pub fn webhook(input: &[u8]) {
    static SENDERS: LazyLock<Vec<Webhook>> = LazyLock::new(|| {
        let secret = Secret::new(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_vec());
        let forms = [WebhookForm::Standard, WebhookForm::Stripe, WebhookForm::GitHub, WebhookForm::Slack];
        let sender = |form| {
            let (minute, day) = (Duration::from_secs(60), Duration::from_secs(86_400));
            Webhook::new("fuzzer", form, std::slice::from_ref(&secret), minute, day).expect("a sender")
        };
        forms.into_iter().map(sender).collect()
    });
    let mut parts = input.splitn(4, |byte| *byte == b'\n');
    let mut text = || parts.next().and_then(|part| str::from_utf8(part).ok()).unwrap_or_default();
    let (id, time, signature) = (text(), text(), text());
    let body = parts.next().unwrap_or_default();
    let field = |name: &str| match name {
        name if name.ends_with("-id") => Field::Text(id),
        name if name.ends_with("-timestamp") => Field::Text(time),
        _ => Field::Text(signature),
    };
    for sender in SENDERS.iter() {
        let Ok(head) = sender.read(&field, NOW) else { continue };
        let mut check = head.begin(sender);
        check.update(body);
        assert!(check.finish(body, NOW).is_err());
    }
}

/// What is accepted is active, for the audience, and not over.
pub fn introspection(input: &[u8]) {
    static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
        let issuer = Issuer::new(ISSUER, vec![AUDIENCE.into()], KeySource::Introspected);
        Verifier::new(vec![issuer]).expect("one issuer")
    });
    if let Ok(verified) = VERIFIER.judge_introspection(&ISSUER.into(), input, NOW) {
        let text = str::from_utf8(input).expect("JSON is UTF-8");
        assert!(text.contains("true") && text.contains("exp"), "{text}");
        assert_eq!(verified.principal.issuer.as_str(), ISSUER);
        assert!(verified.principal.expires_at.is_some_and(|end| end > NOW.before(Duration::from_secs(31))));
    }
}
