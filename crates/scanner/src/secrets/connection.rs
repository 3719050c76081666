//! `scheme://user:password@host`: passwords in URLs.

use std::ops::Range;

use bartizan_controls::Confidence;

use super::judge::{is_placeholder, is_random, is_reference};

/// The longest part between `://` and `@`, in bytes.
const MAX_USERINFO: usize = 256;
const MAX_SCHEME: usize = 24;

/// A URL with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    /// From the scheme to the end of the host.
    pub(super) url: Range<usize>,
    pub(super) password: Range<usize>,
    pub(super) confidence: Confidence,
}

/// The URL whose `://` stands at `at`, if it has a password that may be a true one.
pub(super) fn connection(bytes: &[u8], at: usize) -> Option<Connection> {
    let authority = at + 3;
    let rest = bytes.get(authority..bytes.len().min(authority + MAX_USERINFO))?;
    let end =
        rest.iter().position(|byte| byte.is_ascii_whitespace() || b"\"'`<>\\^|,".contains(byte)).unwrap_or(rest.len());
    let rest = rest.get(..end)?;
    let slash = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let sign = rest.get(..slash)?.iter().rposition(|byte| *byte == b'@')?;
    let colon = rest.get(..sign)?.iter().position(|byte| *byte == b':')?;
    let (user, password, host) = (rest.get(..colon)?, rest.get(colon + 1..sign)?, rest.get(sign + 1..slash)?);
    let start = at - scheme(bytes, at)?;
    let confidence = judge(user, password, host)?;
    let password = authority + colon + 1..authority + sign;
    Some(Connection { url: start..authority + slash, password, confidence })
}

/// The scheme's length.
fn scheme(bytes: &[u8], at: usize) -> Option<usize> {
    let before = bytes.get(at.saturating_sub(MAX_SCHEME)..at)?;
    let is_scheme = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+.-".contains(byte);
    let length = before.iter().rev().take_while(is_scheme).count();
    (length >= 2).then_some(length)
}

fn judge(user: &[u8], password: &[u8], host: &[u8]) -> Option<Confidence> {
    let plausible = password.len() >= 4 && password.iter().all(|byte| (0x21..0x7f).contains(byte));
    if !plausible || host.is_empty() || is_reference(password) || is_reference(user) || is_placeholder(password) {
        return None;
    }
    let lower = password.to_ascii_lowercase();
    let is_obvious = password == user || OBVIOUS.contains(&lower.as_slice()) || lower.starts_with(b"pass");
    if is_obvious || is_example_host(host) {
        return Some(Confidence::Low);
    }
    let varied = password.iter().any(u8::is_ascii_digit) && password.iter().any(u8::is_ascii_alphabetic);
    Some(if is_random(password) || (password.len() >= 8 && varied) { Confidence::Medium } else { Confidence::Low })
}

/// Passwords that everybody writes where any would do.
const OBVIOUS: [&[u8]; 24] = [
    b"password",
    b"passwd",
    b"pass",
    b"secret",
    b"postgres",
    b"postgresql",
    b"mysql",
    b"mongo",
    b"redis",
    b"root",
    b"admin",
    b"guest",
    b"user",
    b"test",
    b"token",
    b"pwd",
    b"bar",
    b"foo",
    b"pw",
    b"hunter2",
    b"letmein",
    b"1234",
    b"rabbitmq",
    b"database",
];

/// Hosts that are on the same machine, in the same composition, or nowhere.
fn is_example_host(host: &[u8]) -> bool {
    let name = host.split(|byte| *byte == b':').next().unwrap_or(host).to_ascii_lowercase();
    let ends = |ending: &[u8]| name.ends_with(ending);
    !name.contains(&b'.')
        || name.starts_with(b"127.")
        || name.starts_with(b"10.")
        || name.starts_with(b"192.168.")
        || [
            &b"0.0.0.0"[..],
            b"example.com",
            b"example.org",
            b"example.net",
            b".example",
            b".test",
            b".local",
            b".invalid",
            b".localhost",
        ]
        .into_iter()
        .any(ends)
        || memchr::memmem::find(&name, b"example").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(url: &str) -> Option<Confidence> {
        connection(url.as_bytes(), url.find("://")?).map(|found| found.confidence)
    }

    #[test]
    fn a_password_for_a_host_of_the_world_is_found() {
        let url = ["postgres://app:", "vX9kQ27mzR4t@db.acme.io:5432/app"].concat();
        let found = connection(url.as_bytes(), 8).unwrap();
        assert_eq!((url.get(found.password), found.confidence), (Some("vX9kQ27mzR4t"), Confidence::Medium));
        assert_eq!(url.get(found.url), url.strip_suffix("/app"));
    }

    #[test]
    fn what_everybody_writes_is_unsure() {
        assert_eq!(judged(&["postgres://postgres:", "postgres@db.acme.io/app"].concat()), Some(Confidence::Low));
        assert_eq!(judged(&["redis://:", "vX9kQ27mzR4t@localhost:6379"].concat()), Some(Confidence::Low));
    }

    #[test]
    fn references_and_urls_without_a_password_are_none() {
        for url in [
            "https://user@host.io/",
            "https://host.io/a:b@c",
            "https://u:${PASS}@host.io",
            "http://[::1]:80/",
            "https://u:%s@h.io",
        ] {
            assert_eq!(judged(url), None, "{url}");
        }
    }
}
