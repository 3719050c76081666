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
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct HeaderConfig {
    /// `Strict-Transport-Security`.
    pub hsts: Hsts,
    /// What the route sets and removes beyond the defaults.
    pub rules: HeaderRules,
}

/// [`HeaderConfig`] compiled; routes with the same settings share it.
#[derive(Debug, Clone)]
pub(crate) struct SecurityHeaders {
    over_tls: Templates,
    over_plain: Templates,
    judged: Vec<(HeaderName, judge::Protects)>,
    caching: Option<HeaderValue>,
    unwanted: lists::Unwanted,
}

/// The gate's own fields, ready to be copied: copying a map costs a tenth of filling one.
#[derive(Debug, Clone)]
struct Templates {
    data: HeaderMap,
    media: HeaderMap,
    page: HeaderMap,
    /// For answers whose own `Content-Security-Policy` stands.
    own_policy: HeaderMap,
}

/// What an upstream's answer says of itself, as far as ours depends on it.
#[derive(Default)]
struct Sent {
    kind: judge::Kind,
    has_policy: bool,
    says_how_to_cache: bool,
    sets_cookie: bool,
}

impl Default for SecurityHeaders {
    fn default() -> Self {
        Self::compile(&HeaderConfig::default())
    }
}

impl SecurityHeaders {
    /// Compiles a route's settings. Defaults that a rule overrides are left out here, so that they cost nothing later.
    pub(crate) fn compile(config: &HeaderConfig) -> Self {
        let rules = &config.rules;
        let is_ruled = |name: &HeaderName| rules.remove.contains(name) || rules.set.iter().any(|(set, _)| set == name);
        let fixed = lists::FIXED.iter().map(|&(name, _, protects)| (HeaderName::from_static(name), protects));
        let others: [(HeaderName, judge::Protects); 2] = [
            (STRICT_TRANSPORT_SECURITY, judge::transport_security),
            (lists::embedder_policy(), judge::embedder_policy),
        ];
        let caching = HeaderValue::from_static(lists::NO_STORE);
        Self {
            over_tls: Templates::new(config, Transport::Tls),
            over_plain: Templates::new(config, Transport::Plain),
            judged: fixed.chain(others).filter(|(name, _)| !is_ruled(name)).collect(),
            caching: Some(caching).filter(|_| !is_ruled(&CACHE_CONTROL)),
            unwanted: lists::Unwanted::new(&rules.remove, &rules.set),
        }
    }

    /// Brings the head of an answer into order: once, after every stage that adds to it.
    pub(crate) fn apply(&self, headers: &mut HeaderMap, transport: Transport, caller: Caller) {
        let sent = Sent::of(headers);
        let templates = if transport == Transport::Tls { &self.over_tls } else { &self.over_plain };
        let mut merged = templates.of(&sent).clone();
        merged.reserve(headers.len() + 1);
        self.merge(std::mem::take(headers), &mut merged, transport);
        let is_personal = caller == Caller::Authenticated || sent.sets_cookie;
        if let Some(value) = self.caching.as_ref().filter(|_| is_personal && !sent.says_how_to_cache) {
            merged.entry(CACHE_CONTROL).or_insert_with(|| value.clone());
        }
        *headers = merged;
    }

    /// Puts what the upstream sent beside ours: where both speak, ours stands, unless theirs is a single value that protects.
    fn merge(&self, sent: HeaderMap, merged: &mut HeaderMap, transport: Transport) {
        let mut contested: Vec<(HeaderName, HeaderValue)> = Vec::new();
        let mut last = Last::Dropped;
        for (name, value) in sent {
            if let Some(name) = name {
                last = if self.unwanted.contains(&name)
                    || (transport == Transport::Plain && name == STRICT_TRANSPORT_SECURITY)
                {
                    Last::Dropped
                } else {
                    match merged.entry(name) {
                        Entry::Vacant(entry) => {
                            // Only a field that comes twice needs its name again.
                            last = Last::Kept(entry.insert_entry(value).key().clone());
                            continue;
                        }
                        Entry::Occupied(entry) => Last::Contested(entry.key().clone()),
                    }
                };
            }
            match &last {
                Last::Dropped => {}
                Last::Kept(name) => drop(merged.append(name.clone(), value)),
                Last::Contested(name) => contested.push((name.clone(), value)),
            }
        }
        if !contested.is_empty() {
            self.settle(&contested, merged);
        }
    }

    fn settle(&self, contested: &[(HeaderName, HeaderValue)], merged: &mut HeaderMap) {
        for (name, protects) in &self.judged {
            let mut theirs = contested.iter().filter(|(contested, _)| contested == name).map(|(_, value)| value);
            if let (Some(only), None) = (theirs.next(), theirs.next())
                && only.to_str().is_ok_and(protects)
            {
                merged.insert(name.clone(), only.clone());
            }
        }
    }
}

/// What became of the field that was looked at last, and so becomes of its further values.
enum Last {
    Dropped,
    Kept(HeaderName),
    Contested(HeaderName),
}

impl Sent {
    fn of(headers: &HeaderMap) -> Self {
        let mut sent = Self::default();
        for (name, value) in headers {
            if *name == CONTENT_TYPE {
                sent.kind = judge::Kind::of(value.as_bytes());
            } else if *name == CONTENT_SECURITY_POLICY {
                sent.has_policy = judge::all_policies(headers);
            } else if *name == CACHE_CONTROL || *name == EXPIRES {
                sent.says_how_to_cache = true;
            } else if *name == SET_COOKIE {
                sent.sets_cookie = true;
            }
        }
        sent
    }
}

impl Templates {
    fn new(config: &HeaderConfig, transport: Transport) -> Self {
        let page = match transport {
            Transport::Tls => lists::PAGE_POLICY_OVER_TLS,
            Transport::Plain => lists::PAGE_POLICY_OVER_PLAIN,
        };
        let policy = |policy| template(config, transport, Some(policy));
        Self {
            data: policy(lists::DATA_POLICY),
            media: policy(lists::MEDIA_POLICY),
            page: policy(page),
            own_policy: template(config, transport, None),
        }
    }

    fn of(&self, sent: &Sent) -> &HeaderMap {
        match sent.kind {
            _ if sent.has_policy => &self.own_policy,
            judge::Kind::Data => &self.data,
            judge::Kind::Media => &self.media,
            judge::Kind::Page => &self.page,
        }
    }
}

/// Every field of ours under one policy; `None`: the upstream's own stands, and other origins that it names must not be shut out.
fn template(config: &HeaderConfig, transport: Transport, policy: Option<&'static str>) -> HeaderMap {
    let mut headers: HeaderMap = lists::FIXED
        .iter()
        .map(|&(name, value, _)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    if let Some(policy) = policy {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        headers.insert(lists::embedder_policy(), HeaderValue::from_static(lists::EMBEDDER_POLICY));
    }
    if let Some(hsts) = config.hsts.value().filter(|_| transport == Transport::Tls) {
        headers.insert(STRICT_TRANSPORT_SECURITY, hsts);
    }
    for (name, value) in &config.rules.set {
        headers.insert(name.clone(), value.clone());
    }
    for name in &config.rules.remove {
        headers.remove(name);
    }
    headers
}
