//! Certificates that clients show: which handshakes they open, and which they do not.

use std::fs;
use std::sync::Arc;

use bartizan_gateway::config::{CertificateDemand, ClientCertificates, UnknownRevocation};
use bartizan_testkit::{Authority, Certificate, HttpClient, Issued, Lifetime, Upstream};
use http::StatusCode;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::{Gated, config, route};
use crate::tls::over_tls;

/// A gate that asks for certificates of one authority.
struct Mutual {
    gate: Gated,
    server: Certificate,
    _upstream: Upstream,
    _files: [TempDir; 2],
}

#[expect(clippy::struct_field_names, reason = "as the configuration has it")]
struct Demand<'a> {
    authority: &'a Authority,
    lists: &'a [String],
    demand: CertificateDemand,
    unknown: UnknownRevocation,
}

impl<'a> Demand<'a> {
    fn of(authority: &'a Authority) -> Self {
        let (demand, unknown) = (CertificateDemand::Required, UnknownRevocation::Refuse);
        Self { authority, lists: &[], demand, unknown }
    }
}

impl Mutual {
    fn start(demand: &Demand<'_>) -> Self {
        let upstream = Upstream::answering(StatusCode::OK, "hello");
        let server = Certificate::for_names(&["localhost"]);
        let (mut rules, served) = over_tls(config(vec![route("/", upstream.address())]), &[&server]);
        let files = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            fs::write(files.path().join(name), text).unwrap();
            files.path().join(name)
        };
        rules.server.listening.client_certificates = Some(ClientCertificates {
            authorities: write("ca.pem", &demand.authority.pem()),
            demand: demand.demand,
            revocation_lists: demand
                .lists
                .iter()
                .enumerate()
                .map(|(n, list)| write(&format!("{n}.crl"), list))
                .collect(),
            unknown_revocation: demand.unknown,
        });
        Self { gate: Gated::start(rules), server, _upstream: upstream, _files: [served, files] }
    }

    fn client(&self, shown: Option<&Issued>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.server.der.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        match shown {
            None => builder.with_no_client_auth(),
            Some(issued) => builder.with_client_auth_cert(vec![issued.der.clone()], issued.key()).unwrap(),
        }
    }

    /// Whether a client that shows this is served.
    async fn serves(&self, shown: Option<&Issued>) -> bool {
        let client = HttpClient::with_tls(self.client(shown)).connecting_to(self.gate.address());
        client.get("https://localhost/").await.is_ok_and(|answer| answer.status == StatusCode::OK)
    }
}

#[tokio::test]
async fn only_a_certificate_of_the_authority_that_has_not_ended_opens_the_handshake() {
    let (authority, other) = (Authority::new("Clients"), Authority::new("Clients"));
    let mutual = Mutual::start(&Demand::of(&authority));
    assert!(mutual.serves(Some(&authority.client("shop", 1, Lifetime::Now))).await);
    assert!(!mutual.serves(None).await, "none");
    assert!(!mutual.serves(Some(&other.client("shop", 1, Lifetime::Now))).await, "another authority of the same name");
    assert!(!mutual.serves(Some(&authority.client("shop", 2, Lifetime::Past))).await, "one that has ended");
    assert!(!mutual.serves(Some(&authority.server(&["localhost"], 3))).await, "one for servers");
    let records = mutual.gate.records();
    let refused = records.iter().filter(|record| record["event"]["code"] == "tls-handshake").count();
    assert_eq!(refused, 4, "each leaves an event: {records:#?}");
}

#[tokio::test]
async fn where_it_is_optional_a_client_without_one_is_let_in_but_never_one_with_a_wrong_one() {
    let (authority, other) = (Authority::new("Clients"), Authority::new("Others"));
    let mutual = Mutual::start(&Demand { demand: CertificateDemand::Optional, ..Demand::of(&authority) });
    assert!(mutual.serves(None).await);
    assert!(mutual.serves(Some(&authority.client("shop", 1, Lifetime::Now))).await);
    assert!(!mutual.serves(Some(&authority.client("shop", 2, Lifetime::Past))).await);
    // A client that is told which authorities are taken shows nothing of another: it is let in as nobody, if at all.
    let _ = mutual.serves(Some(&other.client("shop", 1, Lifetime::Now))).await;
}

#[tokio::test]
async fn a_revoked_certificate_is_refused() {
    let authority = Authority::new("Clients");
    let (good, revoked) = (authority.client("good", 1, Lifetime::Now), authority.client("revoked", 2, Lifetime::Now));
    let lists = [authority.revocation_list(&[&revoked], Lifetime::Now)];
    let mutual = Mutual::start(&Demand { lists: &lists, ..Demand::of(&authority) });
    assert!(mutual.serves(Some(&good)).await);
    assert!(!mutual.serves(Some(&revoked)).await);
}

#[tokio::test]
async fn a_list_that_is_missing_or_out_of_date_refuses_unless_it_was_said_otherwise() {
    let (authority, other) = (Authority::new("Clients"), Authority::new("Others"));
    let client = authority.client("shop", 1, Lifetime::Now);
    let stale = authority.revocation_list(&[], Lifetime::Past);
    let elsewhere = other.revocation_list(&[], Lifetime::Now);
    for list in [stale, elsewhere] {
        let lists = [list];
        let strict = Demand { lists: &lists, ..Demand::of(&authority) };
        assert!(!Mutual::start(&strict).serves(Some(&client)).await);
        let lenient = Demand { unknown: UnknownRevocation::Accept, ..strict };
        assert!(Mutual::start(&lenient).serves(Some(&client)).await);
    }
}

/// Connects, asks once, and tells how the handshake went: what a server sends for the next time comes with its answer.
async fn handshake(mutual: &Mutual, connector: &TlsConnector) -> Option<HandshakeKind> {
    let stream = TcpStream::connect(mutual.gate.address()).await.unwrap();
    let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.ok()?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    answer.starts_with(b"HTTP/1.1 200").then(|| stream.get_ref().1.handshake_kind()).flatten()
}

#[tokio::test]
async fn nobody_resumes_past_the_verification_of_a_certificate() {
    let authority = Authority::new("Clients");
    let mutual = Mutual::start(&Demand { demand: CertificateDemand::Optional, ..Demand::of(&authority) });
    let client = authority.client("shop", 1, Lifetime::Now);
    for shown in [Some(&client), None] {
        let mut config = mutual.client(shown);
        config.resumption = Resumption::in_memory_sessions(16);
        let connector = TlsConnector::from(Arc::new(config));
        for _ in 0..2 {
            let kind = handshake(&mutual, &connector).await.unwrap();
            assert_ne!(kind, HandshakeKind::Resumed);
        }
    }
}
