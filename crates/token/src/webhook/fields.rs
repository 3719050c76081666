use bartizan_policy::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{MAX_SIGNATURES, Signature, SignedHead, WebhookError, WebhookForm};

/// The longest id that is looked at; those of the form's libraries stay under 64 bytes.
const MAX_ID_BYTES: usize = 256;

/// A field of a request, as far as it is fit to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// Not there.
    Absent,
    /// There once, as text.
    Text(&'a str),
    /// There twice, or no text: two readers could read two messages.
    Unfit,
}

/// The field, which has to be there, under the name that errors use.
fn required<'f>(field: Field<'f>, name: &'static str) -> Result<&'f str, WebhookError> {
    match field {
        Field::Text(text) => Ok(text),
        Field::Absent => Err(WebhookError::Missing(name)),
        Field::Unfit => Err(WebhookError::Malformed(name)),
    }
}

/// Reads the fields of `form`.
pub(super) fn read<'f>(form: WebhookForm, field: &dyn Fn(&str) -> Field<'f>) -> Result<SignedHead, WebhookError> {
    match form {
        WebhookForm::Standard => standard(field),
        WebhookForm::Stripe => stripe(required(field("stripe-signature"), "stripe-signature")?),
        WebhookForm::GitHub => github(required(field("x-hub-signature-256"), "x-hub-signature-256")?),
        WebhookForm::Slack => slack(
            required(field("x-slack-request-timestamp"), "x-slack-request-timestamp")?,
            required(field("x-slack-signature"), "x-slack-signature")?,
        ),
    }
}

/// `{id}.{timestamp}.{body}`; signatures are separated by spaces, each with its version.
fn standard<'f>(field: &dyn Fn(&str) -> Field<'f>) -> Result<SignedHead, WebhookError> {
    const NAMES: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    // Svix, where the form comes from, names the same fields `svix-…`. All are of one set: two sets are two messages.
    let is_svix = NAMES.iter().all(|name| field(name) == Field::Absent);
    let [id, timestamp, signatures] =
        if is_svix { [field("svix-id"), field("svix-timestamp"), field("svix-signature")] } else { NAMES.map(field) };
    let id = required(id, "webhook-id")?;
    let timestamp = required(timestamp, "webhook-timestamp")?;
    let sent = required(signatures, "webhook-signature")?;
    // A dot in the id would let a part of it pass for the time, or the time for a part of the body.
    if id.is_empty() || id.len() > MAX_ID_BYTES || id.contains('.') {
        return Err(WebhookError::Malformed("webhook-id"));
    }
    let signatures = sent.split(' ').filter_map(|signature| {
        let (version, signature) = signature.split_once(',')?;
        let bytes = STANDARD.decode(signature).ok()?;
        match version {
            "v1" => bytes.try_into().ok().map(Signature::Hmac),
            "v1a" => bytes.try_into().ok().map(Signature::Ed25519),
            _ => None,
        }
    });
    Ok(SignedHead {
        prefix: format!("{id}.{timestamp}.").into_bytes(),
        signatures: some(signatures, "webhook-signature")?,
        id: Some(id.into()),
        signed_at: Some(seconds(timestamp, "webhook-timestamp")?),
    })
}

/// `{t}.{body}`, in one field of `name=value`; names that are not known are left alone, as the sender asks.
fn stripe(text: &str) -> Result<SignedHead, WebhookError> {
    const NAME: &str = "stripe-signature";
    let parts = || text.split(',').filter_map(|part| part.trim().split_once('='));
    let mut times = parts().filter(|(name, _)| *name == "t").map(|(_, value)| value);
    let (Some(time), None) = (times.next(), times.next()) else { return Err(WebhookError::Malformed(NAME)) };
    let signatures = parts().filter(|(name, _)| *name == "v1").filter_map(|(_, value)| hexadecimal(value));
    Ok(SignedHead {
        prefix: format!("{time}.").into_bytes(),
        signatures: some(signatures.map(Signature::Hmac), NAME)?,
        id: None,
        signed_at: Some(seconds(time, NAME)?),
    })
}

/// The body alone: neither the time nor the delivery's id is signed, so that neither is believed.
fn github(text: &str) -> Result<SignedHead, WebhookError> {
    const NAME: &str = "x-hub-signature-256";
    let signature = text.strip_prefix("sha256=").and_then(hexadecimal);
    let signatures = some(signature.map(Signature::Hmac).into_iter(), NAME)?;
    Ok(SignedHead { prefix: Vec::new(), signatures, id: None, signed_at: None })
}

/// `v0:{timestamp}:{body}`.
fn slack(timestamp: &str, text: &str) -> Result<SignedHead, WebhookError> {
    const NAME: &str = "x-slack-signature";
    let signature = text.strip_prefix("v0=").and_then(hexadecimal);
    Ok(SignedHead {
        prefix: format!("v0:{timestamp}:").into_bytes(),
        signatures: some(signature.map(Signature::Hmac).into_iter(), NAME)?,
        id: None,
        signed_at: Some(seconds(timestamp, "x-slack-request-timestamp")?),
    })
}

/// The signatures, at least one; more than any sender sends are a flood.
fn some(signatures: impl Iterator<Item = Signature>, name: &'static str) -> Result<Vec<Signature>, WebhookError> {
    let signatures: Vec<_> = signatures.take(MAX_SIGNATURES + 1).collect();
    if signatures.is_empty() || signatures.len() > MAX_SIGNATURES {
        return Err(WebhookError::Malformed(name));
    }
    Ok(signatures)
}

/// Whole seconds, digits only: `+1` and ` 1` would be second spellings of one time.
fn seconds(text: &str, name: &'static str) -> Result<Timestamp, WebhookError> {
    let is_plain = !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse().ok().filter(|_| is_plain);
    seconds.map(Timestamp::from_unix).ok_or(WebhookError::Malformed(name))
}

fn hexadecimal(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let mut digits = pair.iter().map(|digit| char::from(*digit).to_digit(16));
        let (high, low) = (digits.next()??, digits.next()??);
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(bytes)
}
