//! What a credential says about itself: checksums and structures that an invented one would not have.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// How a credential is held against itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Check {
    /// Nothing in it can be checked.
    None,
    /// GitHub and npm: the last six characters are the CRC-32 of those between them and the four of the prefix, in base 62.
    Crc32Base62,
    /// Grafana: the last eight are the CRC-32 of everything before the underscore, its bytes in little-endian order, in hexadecimal.
    Crc32Hex,
    /// AWS: the account's number is in the key's.
    AwsKeyId,
    /// The Base64 of a user's name, a colon and a password (RFC 7617).
    Basic,
    /// Discord: the Base64 of the bot's number.
    Discord,
    /// The Base64 of a JSON object.
    Json,
}

/// What a check says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is nothing to check.
    Unknown,
    /// It is of one piece: somebody's program made it. With what it tells.
    Holds(Vec<(&'static str, String)>),
    /// It is not what it looks like.
    Fails,
}

impl Check {
    /// Checks a credential; `random` is the part of it that the pattern marks as random.
    pub(super) fn of(self, credential: &[u8], random: &[u8]) -> Verdict {
        let holds =
            |holds: bool| if holds { Verdict::Holds(vec![("checksum", "valid".to_owned())]) } else { Verdict::Fails };
        match self {
            Self::None => Verdict::Unknown,
            Self::Crc32Base62 => holds(crc32_base62(credential) == Some(true)),
            Self::Crc32Hex => holds(crc32_hex(credential) == Some(true)),
            Self::AwsKeyId => {
                aws_account(credential).map_or(Verdict::Fails, |account| Verdict::Holds(vec![("account", account)]))
            }
            Self::Basic => match decoded(random) {
                Some(text) if is_userinfo(&text) => Verdict::Unknown,
                _ => Verdict::Fails,
            },
            Self::Discord => match random.split(|byte| *byte == b'.').next().and_then(decoded) {
                Some(number) if number.len() >= 17 && number.iter().all(u8::is_ascii_digit) => {
                    Verdict::Holds(Vec::new())
                }
                _ => Verdict::Fails,
            },
            Self::Json => match decoded(random) {
                Some(text) if text.first() == Some(&b'{') => Verdict::Holds(Vec::new()),
                _ => Verdict::Fails,
            },
        }
    }
}

fn crc32_base62(credential: &[u8]) -> Option<bool> {
    let (body, sum) = credential.get(4..)?.split_last_chunk::<6>()?;
    Some(base62(crc32fast::hash(body)) == *sum)
}

/// Six digits in base 62, as GitHub orders them: `0`–`9`, `A`–`Z`, `a`–`z`.
pub(super) fn base62(mut number: u32) -> [u8; 6] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = [b'0'; 6];
    for place in text.iter_mut().rev() {
        *place = DIGITS.get((number % 62) as usize).copied().unwrap_or(b'0');
        number /= 62;
    }
    text
}

fn crc32_hex(credential: &[u8]) -> Option<bool> {
    let (before, sum) = credential.split_last_chunk::<8>()?;
    let body = before.strip_suffix(b"_")?;
    Some(sum.eq_ignore_ascii_case(&grafana_sum(body)))
}

pub(super) fn grafana_sum(body: &[u8]) -> [u8; 8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'0'; 8];
    let bytes = crc32fast::hash(body).to_le_bytes();
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        for (place, digit) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *place = DIGITS.get(usize::from(digit)).copied().unwrap_or(b'0');
        }
    }
    text
}

/// The account's number out of an access key id: forty bits of its Base32, from the second on.
fn aws_account(credential: &[u8]) -> Option<String> {
    let body = credential.get(4..20)?;
    if body.ends_with(b"EXAMPLE") {
        return None;
    }
    let mut bits: u128 = 0;
    for byte in body {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u128::from(digit);
    }
    let account = (bits >> 39) & 0xff_ffff_ffff;
    (account < 1_000_000_000_000).then(|| format!("{account:012}"))
}

/// Base64 in either alphabet, with or without padding.
pub(super) fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |at| at + 1);
    let text = text.get(..end)?;
    BASE64_STANDARD_NO_PAD.decode(text).or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(text)).ok()
}

fn is_userinfo(text: &[u8]) -> bool {
    let colon = text.iter().position(|byte| *byte == b':');
    let printable = text.iter().all(|byte| (0x20..0x7f).contains(byte));
    let example = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    let is_example = [&b"user:pass"[..], b"username:password", b"admin:admin", b"foo:bar", b"test:test", b"Aladdin:"];
    printable && colon.is_some_and(|at| at > 0 && text.len() - at > 6) && !is_example.into_iter().any(example)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_read_out_of_an_access_key_id() {
        // Published as an example of the scheme: the key is long revoked, the account a honeypot's.
        let key = ["ASIA", "QNZGKIQY56JQ7WML"].concat();
        assert_eq!(aws_account(key.as_bytes()).as_deref(), Some("029608264753"));
    }

    #[test]
    fn an_example_key_of_the_manual_has_no_account() {
        assert_eq!(aws_account(["AKIA", "IOSFODNN7EXAMPLE"].concat().as_bytes()), None);
    }
}
