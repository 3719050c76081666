//! Signatures of webhooks: the forms of Standard Webhooks (with Svix's names for its fields), Stripe, GitHub and Slack.
//!
//! A message is judged in two steps. [`Webhook::read`] looks at the fields alone, so that what is malformed or too old is refused
//! before a byte of the body is read; [`SignedHead::begin`] then takes the body piece by piece as it comes.

mod fields;
mod secret;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_lc_rs::signature::ParsedPublicKey;
use aws_lc_rs::{constant_time, digest, hmac};
use bartizan_policy::Timestamp;
use bartizan_vault::Secret;

use crate::{OneTime, OneTimeId};

pub use fields::Field;
pub use secret::WebhookSecretError;

/// Secrets of one sender: the new one and the old, and room for a slow rotation.
const MAX_SECRETS: usize = 4;
/// Signatures that one message may carry; senders send one for each secret.
const MAX_SIGNATURES: usize = 8;

/// How a sender signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WebhookForm {
    /// Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`; `v1` is HMAC-SHA-256, `v1a` Ed25519.
    Standard,
    /// `Stripe-Signature: t=…,v1=…`.
    Stripe,
    /// `X-Hub-Signature-256: sha256=…`, over the body alone.
    GitHub,
    /// `X-Slack-Request-Timestamp`, `X-Slack-Signature: v0=…`.
    Slack,
}

impl WebhookForm {
    /// The word of the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Stripe => "stripe",
            Self::GitHub => "github",
            Self::Slack => "slack",
        }
    }
}

/// A sender of webhooks, and the secrets that it signs with.
#[derive(Clone)]
pub struct Webhook {
    name: Box<str>,
    form: WebhookForm,
    keys: Vec<Key>,
    tolerance: Duration,
    remember: Duration,
}

/// What verifies one signature.
#[derive(Clone)]
enum Key {
    Hmac(Box<hmac::Key>),
    Ed25519(ParsedPublicKey),
}

/// Why a message was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// A field of the form is not there: perhaps not the sender at all. Names it.
    #[error("the field `{0}` is not there")]
    Missing(&'static str),
    /// A field is there twice, no text, or not as the form has it. Names it.
    #[error("the field `{0}` is malformed or repeated")]
    Malformed(&'static str),
    /// Signed longer ago than is tolerated.
    #[error("the message was signed too long ago")]
    TooOld,
    /// Signed later than now, by more than is tolerated.
    #[error("the message claims to be signed in the future")]
    InFuture,
    /// No secret made any of its signatures.
    #[error("the signature is wrong")]
    BadSignature,
}

impl WebhookError {
    /// A stable name for events and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "webhook-signature-missing",
            Self::Malformed(_) => "webhook-signature-malformed",
            Self::TooOld => "webhook-too-old",
            Self::InFuture => "webhook-in-future",
            Self::BadSignature => "webhook-bad-signature",
        }
    }
}

/// What the fields of one message say, true or not.
#[derive(Debug)]
pub struct SignedHead {
    /// What is signed before the body.
    prefix: Vec<u8>,
    signatures: Vec<Signature>,
    /// The sender's own name for the message, if it is signed.
    id: Option<Box<str>>,
    signed_at: Option<Timestamp>,
}

#[derive(Debug, PartialEq, Eq)]
enum Signature {
    Hmac([u8; 32]),
    Ed25519([u8; 64]),
}

/// A check under way.
pub struct WebhookCheck<'a> {
    webhook: &'a Webhook,
    head: SignedHead,
    macs: Vec<hmac::Context>,
    content: digest::Context,
}

impl Webhook {
    /// A sender with the secrets as it shows them. `tolerance` bounds how far its clock may differ; `remember` is how long a message
    /// of a form that signs no time is refused a second time.
    ///
    /// # Errors
    /// A [`WebhookSecretError`]: a secret that is none of this form, or too weak; no secret, or more than four.
    pub fn new(
        name: &str,
        form: WebhookForm,
        secrets: &[Secret<Vec<u8>>],
        tolerance: Duration,
        remember: Duration,
    ) -> Result<Self, WebhookSecretError> {
        if secrets.is_empty() || secrets.len() > MAX_SECRETS {
            return Err(WebhookSecretError::Count);
        }
        let keys = secrets.iter().map(|secret| secret::key(form, secret)).collect::<Result<_, _>>()?;
        Ok(Self { name: name.into(), form, keys, tolerance, remember })
    }

    /// The name that the configuration gives it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it signs.
    pub const fn form(&self) -> WebhookForm {
        self.form
    }

    /// How far its clock may differ.
    pub const fn tolerance(&self) -> Duration {
        self.tolerance
    }

    /// Whether whoever can verify its messages can also make them: all forms but Ed25519.
    pub fn is_shared_secret(&self) -> bool {
        self.keys.iter().any(|key| matches!(key, Key::Hmac(_)))
    }

    /// Reads the fields of a message, and judges its age as of `now`.
    ///
    /// # Errors
    /// A [`WebhookError`], naming the field.
    pub fn read<'f>(&self, field: &dyn Fn(&str) -> Field<'f>, now: Timestamp) -> Result<SignedHead, WebhookError> {
        let head = fields::read(self.form, field)?;
        if let Some(signed_at) = head.signed_at {
            if now > signed_at.after(self.tolerance) {
                return Err(WebhookError::TooOld);
            }
            if signed_at > now.after(self.tolerance) {
                return Err(WebhookError::InFuture);
            }
        }
        Ok(head)
    }
}

impl SignedHead {
    /// Begins to check the body.
    pub fn begin(self, webhook: &Webhook) -> WebhookCheck<'_> {
        let macs = webhook.keys.iter().filter_map(|key| match key {
            Key::Hmac(key) => Some(hmac::Context::with_key(key)),
            Key::Ed25519(_) => None,
        });
        let mut check =
            WebhookCheck { webhook, macs: macs.collect(), content: digest::Context::new(&digest::SHA256), head: self };
        let prefix = std::mem::take(&mut check.head.prefix);
        check.update(&prefix);
        check.head.prefix = prefix;
        check
    }
}

impl WebhookCheck<'_> {
    /// Takes the next piece of the body.
    pub fn update(&mut self, piece: &[u8]) {
        self.macs.iter_mut().for_each(|mac| mac.update(piece));
        self.content.update(piece);
    }

    /// Judges the message, whose whole `body` was given to [`WebhookCheck::update`] before. What is returned counts once, as of `now`.
    ///
    /// # Errors
    /// [`WebhookError::BadSignature`].
    pub fn finish(self, body: &[u8], now: Timestamp) -> Result<OneTime, WebhookError> {
        let Self { webhook, head, macs, content } = self;
        let tags: Vec<hmac::Tag> = macs.into_iter().map(hmac::Context::sign).collect();
        let holds = head.signatures.iter().any(|signature| match signature {
            Signature::Hmac(sent) => {
                tags.iter().any(|tag| constant_time::verify_slices_are_equal(tag.as_ref(), sent).is_ok())
            }
            Signature::Ed25519(sent) => webhook.is_signed_by_key(&[&head.prefix, body].concat(), sent),
        });
        if !holds {
            return Err(WebhookError::BadSignature);
        }
        // The name that the sender signed; else what was signed, whichever secret it was signed with: a message with two signatures
        // could be shown a second time with one of them left out.
        let what = match &head.id {
            Some(id) => OneTimeId::of(&[b"webhook-id", webhook.name.as_bytes(), id.as_bytes()]),
            None => OneTimeId::of(&[b"webhook", webhook.name.as_bytes(), content.finish().as_ref()]),
        };
        let last = head.signed_at.map_or_else(|| now.after(webhook.remember), |at| at.after(webhook.tolerance));
        Ok(OneTime { id: what, until: last.after(Duration::from_secs(1)) })
    }
}

impl Webhook {
    fn is_signed_by_key(&self, message: &[u8], signature: &[u8]) -> bool {
        self.keys.iter().any(|key| match key {
            Key::Ed25519(key) => key.verify_sig(message, signature).is_ok(),
            Key::Hmac(_) => false,
        })
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Webhook").field("name", &self.name).field("form", &self.form).finish_non_exhaustive()
    }
}
