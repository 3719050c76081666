use bartizan_gateway::config::{Config, KeyLocation, TrustedIssuer};
use bartizan_token::{ApiKeyRecord, KeySource, Presence};
use serde::Serialize;

use super::Weakness;
use crate::config::units::{Period, Time};

/// Somebody whose credentials are accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Caller {
    /// The issuer, or the key's name.
    pub name: String,
    /// What is accepted, in words.
    pub accepts: String,
}

/// The callers, and what is weak about their credentials.
pub(super) fn of(gateway: &Config) -> (Vec<Caller>, Vec<Weakness>) {
    let issuers = gateway.issuers.iter().map(|trusted| Caller {
        name: trusted.issuer.name.to_string(),
        accepts: format!("tokens{}; keys {}", audience(trusted), keys(trusted)),
    });
    let keys = gateway.api_keys.iter().map(|key| Caller { name: key.subject.to_string(), accepts: api_key(key) });
    let weaker = gateway.issuers.iter().flat_map(weak_issuer).chain(gateway.api_keys.iter().filter_map(weak_key));
    (issuers.chain(keys).collect(), weaker.collect())
}

fn audience(trusted: &TrustedIssuer) -> String {
    match trusted.issuer.audience.as_slice() {
        [] => " without an audience".to_owned(),
        audience => format!(" for {}", audience.join(" or ")),
    }
}

fn keys(trusted: &TrustedIssuer) -> String {
    match (&trusted.issuer.keys, &trusted.fetch) {
        (KeySource::Shared(_), _) => "are a shared secret".to_owned(),
        (KeySource::Fixed(_), _) => "from a file".to_owned(),
        (KeySource::Published, Some(fetch)) => match &fetch.from {
            KeyLocation::Discovery(_) => "by discovery".to_owned(),
            KeyLocation::KeySet(url) => format!("from {url}"),
        },
        (KeySource::Published, None) => "from nowhere".to_owned(),
    }
}

fn api_key(key: &ApiKeyRecord) -> String {
    let named = |noun: &str, names: &[std::sync::Arc<str>]| match names {
        [] => String::new(),
        names => format!(", {noun} {}", names.join(", ")),
    };
    let end = key.expires_at.map_or_else(|| "without end".to_owned(), |end| format!("until {}", Time::written(end)));
    format!("API key {}, {end}{}{}", key.id, named("role", &key.roles), named("scope", &key.scopes))
}

fn weak_issuer(trusted: &TrustedIssuer) -> Vec<Weakness> {
    let issuer = &trusted.issuer;
    let mut weaker = Vec::new();
    let mut weak =
        |what: &str, because: String| weaker.push(Weakness::new(what, format!("{because} of `{}`", issuer.name)));
    if matches!(issuer.keys, KeySource::Shared(_)) {
        weak("whoever can check a token can also make one", "`hs256`".to_owned());
    }
    if issuer.require.issuer == Presence::Optional {
        weak("tokens that do not say who issued them pass", "`require` without \"iss\"".to_owned());
    }
    if issuer.require.audience == Presence::Optional {
        weak("tokens that do not say whom they are for pass", "`require` without \"aud\"".to_owned());
    }
    if issuer.require.expiry == Presence::Optional && issuer.max_lifetime.is_none() {
        weak("tokens that never end pass", "`require` without \"exp\", and no `max_lifetime`,".to_owned());
    }
    if issuer.leeway > std::time::Duration::from_mins(1) {
        weak("tokens pass after their end", format!("`leeway = \"{}\"`", Period::new(issuer.leeway)));
    }
    weaker
}

fn weak_key(key: &ApiKeyRecord) -> Option<Weakness> {
    let forever = || {
        Weakness::new(
            "a key that leaks is good for ever",
            format!("`expires = \"never\"` of the key `{}`", key.subject),
        )
    };
    key.expires_at.is_none().then(forever)
}
