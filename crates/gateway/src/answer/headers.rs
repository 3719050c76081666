//! Security headers on every answer, and nothing that tells what runs behind the gate.
//!
//! Sources: the OWASP Secure Headers Project's lists of headers to add and to remove (July 2026) and what Helmet 8 sets.
//!
//! **Whose value counts.** The upstream may choose among the values that protect (`SAMEORIGIN` instead of `DENY`, its own
//! `Content-Security-Policy`); a value that switches a protection off (`X-Frame-Options: ALLOWALL`, `Referrer-Policy: unsafe-url`,
//! one-day HSTS, two lines that contradict each other) is replaced. Weakening is the operator's, spoken in a route's [`HeaderRules`].
//!
//! **Kinds of answer.** Data (JSON and the like) renders nothing and gets `default-src 'none'`. What a browser renders by
//! itself (SVG, PDF, sound, film) may use its own bytes, but runs no script. A page gets a policy under which scripts, forms and
//! frames are its own origin's; inline styles and `data:` images work, inline scripts do not: allowing them would leave nothing
//! of the protection, so a page that needs them has to say so by a policy of its own or by a route's rules.
//!
//! **`Strict-Transport-Security`** only over TLS (RFC 6797 §7.2), two years with subdomains: past the one year that
//! hstspreload.org asks for. `preload` itself is not said by default, since entering browsers' lists takes months to undo.
//!
//! **`Cross-Origin-Embedder-Policy`** comes with the gate's own page policy only: under an upstream's policy that names other
//! origins it would block what that policy allows.
//!
//! **`Clear-Site-Data`** belongs to the answer of a logout: on every answer it would end the session that was just begun. The
//! gate passes on an upstream's, and a route's rules can set it.
//!
//! **`Cache-Control`** is set to `no-store` when the answer is for one principal, or sets a cookie, and says nothing itself.
//!
//! MDN HTTP Observatory on a page under the defaults, by its scoring table: 100 to begin with; `X-Frame-Options` by CSP +5,
//! `Referrer-Policy` +5, cross-origin resource, embedder and opener policy +10 each; CSP with inline styles, HSTS, CORS,
//! redirection, `nosniff` 0: 140, the cap for A+ is 100. JSON gets another +10 for `default-src 'none'`.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, EXPIRES, Entry, HeaderMap, HeaderName, HeaderValue,
    SET_COOKIE, STRICT_TRANSPORT_SECURITY,
};
use thiserror::Error;

use super::{Caller, Transport};

mod judge;
mod lists;
#[cfg(test)]
mod tests;

/// Extra headers of a route: they outrank the defaults and the upstream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderRules {
    /// Set to exactly these values.
    pub set: Vec<(HeaderName, HeaderValue)>,
    /// Taken off the answer, whoever set them; outranks `set`.
    pub remove: Vec<HeaderName>,
}

/// A rule that would break the message or open another stage's door.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeaderRuleFault {
    /// Framing and connection fields are hyper's.
    #[error("`{0}` frames the message and cannot be set or removed by a rule")]
    Framing(HeaderName),
    /// These have settings of their own.
    #[error("`{0}` has its own settings and cannot be set by a rule")]
    OwnSettings(HeaderName),
}

impl HeaderRules {
    /// Finds every rule that cannot stand.
    pub fn faults(&self) -> impl Iterator<Item = HeaderRuleFault> {
        let set = self.set.iter().map(|(name, _)| name);
        let framing = set.clone().chain(&self.remove).filter(|name| judge::is_framing(name));
        let own = set.filter(|name| **name == SET_COOKIE || name.as_str().starts_with("access-control-"));
        framing.cloned().map(HeaderRuleFault::Framing).chain(own.cloned().map(HeaderRuleFault::OwnSettings))
    }
}

/// `Strict-Transport-Security` (RFC 6797).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hsts {
    /// Two years, subdomains included.
    #[default]
    TwoYears,
    /// The same, and the wish to enter the browsers' preload lists. Risk: takes months to undo, for every subdomain.
    Preload,
    /// Not sent. Risk: a first visit over plain HTTP can be kept on it by whoever stands between.
    Off,
}

impl Hsts {
    fn value(self) -> Option<HeaderValue> {
        match self {
            Self::TwoYears => Some(HeaderValue::from_static(lists::HSTS)),
            Self::Preload => Some(HeaderValue::from_static(lists::HSTS_PRELOAD)),
            Self::Off => None,
        }
    }
}

/// The header settings of a route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderConfig {
    /// `Strict-Transport-Security`.
    pub hsts: Hsts,
    /// What the route sets and removes beyond the defaults.
    pub rules: HeaderRules,
}

/// [`HeaderConfig`] compiled, once for each route.
#[derive(Debug, Clone)]
pub(crate) struct SecurityHeaders {
    fixed: Vec<Fixed>,
    hsts: Option<HeaderValue>,
    policies: Option<Policies>,
    embedder: Option<HeaderValue>,
    caching: Option<HeaderValue>,
    rules: HeaderRules,
    unwanted: lists::Unwanted,
}

/// A header with the same value on every answer.
#[derive(Debug, Clone)]
struct Fixed {
    name: HeaderName,
    value: HeaderValue,
    protects: judge::Protects,
}

/// `Content-Security-Policy` by kind of answer.
#[derive(Debug, Clone)]
struct Policies {
    data: HeaderValue,
    media: HeaderValue,
    page_over_tls: HeaderValue,
    page_over_plain: HeaderValue,
}

impl Default for SecurityHeaders {
    fn default() -> Self {
        Self::compile(HeaderConfig::default())
    }
}

impl SecurityHeaders {
    /// Compiles a route's settings. Defaults that a rule overrides are left out here, so that they cost nothing later.
    pub(crate) fn compile(config: HeaderConfig) -> Self {
        let HeaderConfig { hsts, rules } = config;
        let is_ruled = |name: &HeaderName| rules.remove.contains(name) || rules.set.iter().any(|(set, _)| set == name);
        let fixed = lists::FIXED.iter().map(|&(name, value, protects)| Fixed {
            name: HeaderName::from_static(name),
            value: HeaderValue::from_static(value),
            protects,
        });
        let policies = Policies {
            data: HeaderValue::from_static(lists::DATA_POLICY),
            media: HeaderValue::from_static(lists::MEDIA_POLICY),
            page_over_tls: HeaderValue::from_static(lists::PAGE_POLICY_OVER_TLS),
            page_over_plain: HeaderValue::from_static(lists::PAGE_POLICY_OVER_PLAIN),
        };
        let embedder = HeaderValue::from_static(lists::EMBEDDER_POLICY);
        let caching = HeaderValue::from_static(lists::NO_STORE);
        Self {
            fixed: fixed.filter(|header| !is_ruled(&header.name)).collect(),
            hsts: hsts.value().filter(|_| !is_ruled(&STRICT_TRANSPORT_SECURITY)),
            policies: Some(policies).filter(|_| !is_ruled(&CONTENT_SECURITY_POLICY)),
            embedder: Some(embedder).filter(|_| !is_ruled(&lists::embedder_policy())),
            caching: Some(caching).filter(|_| !is_ruled(&CACHE_CONTROL)),
            unwanted: lists::Unwanted::new(&rules.remove, &rules.set),
            rules,
        }
    }

    /// Brings the head of an answer into order: once, after every stage that adds to it.
    pub(crate) fn apply(&self, headers: &mut HeaderMap, transport: Transport, caller: Caller) {
        self.remove_unwanted(headers);
        headers.reserve(self.fixed.len() + self.rules.set.len() + 4);
        self.set_policies(headers, transport);
        for header in &self.fixed {
            set_unless_kept(headers, &header.name, &header.value, header.protects);
        }
        self.set_transport_security(headers, transport);
        self.set_caching(headers, caller);
        for (name, value) in &self.rules.set {
            headers.insert(name.clone(), value.clone());
        }
    }

    /// The upstream's few names are looked up in the list, not the list's ninety in the answer.
    fn remove_unwanted(&self, headers: &mut HeaderMap) {
        while let Some(name) = headers.keys().find(|name| self.unwanted.contains(name)).cloned() {
            headers.remove(name);
        }
    }

    fn set_policies(&self, headers: &mut HeaderMap, transport: Transport) {
        let Some(policies) = &self.policies else {
            return self.set_embedder(headers);
        };
        if headers.contains_key(CONTENT_SECURITY_POLICY) && judge::all_policies(headers) {
            return;
        }
        let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        let policy = match (judge::Kind::of(content_type), transport) {
            (judge::Kind::Data, _) => &policies.data,
            (judge::Kind::Media, _) => &policies.media,
            (judge::Kind::Page, Transport::Tls) => &policies.page_over_tls,
            (judge::Kind::Page, Transport::Plain) => &policies.page_over_plain,
        };
        headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
        self.set_embedder(headers);
    }

    fn set_embedder(&self, headers: &mut HeaderMap) {
        if let Some(value) = &self.embedder {
            set_unless_kept(headers, &lists::embedder_policy(), value, judge::embedder_policy);
        }
    }

    fn set_transport_security(&self, headers: &mut HeaderMap, transport: Transport) {
        match (transport, &self.hsts) {
            (Transport::Tls, Some(value)) => {
                set_unless_kept(headers, &STRICT_TRANSPORT_SECURITY, value, judge::transport_security);
            }
            (Transport::Plain, _) => drop(headers.remove(STRICT_TRANSPORT_SECURITY)),
            (Transport::Tls, None) => {}
        }
    }

    fn set_caching(&self, headers: &mut HeaderMap, caller: Caller) {
        let Some(value) = &self.caching else { return };
        let is_personal = caller == Caller::Authenticated || headers.contains_key(SET_COOKIE);
        if is_personal && !headers.contains_key(CACHE_CONTROL) && !headers.contains_key(EXPIRES) {
            headers.insert(CACHE_CONTROL, value.clone());
        }
    }
}

/// Keeps a single value that protects; puts ours in the place of anything else.
fn set_unless_kept(headers: &mut HeaderMap, name: &HeaderName, ours: &HeaderValue, protects: judge::Protects) {
    match headers.entry(name) {
        Entry::Vacant(entry) => drop(entry.insert(ours.clone())),
        Entry::Occupied(mut entry) => {
            let mut values = entry.iter();
            let is_kept =
                values.next().and_then(|value| value.to_str().ok()).is_some_and(protects) && values.next().is_none();
            if !is_kept {
                entry.insert(ours.clone());
            }
        }
    }
}
