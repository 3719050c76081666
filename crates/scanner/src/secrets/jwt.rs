//! JSON Web Tokens (RFC 7519).

use std::ops::Range;

use bartizan_controls::Confidence;
use serde_json::{Map, Value};

use super::checksum::decoded;

/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 4096;
/// A token that lives no longer than this, in seconds, ended before anybody read the file.
const SHORT: u64 = 2 * 24 * 3600;

/// The token that begins at `at`, and how sure it is that it is of use to anybody.
pub(super) fn jwt(bytes: &[u8], at: usize) -> Option<(Range<usize>, Confidence)> {
    let rest = bytes.get(at..bytes.len().min(at + MAX_TOKEN))?;
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let length = rest.iter().take_while(|byte| is_part(byte)).count();
    let token = rest.get(..length)?;
    let mut parts = token.split(|byte| *byte == b'.');
    let (header, claims, signature) = (object(parts.next()?)?, object(parts.next()?)?, parts.next()?);
    let algorithm = header.get("alg")?.as_str()?;
    // Without a signature it opens nothing; a fourth part would be another format.
    if algorithm.eq_ignore_ascii_case("none") || signature.len() < 20 || parts.next().is_some() {
        return None;
    }
    Some((at..at + length, judge(&claims)))
}

fn object(part: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(&decoded(part)?).ok()
}

fn judge(claims: &Map<String, Value>) -> Confidence {
    let number = |name: &str| claims.get(name).and_then(Value::as_u64);
    let lifetime =
        number("exp").zip(number("iat").or_else(|| number("nbf"))).map(|(end, start)| end.saturating_sub(start));
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_example = text("sub") == "1234567890" || text("name") == "John Doe" || claims.is_empty();
    // Supabase's `anon` keys are made to be published.
    let is_public = text("role") == "anon";
    if is_example || is_public || lifetime.is_some_and(|seconds| seconds <= SHORT) {
        Confidence::Low
    } else {
        Confidence::Medium
    }
}
