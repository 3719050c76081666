//! Private keys in PEM (RFC 7468) and in OpenSSH's form.

use std::ops::Range;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The longest key that is looked at, in bytes: RSA of 16,384 bits takes about 13,000.
const MAX_KEY: usize = 16 << 10;

/// A private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PrivateKey {
    /// Its first line.
    pub(super) header: Range<usize>,
    /// What is secret.
    pub(super) body: Range<usize>,
    pub(super) encryption: Encryption,
}

/// Whether the key itself is behind a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    Plain,
    Encrypted,
}

/// The key whose `-----BEGIN` stands at `at`. Its content has to be one: manuals and parsers are full of first lines.
pub(super) fn private_key(bytes: &[u8], at: usize) -> Option<PrivateKey> {
    let rest = bytes.get(at..bytes.len().min(at + MAX_KEY))?;
    let line = rest.get(..rest.len().min(80))?;
    let label_end = memchr::memmem::find(line, b"PRIVATE KEY-----")
        .map(|found| found + 16)
        .or_else(|| memchr::memmem::find(line, b"PRIVATE KEY BLOCK-----").map(|found| found + 22))?;
    let label = line.get(..label_end)?;
    if label.get(10..label_end - 5)?.contains(&b'-') {
        return None;
    }
    let body_length = memchr::memmem::find(rest.get(label_end..)?, b"-----END")?;
    let body = label_end..label_end + body_length;
    let text = rest.get(body.clone())?;
    let content = content(text)?;
    let has = |part: &[u8]| memchr::memmem::find(text, part).is_some();
    let is_encrypted =
        memchr::memmem::find(label, b"ENCRYPTED").is_some() || has(b"ENCRYPTED") || is_sealed_openssh(&content);
    let is_pgp = memchr::memmem::find(label, b"PGP").is_some();
    // DER begins with a sequence; OpenSSH's form with its name.
    if !(content.first() == Some(&0x30) || content.starts_with(b"openssh-key-v1") || is_pgp || is_encrypted) {
        return None;
    }
    let encryption = if is_encrypted { Encryption::Encrypted } else { Encryption::Plain };
    Some(PrivateKey { header: at..at + label_end, body: at + body.start..at + body.end, encryption })
}

/// What the Base64 between the lines says. In source code it stands with escaped line breaks, quotes and plus signs between.
fn content(text: &[u8]) -> Option<Vec<u8>> {
    let mut digits = Vec::new();
    for line in String::from_utf8_lossy(text).replace("\\r", "\n").replace("\\n", "\n").lines() {
        // Headers of the old form and of PGP (`Proc-Type: …`), and its checksum.
        let line = line
            .trim_matches(|it: char| it.is_whitespace() || "\"'`,;+\\.#*/()".contains(it) && it != '/' && it != '+');
        if line.contains(':') || (line.starts_with('=') && line.len() == 5) {
            continue;
        }
        digits.extend(line.bytes().filter(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte)));
    }
    digits.truncate(digits.len() / 4 * 4);
    let decoded = BASE64_STANDARD.decode(&digits).ok()?;
    (decoded.len() >= 32).then_some(decoded)
}

/// OpenSSH names its cipher; `none` is none.
fn is_sealed_openssh(content: &[u8]) -> bool {
    content.strip_prefix(b"openssh-key-v1\0").and_then(|rest| rest.get(4..8)).is_some_and(|cipher| cipher != b"none")
}
