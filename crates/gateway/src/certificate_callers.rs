//! Whom a client's certificate speaks for, as the configuration says.

use std::sync::Arc;

use bartizan_policy::{
    Authentication, CredentialKind, IssuerName, Principal, PrincipalKind, RevocationSet, Strength, Subject, Timestamp,
    TokenId,
};
use bartizan_token::ClientCertificate;
use serde_json::{Map, json};

use crate::config::{CertificateName, CertificateRule};

/// The issuer of every principal made here: the name under which certificates are revoked by their thumbprint.
pub(crate) const ISSUER: &str = "certificates";

/// The rules, in the order in which they are asked.
#[derive(Default)]
pub(crate) struct CertificateCallers(Vec<CertificateRule>);

impl CertificateCallers {
    pub(crate) fn new(rules: Vec<CertificateRule>) -> Self {
        Self(rules)
    }

    /// The principal that the certificate stands for.
    ///
    /// # Errors
    /// The stable name of the fault: its time is over or has not come, no rule fits it, or several do and say different things.
    pub(crate) fn principal(&self, certificate: &ClientCertificate, now: Timestamp) -> Result<Principal, &'static str> {
        // The handshake checked the time as of then; a connection may stay open for longer.
        if now > certificate.not_after() {
            return Err("certificate-expired");
        }
        if now < certificate.not_before() {
            return Err("certificate-not-yet-valid");
        }
        let (rule, name) = self.rule(certificate)?;
        let subject = rule.subject.clone().unwrap_or_else(|| Subject::from(name));
        Ok(Principal {
            subject,
            issuer: IssuerName::from(ISSUER),
            kind: PrincipalKind::Service,
            credential: CredentialKind::Mtls,
            strength: Strength::Full,
            token_id: Some(TokenId::from(certificate.thumbprint().to_string())),
            client: None,
            roles: rule.roles.clone(),
            scopes: rule.scopes.clone(),
            attributes: attributes(certificate),
            authentication: Authentication::default(),
            issued_at: Some(certificate.not_before()),
            expires_at: Some(certificate.not_after()),
        })
    }

    /// The one rule that fits. One that names a whole name goes before one that names all below it; two that fit equally well would
    /// leave it to their order who calls.
    fn rule<'a>(&'a self, certificate: &'a ClientCertificate) -> Result<(&'a CertificateRule, &'a str), &'static str> {
        let fitting = |is_whole: bool| {
            let of_kind = move |rule: &&CertificateRule| matches!(rule.name, CertificateName::UriBelow(_)) != is_whole;
            self.0.iter().filter(of_kind).filter_map(|rule| Some((rule, fits(&rule.name, certificate)?)))
        };
        for is_whole in [true, false] {
            let mut found = fitting(is_whole);
            match (found.next(), found.next()) {
                (Some(only), None) => return Ok(only),
                (Some(_), Some(_)) => return Err("certificate-ambiguous"),
                (None, _) => {}
            }
        }
        Err("certificate-unknown")
    }
}

/// The name of the certificate that the rule means, if it has it.
fn fits<'a>(name: &'a CertificateName, certificate: &'a ClientCertificate) -> Option<&'a str> {
    match name {
        CertificateName::Subject(wanted) => Some(certificate.subject()).filter(|subject| *subject == &**wanted),
        CertificateName::Dns(wanted) => certificate.dns_names().find(|name| *name == &**wanted),
        CertificateName::Uri(wanted) => certificate.uris().find(|uri| *uri == &**wanted),
        CertificateName::UriBelow(prefix) => certificate.uris().find(|uri| is_below(uri, prefix)),
        CertificateName::Email(wanted) => certificate.emails().find(|email| *email == &**wanted),
        CertificateName::Thumbprint(wanted) => (certificate.thumbprint() == *wanted).then_some(certificate.subject()),
    }
}

/// Below, and nowhere else by way of `..` or an escape: a SPIFFE ID has neither (SPIFFE ID §2.2).
fn is_below(uri: &str, prefix: &str) -> bool {
    let rest = uri.strip_prefix(prefix);
    rest.is_some_and(|rest| {
        !rest.contains(['%', '?', '#']) && rest.split('/').all(|segment| !["", ".", ".."].contains(&segment))
    })
}

/// Whether the certificate was revoked: by its thumbprint under [`ISSUER`], or by its serial number under its own issuer's name.
pub(crate) fn is_revoked(certificate: &ClientCertificate, revoked: &RevocationSet) -> bool {
    !revoked.is_empty()
        && (revoked.stops_token(&IssuerName::from(ISSUER), &TokenId::from(certificate.thumbprint().to_string()))
            || revoked.stops_token(&IssuerName::from(certificate.issuer()), &TokenId::from(certificate.serial())))
}

/// What rules about attributes find: `/certificate/issuer` and the like.
fn attributes(certificate: &ClientCertificate) -> Map<String, serde_json::Value> {
    let list = |names: &mut dyn Iterator<Item = &str>| names.map(Arc::<str>::from).collect::<Vec<_>>();
    let certificate = json!({
        "subject": certificate.subject(),
        "issuer": certificate.issuer(),
        "serial": certificate.serial(),
        "thumbprint": certificate.thumbprint().to_string(),
        "dns": list(&mut certificate.dns_names()),
        "uri": list(&mut certificate.uris()),
        "email": list(&mut certificate.emails()),
    });
    Map::from_iter([("certificate".to_owned(), certificate)])
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    fn certificate(uri: &str, dns: &str) -> ClientCertificate {
        let mut parameters = CertificateParams::new(vec![dns.to_owned()]).unwrap();
        parameters.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
        parameters.distinguished_name.push(DnType::CommonName, "caller");
        parameters.not_before = rcgen::date_time_ymd(2026, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2027, 1, 1);
        let der = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap();
        ClientCertificate::parse(der.der()).unwrap()
    }

    fn rule(name: CertificateName, subject: Option<&str>) -> CertificateRule {
        CertificateRule { name, subject: subject.map(Subject::from), roles: vec!["machine".into()], scopes: Vec::new() }
    }

    const NOW: Timestamp = Timestamp::from_unix(1_780_000_000);

    fn subject(rules: Vec<CertificateRule>, certificate: &ClientCertificate) -> Result<String, &'static str> {
        CertificateCallers::new(rules).principal(certificate, NOW).map(|principal| principal.subject.to_string())
    }

    #[test]
    fn a_certificate_speaks_for_whom_the_rule_says_and_for_nobody_else() {
        let billing = certificate("spiffe://example.org/prod/billing", "billing.example.org");
        let uri = CertificateName::Uri("spiffe://example.org/prod/billing".into());
        assert_eq!(subject(vec![rule(uri.clone(), Some("billing"))], &billing), Ok("billing".to_owned()));
        assert_eq!(subject(vec![rule(uri, None)], &billing), Ok("spiffe://example.org/prod/billing".to_owned()));
        let dns = CertificateName::Dns("billing.example.org".into());
        assert_eq!(subject(vec![rule(dns, None)], &billing), Ok("billing.example.org".to_owned()));
        assert_eq!(subject(Vec::new(), &billing), Err("certificate-unknown"));
        let other = CertificateName::Dns("example.org".into());
        assert_eq!(subject(vec![rule(other, None)], &billing), Err("certificate-unknown"));
        let thumbprint = rule(CertificateName::Thumbprint(billing.thumbprint()), Some("pinned"));
        assert_eq!(subject(vec![thumbprint], &billing), Ok("pinned".to_owned()));
    }

    #[test]
    fn a_whole_name_goes_before_all_below_and_two_equal_fits_are_refused() {
        let billing = certificate("spiffe://example.org/prod/billing", "billing.example.org");
        let below = rule(CertificateName::UriBelow("spiffe://example.org/prod/".into()), None);
        let whole = rule(CertificateName::Uri("spiffe://example.org/prod/billing".into()), Some("billing"));
        assert_eq!(subject(vec![below.clone(), whole.clone()], &billing), Ok("billing".to_owned()));
        let dns = rule(CertificateName::Dns("billing.example.org".into()), Some("other"));
        assert_eq!(subject(vec![whole, dns], &billing), Err("certificate-ambiguous"));
    }

    #[test]
    fn below_a_prefix_is_not_beside_it() {
        let prefix = "spiffe://example.org/prod/";
        assert!(is_below("spiffe://example.org/prod/a", prefix) && is_below("spiffe://example.org/prod/a/b", prefix));
        for outside in [
            "spiffe://example.org/prod",
            "spiffe://example.org/prod/",
            "spiffe://example.org/prod/../dev/a",
            "spiffe://example.org/prod/%2e%2e/a",
            "spiffe://example.org.evil/prod/a",
            "spiffe://example.org/prod//a",
        ] {
            assert!(!is_below(outside, prefix), "{outside}");
        }
    }

    #[test]
    fn a_certificate_that_ended_on_an_open_connection_counts_no_more() {
        let billing = certificate("spiffe://example.org/a", "a.example.org");
        let callers = CertificateCallers::new(vec![rule(CertificateName::Dns("a.example.org".into()), None)]);
        let at = |now| callers.principal(&billing, now).map(drop);
        assert_eq!(at(billing.not_after()), Ok(()));
        assert_eq!(at(Timestamp::from_unix(billing.not_after().as_unix() + 1)), Err("certificate-expired"));
        assert_eq!(at(Timestamp::from_unix(0)), Err("certificate-not-yet-valid"));
    }
}
