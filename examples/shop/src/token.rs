//! The shop's own tokens: HS256 with `id` and `role`, no issuer and no audience, as many back ends make them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const LIFETIME: Duration = Duration::from_hours(12);

pub(crate) fn sign(secret: &str, id: i64, username: &str, role: &str, now: SystemTime) -> String {
    let issued = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let claims = json!({
        "id": id,
        "username": username,
        "role": role,
        "iat": issued.as_secs(),
        "exp": (issued + LIFETIME).as_secs(),
    });
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", encode(tag))
}

/// VULNERABLE (API2:2023, CWE-347): reads the claims and never looks at the signature, the algorithm or the expiry, as code
/// does that calls a library's `decode` where it meant `verify`.
pub(crate) fn decode(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice(&bytes).ok()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
