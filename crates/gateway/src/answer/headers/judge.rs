//! Which of an upstream's own values protect, and what kind of answer it sent.

use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

/// Whether a value of one header protects.
pub(super) type Protects = fn(&str) -> bool;

/// The least `max-age` that an upstream may choose: what hstspreload.org asks for.
const ONE_YEAR: u64 = 365 * 24 * 60 * 60;

/// What a browser would do with the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing but hand it to a script. An answer without a type is data too: `nosniff` keeps it from becoming a page.
    #[default]
    Data,
    /// Show it by its own means, which a policy for data would block.
    Media,
    /// Run it.
    Page,
}

impl Kind {
    pub(super) fn of(content_type: &[u8]) -> Self {
        let essence = content_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        let starts = |prefix: &[u8]| essence.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
        if essence.eq_ignore_ascii_case(b"text/html") || essence.eq_ignore_ascii_case(b"application/xhtml+xml") {
            Self::Page
        } else if starts(b"image/")
            || starts(b"video/")
            || starts(b"audio/")
            || essence.eq_ignore_ascii_case(b"application/pdf")
        {
            Self::Media
        } else {
            Self::Data
        }
    }
}

/// Every `Content-Security-Policy` line has a directive; an empty one would be no policy.
pub(super) fn all_policies(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_SECURITY_POLICY).iter();
    values.all(|value| value.to_str().is_ok_and(|text| text.contains(|c: char| c.is_ascii_alphabetic())))
}

/// At least one year. `max-age=0`, which withdraws the protection, is the operator's to say.
pub(super) fn transport_security(value: &str) -> bool {
    let mut directives = value.split(';').map(str::trim);
    let max_age = directives.find_map(|directive| {
        let (name, seconds) = directive.split_once('=')?;
        name.trim().eq_ignore_ascii_case("max-age").then(|| seconds.trim().trim_matches('"').parse::<u64>().ok())?
    });
    max_age.is_some_and(|seconds| seconds >= ONE_YEAR)
}

pub(super) fn frame_options(value: &str) -> bool {
    is_one_of(value, &["deny", "sameorigin"])
}

pub(super) fn nosniff(value: &str) -> bool {
    is_one_of(value, &["nosniff"])
}

/// Browsers take the last policy of the list that they know.
pub(super) fn referrer_policy(value: &str) -> bool {
    const KNOWN: [&str; 8] = [
        "no-referrer",
        "same-origin",
        "strict-origin",
        "strict-origin-when-cross-origin",
        "origin",
        "origin-when-cross-origin",
        "no-referrer-when-downgrade",
        "unsafe-url",
    ];
    let (protecting, _) = KNOWN.split_at(4);
    let last = value.rsplit(',').find(|policy| is_one_of(policy, &KNOWN));
    last.is_some_and(|policy| is_one_of(policy, protecting))
}

/// A policy of the upstream's own, as long as it is one.
pub(super) fn permissions_policy(value: &str) -> bool {
    value.contains('=')
}

pub(super) fn opener_policy(value: &str) -> bool {
    is_one_of(essence(value), &["same-origin", "same-origin-allow-popups", "noopener-allow-popups"])
}

pub(super) fn embedder_policy(value: &str) -> bool {
    is_one_of(essence(value), &["require-corp", "credentialless"])
}

pub(super) fn resource_policy(value: &str) -> bool {
    is_one_of(value, &["same-origin", "same-site"])
}

pub(super) fn cross_domain_policies(value: &str) -> bool {
    is_one_of(value, &["none", "none-this-response"])
}

pub(super) fn agent_cluster(value: &str) -> bool {
    is_one_of(value, &["?1"])
}

/// For headers in which only our value is safe.
pub(super) fn never(_: &str) -> bool {
    false
}

/// Fields that frame the message or belong to the connection (RFC 9110 §7.6.1).
pub(super) fn is_framing(name: &HeaderName) -> bool {
    [CONNECTION, CONTENT_LENGTH, TE, TRAILER, TRANSFER_ENCODING, UPGRADE].contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

fn essence(value: &str) -> &str {
    value.split(';').next().unwrap_or_default()
}

fn is_one_of(value: &str, accepted: &[&str]) -> bool {
    accepted.iter().any(|accepted| value.trim().eq_ignore_ascii_case(accepted))
}
