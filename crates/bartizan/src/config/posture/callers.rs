use bartizan_gateway::config::{CertificateName, CertificateRule, Config, KeyLocation, TrustedIssuer};
use bartizan_token::{ApiKeyRecord, KeySource, Presence, Webhook, WebhookForm};
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
        accepts: format!("{}{}; {}", tokens(trusted), audience(trusted), keys(trusted)),
    });
    let keys = gateway.api_keys.iter().map(|key| Caller { name: key.subject.to_string(), accepts: api_key(key) });
    let certificates = gateway.certificates.iter().map(certificate);
    let webhooks = gateway.webhooks.iter().map(webhook);
    let weaker = gateway.issuers.iter().flat_map(weak_issuer).chain(gateway.api_keys.iter().filter_map(weak_key));
    let weaker = weaker.chain(gateway.webhooks.iter().filter_map(weak_webhook));
    (issuers.chain(keys).chain(certificates).chain(webhooks).collect(), weaker.collect())
}

/// Which tokens: bound ones only, or bearer tokens too.
fn tokens(trusted: &TrustedIssuer) -> &'static str {
    let dpop = &trusted.issuer.dpop;
    match (dpop.binding, dpop.nonce) {
        (Presence::Required, Presence::Required) => "tokens bound to a key, with a nonce,",
        (Presence::Required, Presence::Optional) => "tokens bound to a key,",
        (Presence::Optional, _) => "tokens",
    }
}

fn certificate(rule: &CertificateRule) -> Caller {
    let which = match &rule.name {
        CertificateName::Subject(name) => format!("subject {name}"),
        CertificateName::Dns(name) => format!("DNS name {name}"),
        CertificateName::Uri(uri) => format!("URI {uri}"),
        CertificateName::UriBelow(prefix) => format!("URI {prefix}*"),
        CertificateName::Email(email) => format!("mail address {email}"),
        CertificateName::Thumbprint(thumbprint) => format!("thumbprint {thumbprint}"),
    };
    let name = rule.subject.as_ref().map_or_else(|| which.clone(), ToString::to_string);
    let accepts = format!("client certificate, {which}{}{}", named("role", &rule.roles), named("scope", &rule.scopes));
    Caller { name, accepts }
}

fn webhook(webhook: &Webhook) -> Caller {
    let within = match webhook.form() {
        WebhookForm::GitHub => String::new(),
        _ => format!(", signed within {}", Period::new(webhook.tolerance())),
    };
    let accepts = format!("messages signed in the form of {}{within}, each once", webhook.form().as_str());
    Caller { name: webhook.name().to_owned(), accepts }
}

fn weak_webhook(webhook: &Webhook) -> Option<Weakness> {
    (webhook.form() == WebhookForm::GitHub).then(|| {
        let because = format!("`form = \"github\"` of `{}`: GitHub signs no time", webhook.name());
        Weakness::new("a captured message passes again once it is forgotten", because)
    })
}

fn named(noun: &str, names: &[std::sync::Arc<str>]) -> String {
    match names {
        [] => String::new(),
        names => format!(", {noun} {}", names.join(", ")),
    }
}

fn audience(trusted: &TrustedIssuer) -> String {
    match trusted.issuer.audience.as_slice() {
        [] => " without an audience".to_owned(),
        audience => format!(" for {}", audience.join(" or ")),
    }
}

fn keys(trusted: &TrustedIssuer) -> String {
    match (&trusted.issuer.keys, &trusted.fetch) {
        (KeySource::Introspected, _) => {
            let asked =
                trusted.introspection.as_ref().map(|it| format!("{}, for {}", it.endpoint, Period::new(it.cache)));
            format!("asked at {}", asked.unwrap_or_else(|| "nowhere".to_owned()))
        }
        (KeySource::Shared(_), _) => "keys are a shared secret".to_owned(),
        (KeySource::Fixed(_), _) => "keys from a file".to_owned(),
        (KeySource::Published, Some(fetch)) => match &fetch.from {
            KeyLocation::Discovery(_) => "keys by discovery".to_owned(),
            KeyLocation::KeySet(url) => format!("keys from {url}"),
        },
        (KeySource::Published, None) => "keys of this gate's own".to_owned(),
    }
}

fn api_key(key: &ApiKeyRecord) -> String {
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
