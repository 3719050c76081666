//! Keeps secrets out of evidence: every text from outside passes here before it is written or shown.

mod card;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// What is masked, and where it stands in the text.
struct Found {
    from: usize,
    to: usize,
    label: &'static str,
}

/// A shorter run that begins as a JWT does holds no signature, and no whole header either.
const SHORTEST_JWT: usize = 20;

/// The text with every secret of a known form replaced by what it was: `[token]` (JWTs, and what follows `Bearer`, `Basic`
/// or `DPoP`), `[api key]` (`btz_…`), `[card]` (13 to 19 digits with a valid check digit, separated or not) and
/// `[private key]` (PEM, up to its end or the end of the text).
///
/// A number is what stands between other characters, so that a card number within a longer number is not seen; but
/// numbers of more than 19 digits are masked whatever they are.
pub fn mask(text: &str) -> Cow<'_, str> {
    if !is_suspicious(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::new();
    let mut kept = 0;
    let mut at = 0;
    while at < text.len() {
        let Some(found) = secret_at(text.as_bytes(), at) else {
            at += 1;
            continue;
        };
        masked.push_str(text.get(kept..found.from).unwrap_or_default());
        masked.push_str(found.label);
        kept = found.to;
        at = found.to;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(text.get(kept..).unwrap_or_default());
    Cow::Owned(masked)
}

/// Clears nearly every text cheaply: no secret is without a long number or one of the signs below.
fn is_suspicious(text: &[u8]) -> bool {
    has_long_number(text) || (has_pair(text) && (0..text.len()).any(|at| text.get(at..).is_some_and(has_sign)))
}

/// As many digits as a card number has, with nothing between them that certainly ends a number.
fn has_long_number(text: &[u8]) -> bool {
    // Nearly no text has that many digits at all; counting them without an early end takes 16 bytes at a time.
    if text.iter().fold(0_u32, |digits, byte| digits + u32::from(byte.is_ascii_digit())) < card::SHORTEST {
        return false;
    }
    // Without percent-encoding no letter stands between the digits of one number.
    let first_letter = if text.contains(&b'%') { b'g' } else { b'a' };
    let letters = b'z' - first_letter;
    let mut digits = 0_u32;
    let mut most = 0;
    for byte in text {
        let ends =
            (byte | 0x20).wrapping_sub(first_letter) <= letters || matches!(byte, b'/' | b':' | b';' | b'(' | b'=');
        digits = if ends { 0 } else { digits + u32::from(byte.is_ascii_digit()) };
        most = most.max(digits);
    }
    most >= card::SHORTEST
}

/// Two neighbours of each sign, the rarest: most texts have none of them. Nothing ends the pass early, and nothing in it
/// branches, so that it takes 16 bytes at a time.
#[expect(clippy::needless_bitwise_bool, reason = "without branches the pass takes 16 bytes at a time")]
fn has_pair(text: &[u8]) -> bool {
    let next = text.get(1..).unwrap_or_default();
    text.iter().zip(next).fold(false, |found, (&one, &two)| {
        let (low_one, low_two) = (one | 0x20, two | 0x20);
        found
            | (one == b'-') & (two == b'-')
            | (one == b'y') & (two == b'J')
            | (one == b'z') & (two == b'_')
            | (low_one == b'e') & (low_two == b'a')
            | (low_one == b'a') & (low_two == b's')
            | (low_one == b'p') & (low_two == b'o')
    })
}

/// The beginnings of what [`secret_at`] looks at in full.
fn has_sign(rest: &[u8]) -> bool {
    matches!(
        rest,
        [b'-', b'-', b'-', b'-', b'-', ..]
            | [b'e', b'y', b'J', ..]
            | [b'b', b't', b'z', b'_', ..]
            | [b'b' | b'B', b'e' | b'E', b'a' | b'A', b'r' | b'R', ..]
            | [b'b' | b'B', b'a' | b'A', b's' | b'S', b'i' | b'I', ..]
            | [b'd' | b'D', b'p' | b'P', b'o' | b'O', b'p' | b'P', ..]
    )
}

fn secret_at(text: &[u8], at: usize) -> Option<Found> {
    let rest = text.get(at..)?;
    let found = |length: usize, label| Some(Found { from: at, to: at + length, label });
    match rest.first()? {
        b'0'..=b'9' if !is_digit(at.checked_sub(1).and_then(|before| text.get(before))) => {
            found(card::length(rest)?, "[card]")
        }
        b'-' if rest.starts_with(b"-----BEGIN") => found(pem_length(rest), "[private key]"),
        b'e' if rest.starts_with(b"eyJ") => {
            let length = run(rest, is_token_byte);
            if length >= SHORTEST_JWT { found(length, "[token]") } else { None }
        }
        b'b' if rest.starts_with(b"btz_") => found(run(rest, is_token_byte), "[api key]"),
        b'b' | b'B' | b'd' | b'D' => {
            let skipped = scheme(rest)?;
            let credentials = rest.get(skipped..)?;
            let length = run(credentials, is_token_byte);
            let token = credentials.get(..length).is_some_and(looks_random);
            if token { Some(Found { from: at + skipped, to: at + skipped + length, label: "[token]" }) } else { None }
        }
        _ => None,
    }
}

fn is_digit(byte: Option<&u8>) -> bool {
    byte.is_some_and(u8::is_ascii_digit)
}

/// Where the credentials begin after an authentication scheme (RFC 9110 §11.4), in whatever way the space is written.
fn scheme(rest: &[u8]) -> Option<usize> {
    let name = [b"bearer".as_slice(), b"basic", b"dpop"]
        .into_iter()
        .find(|name| rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))?;
    let mut skipped = name.len();
    while let Some(after) = rest.get(skipped..) {
        skipped += match after {
            [b' ' | b'\t' | b'+' | b':' | b'=' | b'"' | b'\'', ..] => 1,
            [b'%', b'2' | b'3', _, ..] => 3,
            _ => break,
        };
    }
    (skipped > name.len()).then_some(skipped)
}

/// The characters of RFC 6750's `b64token`, of JOSE's compact form and of API keys, and `%` of those that were encoded.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'+' | b'/' | b'=' | b'%')
}

/// Tells credentials from the words that follow "bearer" in a sentence.
fn looks_random(token: &[u8]) -> bool {
    let mixed = token.iter().any(u8::is_ascii_digit) || token.iter().skip(1).any(u8::is_ascii_uppercase);
    token.len() >= 20 || (token.len() >= 8 && mixed)
}

fn run(text: &[u8], is_part: fn(u8) -> bool) -> usize {
    text.iter().position(|byte| !is_part(*byte)).unwrap_or(text.len())
}

fn pem_length(rest: &[u8]) -> usize {
    let Some(end) = find(rest, b"-----END") else { return rest.len() };
    let label = end + b"-----END".len();
    let closing = rest.get(label..).and_then(|rest| find(rest, b"-----"));
    closing.map_or(rest.len(), |closing| label + closing + b"-----".len())
}

fn find(text: &[u8], pattern: &[u8]) -> Option<usize> {
    text.windows(pattern.len()).position(|window| window == pattern)
}
