use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, ParsedPublicKey};
use bartizan_vault::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{Key, WebhookForm};

/// 128 bits: fewer can be guessed offline from one message.
const LEAST_BYTES: usize = 16;

/// Why a secret is not used. Says nothing of the secret itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookSecretError {
    /// There is none, or more than four.
    #[error("a webhook has one secret, or up to four while they are replaced")]
    Count,
    /// Fewer than 128 bits.
    #[error("the secret has fewer than 128 bits (16 bytes)")]
    TooShort,
    /// Not the form of Standard Webhooks.
    #[error("the secret is not `whsec_` and base64, nor `whpk_` and the base64 of an Ed25519 key")]
    Malformed,
}

/// What verifies messages that were signed with `secret`.
pub(super) fn key(form: WebhookForm, secret: &Secret<Vec<u8>>) -> Result<Key, WebhookSecretError> {
    let secret = secret.expose();
    match form {
        WebhookForm::Standard => standard(secret),
        // These senders take the text as it is shown for the key, prefix and all.
        WebhookForm::Stripe | WebhookForm::GitHub | WebhookForm::Slack => symmetric(secret),
    }
}

fn symmetric(secret: &[u8]) -> Result<Key, WebhookSecretError> {
    if secret.len() < LEAST_BYTES {
        return Err(WebhookSecretError::TooShort);
    }
    Ok(Key::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret))))
}

/// The text is `whsec_` or `whpk_` and base64; without a prefix it is a secret, as the libraries of the form have it.
fn standard(text: &[u8]) -> Result<Key, WebhookSecretError> {
    if let Some(public) = text.strip_prefix(b"whpk_") {
        let key = STANDARD.decode(public).map_err(|_| WebhookSecretError::Malformed)?;
        return ParsedPublicKey::new(&ED25519, key).map(Key::Ed25519).map_err(|_| WebhookSecretError::Malformed);
    }
    let encoded = text.strip_prefix(b"whsec_").unwrap_or(text);
    let secret = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| WebhookSecretError::Malformed)?);
    symmetric(&secret)
}
