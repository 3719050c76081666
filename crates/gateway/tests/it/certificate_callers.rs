//! Client certificates as callers, and tokens that are bound to one (`RFC 8705`), over real handshakes.

use std::fs;
use std::sync::Arc;

use bartizan_gateway::config::{
    CertificateDemand, CertificateName, CertificateRule, ClientCertificates, Config, UnknownRevocation,
};
use bartizan_policy::{Access, CredentialKind, Revocation};
use bartizan_testkit::{Algorithm, Answered, Authority, Certificate, HttpClient, Issued, Issuer, Lifetime, Upstream};
use bartizan_token::{CertificateThumbprint, ClientCertificate};
use http::{Method, StatusCode};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{AUDIENCE, Gated, config, guarded, request, rule, trusting};
use crate::tls::over_tls;

/// What a gate that asks for certificates needs: the authority's file, and the server's own certificate.
struct Setting {
    server: Certificate,
    upstream: Upstream,
    issuer: Issuer,
    authority: Authority,
    files: TempDir,
}

impl Setting {
    fn new() -> Self {
        let (authority, files) = (Authority::new("Clients"), tempfile::tempdir().unwrap());
        fs::write(files.path().join("ca.pem"), authority.pem()).unwrap();
        let upstream = Upstream::answering(StatusCode::OK, "hello");
        let (server, issuer) = (Certificate::for_names(&["localhost"]), Issuer::start(Algorithm::Es256));
        Self { server, upstream, issuer, authority, files }
    }

    fn rules(&self, access: Access, credentials: &[CredentialKind]) -> (Config, TempDir) {
        let mut route = guarded("/", self.upstream.address(), access);
        route.credentials = credentials.to_vec();
        let (mut rules, served) = over_tls(config(vec![route]), &[&self.server]);
        rules.issuers = vec![trusting(&self.issuer)];
        rules.limits.failed_authentication = crate::harness::rate("1000/second");
        rules.server.listening.client_certificates = Some(ClientCertificates {
            authorities: self.files.path().join("ca.pem"),
            demand: CertificateDemand::Optional,
            revocation_lists: Vec::new(),
            unknown_revocation: UnknownRevocation::Refuse,
        });
        (rules, served)
    }

    async fn get(&self, gate: &Gated, shown: Option<&Issued>, fields: &[(&str, &str)]) -> Answered {
        let mut roots = RootCertStore::empty();
        roots.add(self.server.der.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let tls = match shown {
            None => builder.with_no_client_auth(),
            Some(issued) => builder.with_client_auth_cert(vec![issued.der.clone()], issued.key()).unwrap(),
        };
        let client = HttpClient::with_tls(tls).connecting_to(gate.address());
        client.send(request(Method::GET, "https://localhost/", fields, "")).await.unwrap()
    }
}

fn pinned(issued: &Issued, subject: &str) -> CertificateRule {
    CertificateRule {
        name: CertificateName::Thumbprint(CertificateThumbprint::of(&issued.der)),
        subject: Some(subject.into()),
        roles: vec!["machine".into()],
        scopes: Vec::new(),
    }
}

#[tokio::test]
async fn a_certificate_speaks_for_whom_the_configuration_says_until_it_is_revoked() {
    let setting = Setting::new();
    let (known, unknown) =
        (setting.authority.client("known", 1, Lifetime::Now), setting.authority.client("unknown", 2, Lifetime::Now));
    let access = rule(|rule| rule.roles = vec!["machine".into()]);
    let (mut rules, _served) = setting.rules(access, &[CredentialKind::Mtls]);
    rules.certificates = vec![pinned(&known, "billing")];
    let gate = Gated::start(rules.clone());
    for _ in 0..2 {
        assert_eq!(setting.get(&gate, Some(&known), &[]).await.status, StatusCode::OK);
    }
    assert_eq!(setting.get(&gate, Some(&unknown), &[]).await.status, StatusCode::UNAUTHORIZED, "signed, but nobody");
    assert_eq!(setting.get(&gate, None, &[]).await.status, StatusCode::UNAUTHORIZED, "none");
    let certificate = ClientCertificate::parse(&known.der).unwrap();
    let by_thumbprint = ("certificates", certificate.thumbprint().to_string());
    let by_serial = (certificate.issuer(), certificate.serial().to_owned());
    for (issuer, id) in [by_thumbprint, by_serial] {
        rules.revoked = vec![Revocation::Token { issuer: issuer.into(), id: id.into() }];
        gate.replace(rules.clone());
        assert_eq!(setting.get(&gate, Some(&known), &[]).await.status, StatusCode::UNAUTHORIZED, "{issuer}");
    }
    let events = gate.events();
    assert_eq!((&events[0]["user"]["id"], &events[0]["bartizan"]["credential"]), (&"billing".into(), &"mtls".into()));
    let told = format!("{events:?}");
    assert!(told.contains("certificate-unknown") && told.contains("certificate-revoked"));
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_counts_on_its_connection_alone() {
    let setting = Setting::new();
    let (own, others) =
        (setting.authority.client("own", 1, Lifetime::Now), setting.authority.client("others", 2, Lifetime::Now));
    let (rules, _served) = setting.rules(Access::SignedIn, &[CredentialKind::Bearer]);
    let gate = Gated::start(rules);
    let thumbprint = CertificateThumbprint::of(&own.der).to_string();
    let token = setting.issuer.token(json!({ "sub": "ada", "aud": AUDIENCE, "cnf": { "x5t#S256": thumbprint } }));
    let bearer = format!("Bearer {token}");
    let field = [("authorization", bearer.as_str())];
    assert_eq!(setting.get(&gate, Some(&own), &field).await.status, StatusCode::OK);
    assert_eq!(setting.get(&gate, Some(&others), &field).await.status, StatusCode::UNAUTHORIZED, "stolen");
    assert_eq!(setting.get(&gate, None, &field).await.status, StatusCode::UNAUTHORIZED, "without any");
    assert_eq!(setting.get(&gate, Some(&own), &field).await.status, StatusCode::OK);
    // The certificate by itself is no credential here: the route does not take it.
    assert_eq!(setting.get(&gate, Some(&own), &[]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_the_request_carries_goes_before_the_certificate() {
    let setting = Setting::new();
    let known = setting.authority.client("known", 1, Lifetime::Now);
    let (mut rules, _served) = setting.rules(Access::SignedIn, &[CredentialKind::Bearer, CredentialKind::Mtls]);
    rules.certificates = vec![pinned(&known, "billing")];
    let gate = Gated::start(rules);
    let bearer = format!("Bearer {}", setting.issuer.token(json!({ "sub": "ada", "aud": AUDIENCE })));
    assert_eq!(setting.get(&gate, Some(&known), &[("authorization", &bearer)]).await.status, StatusCode::OK);
    let stale = [("authorization", "Bearer x.y.z")];
    assert_eq!(setting.get(&gate, Some(&known), &stale).await.status, StatusCode::UNAUTHORIZED, "no way around it");
    assert_eq!(setting.get(&gate, Some(&known), &[]).await.status, StatusCode::OK);
    let subjects: Vec<_> = gate.events().iter().map(|event| event["user"]["id"].clone()).collect();
    assert_eq!(subjects, [json!("ada"), json!(null), json!("billing")]);
}
