//! `Set-Cookie` of upstreams, hardened (RFC 6265bis §5.6, as browsers read it).
//!
//! Attributes are only appended: where one is there twice, browsers take the last, so nothing of what the upstream wrote has
//! to be rewritten, and name and value stay as they are, byte for byte.
//!
//! | the cookie | becomes |
//! |---|---|
//! | over TLS, without `Secure` | `; Secure` |
//! | without `HttpOnly`, and not a name that scripts may read | `; HttpOnly` |
//! | without `SameSite`, or with a value that browsers do not know or two that differ | `; SameSite=Lax` |
//! | over plain HTTP, `SameSite=None` | `; SameSite=Lax`: browsers refuse `None` without `Secure` |
//! | breaks its own `__Host-` or `__Secure-` promise | dropped: a browser that does not know prefixes would take it |
//! | the gate's own name, in any letter case, or hidden in a cookie without a name | dropped: an upstream must not sign anybody in |
//! | has control characters, neither name nor value, or more than 4096 bytes | dropped, as browsers do |

use http::header::{Entry, HeaderMap, HeaderValue, SET_COOKIE};

use super::Transport;

#[cfg(test)]
mod tests;

/// What the names of the gate's own cookies begin with.
const GATE_COOKIE: &[u8] = b"__Host-bartizan";
/// Longest name and value together that browsers take (RFC 6265bis §5.7).
const MAX_PAIR_BYTES: usize = 4096;

/// Whether an upstream may set the gate's own session cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GateCookie {
    /// A backend: never.
    #[default]
    Refused,
    /// The gate's own identity endpoints, which pass the same pipeline.
    Allowed,
}

/// The cookie settings of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieRules {
    /// Names that scripts may read, so that `HttpOnly` is not added. Risk: what an injected script can read, it can send away.
    pub readable: Vec<String>,
    /// Who the upstream is.
    pub gate_cookie: GateCookie,
}

impl Default for CookieRules {
    /// `XSRF-TOKEN` only: Angular's and axios's double-submit token, worth nothing without the session's cookie.
    fn default() -> Self {
        Self { readable: vec!["XSRF-TOKEN".to_owned()], gate_cookie: GateCookie::Refused }
    }
}

/// What was done to an answer's cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Hardened {
    /// Cookies that got an attribute.
    pub(crate) changed: usize,
    /// Cookies that were not passed on.
    pub(crate) dropped: usize,
}

impl CookieRules {
    /// Hardens every `Set-Cookie` of an answer, in their order.
    pub(crate) fn harden(&self, headers: &mut HeaderMap, transport: Transport) -> Hardened {
        let mut outcome = Hardened::default();
        let Entry::Occupied(entry) = headers.entry(SET_COOKIE) else { return outcome };
        let cookies: Vec<HeaderValue> = entry.remove_entry_mult().1.collect();
        for cookie in cookies {
            match self.judge(cookie.as_bytes(), transport) {
                Verdict::Keep => drop(headers.append(SET_COOKIE, cookie)),
                Verdict::Append(attributes) => {
                    outcome.changed += 1;
                    let mut bytes = trim_end(cookie.as_bytes()).to_vec();
                    bytes.extend_from_slice(attributes.as_bytes());
                    // What was a header value stays one when visible ASCII is appended.
                    if let Ok(hardened) = HeaderValue::from_bytes(&bytes) {
                        headers.append(SET_COOKIE, hardened);
                    }
                }
                Verdict::Drop => outcome.dropped += 1,
            }
        }
        outcome
    }

    fn judge(&self, cookie: &[u8], transport: Transport) -> Verdict {
        let cookie = Cookie::parse(cookie);
        if cookie.is_malformed() || (self.gate_cookie == GateCookie::Refused && cookie.could_be_the_gates()) {
            return Verdict::Drop;
        }
        let becomes_secure = transport == Transport::Tls || cookie.attributes.secure;
        if !cookie.keeps_its_prefix(becomes_secure) {
            return Verdict::Drop;
        }
        let mut appended = String::new();
        if becomes_secure && !cookie.attributes.secure {
            appended.push_str("; Secure");
        }
        if !cookie.attributes.http_only && !self.readable.iter().any(|name| name.as_bytes() == cookie.name) {
            appended.push_str("; HttpOnly");
        }
        match cookie.attributes.same_site {
            SameSite::Stated => {}
            SameSite::StatedNone if becomes_secure => {}
            SameSite::Unsaid | SameSite::StatedNone | SameSite::Unclear => appended.push_str("; SameSite=Lax"),
        }
        if appended.is_empty() { Verdict::Keep } else { Verdict::Append(appended) }
    }
}

enum Verdict {
    Keep,
    Append(String),
    Drop,
}

/// A `Set-Cookie` as browsers read it.
struct Cookie<'a> {
    whole: &'a [u8],
    name: &'a [u8],
    value: &'a [u8],
    attributes: Attributes<'a>,
}

#[derive(Default)]
struct Attributes<'a> {
    secure: bool,
    http_only: bool,
    same_site: SameSite,
    path: Option<&'a [u8]>,
    has_domain: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum SameSite {
    #[default]
    Unsaid,
    /// `Lax` or `Strict`.
    Stated,
    /// `None`.
    StatedNone,
    /// A value nobody knows, or two that differ.
    Unclear,
}

impl<'a> Cookie<'a> {
    fn parse(whole: &'a [u8]) -> Self {
        let mut parts = whole.split(|&byte| byte == b';');
        let pair = parts.next().unwrap_or_default();
        // Without `=`, the whole is the value of a cookie that has no name.
        let (name, value) = split_at_equals(pair).unwrap_or((b"", pair));
        let mut attributes = Attributes::default();
        let mut said: Option<&[u8]> = None;
        for part in parts {
            let (key, value) = split_at_equals(part).unwrap_or((part, b""));
            let (key, value) = (trim(key), trim(value));
            if key.eq_ignore_ascii_case(b"secure") {
                attributes.secure = true;
            } else if key.eq_ignore_ascii_case(b"httponly") {
                attributes.http_only = true;
            } else if key.eq_ignore_ascii_case(b"path") {
                attributes.path = Some(value);
            } else if key.eq_ignore_ascii_case(b"domain") {
                attributes.has_domain |= !value.is_empty();
            } else if key.eq_ignore_ascii_case(b"samesite") {
                let differs = said.replace(value).is_some_and(|before| !before.eq_ignore_ascii_case(value));
                attributes.same_site = if differs { SameSite::Unclear } else { SameSite::of(value) };
            }
        }
        Self { whole, name: trim(name), value: trim(value), attributes }
    }

    fn is_malformed(&self) -> bool {
        (self.name.is_empty() && self.value.is_empty())
            || self.name.len() + self.value.len() > MAX_PAIR_BYTES
            || self.whole.iter().any(|&byte| byte.is_ascii_control() && byte != b'\t')
    }

    /// A cookie without a name is sent back as its bare value, so `=__Host-bartizan=x` would come back as the gate's.
    fn could_be_the_gates(&self) -> bool {
        starts_with(self.name, GATE_COOKIE) || (self.name.is_empty() && starts_with(self.value, GATE_COOKIE))
    }

    fn keeps_its_prefix(&self, is_secure: bool) -> bool {
        if self.name.is_empty() {
            return !starts_with(self.value, b"__Host-") && !starts_with(self.value, b"__Secure-");
        }
        if starts_with(self.name, b"__Host-") {
            return is_secure && !self.attributes.has_domain && self.attributes.path == Some(b"/");
        }
        is_secure || !starts_with(self.name, b"__Secure-")
    }
}

impl SameSite {
    fn of(value: &[u8]) -> Self {
        if value.eq_ignore_ascii_case(b"lax") || value.eq_ignore_ascii_case(b"strict") {
            Self::Stated
        } else if value.eq_ignore_ascii_case(b"none") {
            Self::StatedNone
        } else {
            Self::Unclear
        }
    }
}

fn split_at_equals(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == b'=')?;
    let (name, rest) = text.split_at_checked(at)?;
    Some((name, rest.split_first()?.1))
}

/// Trims spaces and tabs, and nothing else that ASCII calls white space.
fn trim(text: &[u8]) -> &[u8] {
    let mut text = trim_end(text);
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

fn trim_end(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

fn starts_with(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}
