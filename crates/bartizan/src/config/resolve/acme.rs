use std::sync::Arc;

use bartizan_gateway::config as gateway;
use bartizan_vault::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Uri;

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::literal::{Acme, Challenge, ExternalAccount, File};
use crate::config::tree::Place;

/// Without a directory of one's own.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

impl Resolver<'_> {
    pub(super) fn acme(&mut self, acme: &Acme, file: &File, place: &Place) -> Option<gateway::Acme> {
        let contacts = self.contacts(acme, place);
        let domains = self.domains(acme, file, place);
        let directory = self.directory(acme, place);
        let challenge = match acme.challenge {
            Challenge::TlsAlpn01 => gateway::AcmeChallenge::TlsAlpn01,
            Challenge::Http01 => gateway::AcmeChallenge::Http01,
        };
        if acme.challenge == Challenge::Http01 && file.server.redirect_from.is_none() {
            let message = "the `http-01` challenge is answered on the plain listener, and there is none";
            let remedy = "add `redirect_from = \"0.0.0.0:80\"`, or use `challenge = \"tls-alpn-01\"`";
            self.error(FaultKind::Contradiction, &place.key("challenge"), message, remedy);
        }
        let authorities = match &acme.ca {
            Some(ca) => {
                let content = self.content(ca, &place.key("ca"), "authorities' file")?;
                self.contents.push(content);
                Some(self.beside(ca))
            }
            None => None,
        };
        let external_account = match &acme.account {
            Some(account) => Some(self.external_account(account, &place.key("account"))?),
            None => None,
        };
        Some(gateway::Acme {
            directory: directory?,
            authorities,
            contacts,
            domains: domains?,
            challenge,
            external_account,
            state: self.beside(&file.store.path).join("acme"),
        })
    }

    fn contacts(&mut self, acme: &Acme, place: &Place) -> Vec<Arc<str>> {
        let place = place.key("email");
        let is_address = |text: &str| {
            let parts = text.split_once('@');
            parts.is_some_and(|(user, host)| !user.is_empty() && host.contains('.'))
                && !text.contains(|letter: char| letter.is_whitespace() || matches!(letter, ',' | '?' | ':'))
        };
        for email in acme.email.as_slice().iter().filter(|email| !is_address(email)) {
            let message = format!("`{email}` is not a mail address");
            self.error(
                FaultKind::Malformed,
                &place,
                message,
                "write one that somebody reads, such as `\"ops@example.com\"`",
            );
        }
        acme.email.as_slice().iter().map(|email| email.as_str().into()).collect()
    }

    fn domains(&mut self, acme: &Acme, file: &File, place: &Place) -> Option<Vec<Arc<str>>> {
        let named = &acme.domains;
        let (place, domains) = if named.is_empty() {
            let url = file.server.public_url.as_ref();
            let host = url.and_then(|url| url.uri().host()).map(ToOwned::to_owned);
            let Some(host) = host else {
                let message = "nothing says which name the certificate is for";
                let remedy = "add `public_url = \"https://…\"` to `[server]`, or `domains = [\"…\"]` here";
                self.error(FaultKind::MissingKey, place, message, remedy);
                return None;
            };
            (place.clone(), vec![host])
        } else {
            (place.key("domains"), named.clone())
        };
        for domain in domains.iter().filter(|domain| !is_public_name(domain)) {
            let message = format!("no authority gives a certificate for `{domain}` by this challenge");
            let remedy = "name public DNS names; wildcards need a challenge by DNS: let another ACME client write the files, \
                          and name them: `tls = { cert = \"…\", key = \"…\" }`";
            self.error(FaultKind::Malformed, &place, message, remedy);
        }
        Some(domains.iter().map(|domain| domain.to_ascii_lowercase().into()).collect())
    }

    fn directory(&mut self, acme: &Acme, place: &Place) -> Option<Uri> {
        let Some(directory) = &acme.directory else { return Some(Uri::from_static(LETS_ENCRYPT)) };
        if !directory.is_https() {
            let message =
                format!("`{directory}` is asked without TLS: whoever is on the way could get the certificate");
            self.error(FaultKind::Unsafe, &place.key("directory"), message, "write `https://…`");
            return None;
        }
        Some(directory.uri().clone())
    }

    fn external_account(&mut self, account: &ExternalAccount, place: &Place) -> Option<gateway::ExternalAccount> {
        let place = place.key("hmac");
        let text = self.secret(&account.hmac, &place)?;
        let trimmed = text.expose().trim_ascii().strip_suffix(b"=").unwrap_or(text.expose().trim_ascii());
        let Ok(key) = URL_SAFE_NO_PAD.decode(trimmed) else {
            let remedy = "copy it as the authority shows it; it is base64url";
            self.error(FaultKind::SecretUnavailable, &place, "the account's key is not base64url", remedy);
            return None;
        };
        Some(gateway::ExternalAccount { key_id: account.kid.clone(), key: Secret::new(key) })
    }
}

/// Whether an authority could check it: a DNS name of at least two labels, no wildcard, no address, nothing local.
fn is_public_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_address = name.parse::<std::net::IpAddr>().is_ok();
    name.len() <= 253 && name.contains('.') && name.split('.').all(is_label) && !is_address
}
