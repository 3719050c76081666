//! Callers that are machines: certificates, webhooks, and issuers that are asked about their tokens.

use std::sync::Arc;
use std::time::Duration;

use bartizan_gateway::config::{CertificateName, CertificateRule, Introspection};
use bartizan_policy::Subject;
use bartizan_token::{CertificateThumbprint, DpopRules, Presence, Webhook, WebhookForm};

use super::Resolver;
use crate::config::faults::FaultKind;
use crate::config::literal::{self, CertificateCaller, Dpop, DpopNonce, DpopWord, Route};
use crate::config::tree::Place;

/// Beyond this, a captured message or proof is as good as a stolen credential.
const LONGEST_TOLERANCE: Duration = Duration::from_hours(1);
/// What is remembered for longer fills memory rather than protects.
const LONGEST_MEMORY: Duration = Duration::from_hours(7 * 24);
/// What an issuer said counts for so long at most: a token that it revoked passes meanwhile.
const LONGEST_CACHE: Duration = Duration::from_mins(5);

impl Resolver<'_> {
    pub(super) fn certificates(&mut self, callers: &[CertificateCaller]) -> Vec<CertificateRule> {
        let places: Vec<Place> = (0..callers.len()).map(|index| self.element("certificates", index)).collect();
        let rules: Vec<_> =
            callers.iter().zip(&places).filter_map(|(it, place)| self.certificate_rule(it, place)).collect();
        let names = rules.iter().zip(&places).map(|(rule, place)| (rule.name.clone(), place.clone()));
        let names: Vec<_> = names.collect();
        self.duplicates(
            names,
            |_| "two sections name the same certificates: neither would count".to_owned(),
            "join them, or name the certificates more closely",
        );
        rules
    }

    fn certificate_rule(&mut self, caller: &CertificateCaller, place: &Place) -> Option<CertificateRule> {
        let names = [
            ("subject", &caller.subject),
            ("dns", &caller.dns),
            ("uri", &caller.uri),
            ("email", &caller.email),
            ("thumbprint", &caller.thumbprint),
        ];
        let said: Vec<_> = names.into_iter().filter_map(|(key, name)| Some((key, name.as_ref()?))).collect();
        let [(key, name)] = said.as_slice() else {
            let message = "a section of `[[certificates]]` says in exactly one way which certificates it is for";
            let kind = if said.is_empty() { FaultKind::MissingKey } else { FaultKind::Contradiction };
            self.error(kind, place, message, "write one of `subject`, `dns`, `uri`, `email` and `thumbprint`");
            return None;
        };
        let name = self.certificate_name(key, name, &place.key(key))?;
        let list = |names: &[String]| names.iter().map(|name| name.as_str().into()).collect();
        Some(CertificateRule {
            name,
            subject: caller.name.as_deref().map(Subject::from),
            roles: list(&caller.roles),
            scopes: list(&caller.scopes),
        })
    }

    fn certificate_name(&mut self, key: &str, name: &str, place: &Place) -> Option<CertificateName> {
        Some(match key {
            "subject" => CertificateName::Subject(name.into()),
            "dns" => CertificateName::Dns(name.to_ascii_lowercase().into()),
            "email" => CertificateName::Email(name.into()),
            "thumbprint" => {
                let Some(thumbprint) = CertificateThumbprint::from_base64url(name) else {
                    let remedy =
                        "write the certificate's SHA-256 in base64url without padding: 43 letters, digits, `-` and `_`";
                    self.error(FaultKind::Malformed, place, format!("`{name}` is no thumbprint"), remedy);
                    return None;
                };
                CertificateName::Thumbprint(thumbprint)
            }
            _ => return self.certificate_uri(name, place),
        })
    }

    fn certificate_uri(&mut self, uri: &str, place: &Place) -> Option<CertificateName> {
        let Some(above) = uri.strip_suffix('*') else {
            return Some(CertificateName::Uri(uri.into()));
        };
        // Without the slash, `spiffe://example.org*` would fit `spiffe://example.org.evil`.
        let names_a_domain = above.split_once("://").is_some_and(|(_, rest)| rest.len() > 1 && rest.ends_with('/'));
        if !names_a_domain || above.contains('*') {
            let message = format!("`{uri}` could fit URIs of others");
            let remedy = "write `/*` after a whole name: `spiffe://example.org/*`";
            self.error(FaultKind::Unsafe, place, message, remedy);
            return None;
        }
        Some(CertificateName::UriBelow(above.into()))
    }

    pub(super) fn webhooks(&mut self, webhooks: &[literal::Webhook]) -> Vec<Webhook> {
        let places: Vec<Place> = (0..webhooks.len()).map(|index| self.element("webhooks", index)).collect();
        let names: Vec<_> =
            webhooks.iter().zip(&places).map(|(it, place)| (it.name.clone(), place.key("name"))).collect();
        self.duplicates(names, |name| format!("two webhooks are named `{name}`"), "give each a name of its own");
        webhooks.iter().zip(&places).filter_map(|(webhook, place)| self.webhook(webhook, place)).collect()
    }

    fn webhook(&mut self, webhook: &literal::Webhook, place: &Place) -> Option<Webhook> {
        let (tolerance, remember) = (webhook.tolerance.get(), webhook.remember.get());
        self.at_most(
            tolerance,
            LONGEST_TOLERANCE,
            &place.key("tolerance"),
            "a captured message could be sent again for so long",
        );
        self.at_most(remember, LONGEST_MEMORY, &place.key("remember"), "memory would fill up with messages");
        let secrets_place = place.key("secrets");
        let named = webhook.secrets.iter().enumerate();
        let secrets: Vec<_> = named.map(|(index, secret)| self.secret(secret, &secrets_place.index(index))).collect();
        let secrets: Vec<_> = secrets.into_iter().collect::<Option<_>>()?;
        let form = match webhook.form {
            literal::WebhookForm::Standard => WebhookForm::Standard,
            literal::WebhookForm::Stripe => WebhookForm::Stripe,
            literal::WebhookForm::GitHub => WebhookForm::GitHub,
            literal::WebhookForm::Slack => WebhookForm::Slack,
        };
        match Webhook::new(webhook.name.as_str(), form, &secrets, tolerance, remember) {
            Ok(webhook) => Some(webhook),
            Err(fault) => {
                let remedy =
                    "copy it from the sender's settings, or make it by `openssl rand -hex 32` where you choose it";
                self.error(FaultKind::WeakSecret, &secrets_place, fault.to_string(), remedy);
                None
            }
        }
    }

    /// Which webhook the route takes; then it takes nothing else.
    pub(super) fn route_webhook(&mut self, file: &literal::File, route: &Route, place: &Place) -> Option<Arc<str>> {
        let name = route.webhook.as_ref()?;
        let is_known =
            file.webhooks.iter().any(|webhook| webhook.name == *name) || !self.dropped("webhooks").is_empty();
        if !is_known {
            let message = format!("there is no webhook `{name}`");
            self.error(FaultKind::Unresolvable, &place.key("webhook"), message, "declare it under `[[webhooks]]`");
        }
        if route.credentials.is_some() {
            let message = "a route with `webhook` takes that sender's signed messages and no other credential";
            self.error(FaultKind::Contradiction, &place.key("credentials"), message, "leave `credentials` out");
        }
        if matches!(route.access, literal::Access::Word(literal::AccessWord::Public)) {
            let message = "a route that takes signed messages is not public";
            self.error(FaultKind::Contradiction, &place.key("access"), message, "write `access = \"signed-in\"`");
        }
        Some(name.as_str().into())
    }

    pub(super) fn introspection(
        &mut self,
        literal: &literal::Introspection,
        authorities: Option<std::path::PathBuf>,
        place: &Place,
    ) -> Option<Introspection> {
        if !literal.endpoint.is_https() && !literal.endpoint.is_loopback() {
            let message = format!("tokens and the client's secret would go to `{}` in the clear", literal.endpoint);
            let remedy = "write `https://…`; `http` is accepted on loopback only";
            self.error(FaultKind::Unsafe, &place.key("endpoint"), message, remedy);
        }
        self.at_most(
            literal.cache.get(),
            LONGEST_CACHE,
            &place.key("cache"),
            "a token that was revoked would pass for so long",
        );
        let client_secret = self.secret(&literal.client_secret, &place.key("client_secret"))?;
        Some(Introspection {
            endpoint: literal.endpoint.uri().clone(),
            client_id: literal.client_id.as_str().into(),
            client_secret: Arc::new(client_secret),
            cache: literal.cache.get(),
            prefix: literal.prefix.as_deref().map(Into::into),
            authorities,
        })
    }

    /// Of two issuers whose opaque tokens look alike, neither can be asked.
    pub(super) fn opaque_tokens(&mut self, issuers: &[literal::Issuer]) {
        let asked = issuers.iter().enumerate().filter_map(|(index, issuer)| {
            let introspection = issuer.introspection.as_ref()?;
            Some((introspection.prefix.clone(), self.element("issuers", index).key("introspection")))
        });
        let asked: Vec<_> = asked.collect();
        self.duplicates(
            asked,
            |prefix| match prefix {
                Some(prefix) => format!("two issuers' tokens begin with `{prefix}`"),
                None => "two issuers would be asked about every token that is no JWT".to_owned(),
            },
            "tell their tokens apart: `introspection = { prefix = \"…\" }`",
        );
    }

    pub(super) fn dpop(&mut self, literal: &Dpop, place: &Place) -> DpopRules {
        let rules = match literal {
            Dpop::Word(tokens) => literal::DpopRules { tokens: *tokens, ..literal::DpopRules::default() },
            Dpop::Rules(rules) => rules.clone(),
        };
        let max_age = rules.max_age.get();
        self.at_most(
            max_age,
            Duration::from_mins(10),
            &place.key("max_age"),
            "a captured proof could be used for so long",
        );
        let presence = |is_required| if is_required { Presence::Required } else { Presence::Optional };
        DpopRules {
            binding: presence(rules.tokens == DpopWord::Required),
            nonce: presence(rules.nonce == DpopNonce::Required),
            max_age,
        }
    }

    fn at_most(&mut self, said: Duration, most: Duration, place: &Place, why: &str) {
        if said > most {
            let most = crate::config::units::Period::new(most);
            self.error(FaultKind::OutOfRange, place, why, format!("write at most `\"{most}\"`"));
        }
    }
}
