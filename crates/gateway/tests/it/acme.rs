//! Certificates that the gate fetches by itself, from an authority that others wrote.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bartizan_gateway::config::{Acme, AcmeChallenge, Config, ExternalAccount, Tls, TlsVersion};
use bartizan_testkit::{EXTERNAL_ACCOUNT_KEY, Pebble, Upstream};
use bartizan_vault::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::asn1_rs::FromDer as _;
use x509_parser::prelude::X509Certificate;

use crate::harness::{Gated, config, eventually, route};
use crate::wire::exchange;

const NAMES: [&str; 2] = ["api.test.example", "www.test.example"];

/// `./test` installs it; without it these tests have nothing to ask.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn is_installed() -> bool {
    let found = Command::new("pebble").arg("-help").output().is_ok();
    if !found {
        println!("skipped: `pebble` is not installed; ./test installs it");
    }
    found
}

fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A configuration that fetches its certificate from `pebble`.
fn fetching(
    pebble: &Pebble,
    listen: SocketAddr,
    upstream: &Upstream,
    state: &Path,
    challenge: AcmeChallenge,
) -> Config {
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.server.listen = vec![listen.into()];
    rules.server.public_url = "https://api.test.example".parse().unwrap();
    rules.server.tls = Tls::Acme { acme: Arc::new(order(pebble, state, challenge)), min_version: TlsVersion::Tls12 };
    rules
}

fn order(pebble: &Pebble, state: &Path, challenge: AcmeChallenge) -> Acme {
    Acme {
        directory: pebble.directory().parse().unwrap(),
        authorities: Some(pebble.authority_file()),
        contacts: vec!["ops@test.example".into()],
        domains: NAMES.map(Into::into).to_vec(),
        challenge,
        external_account: None,
        state: state.join("acme"),
    }
}

/// Whose certificate a client sees; `None` if it sees none.
async fn shown(address: SocketAddr, alpn: &[&str]) -> Option<CertificateDer<'static>> {
    let mut client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Looking))
        .with_no_client_auth();
    client.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(NAMES[0]).unwrap();
    let stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await.ok()?;
    stream.get_ref().1.peer_certificates()?.first().cloned()
}

async fn wait_for_certificate(gate: &Gated) {
    eventually("a certificate is fetched", || !gate.certificates().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_fetched_by_a_handshake_on_the_listener_itself_and_outlives_its_authority() {
    if !is_installed() {
        return;
    }
    let (upstream, state) = (Upstream::answering(StatusCode::OK, "hello"), tempfile::tempdir().unwrap());
    let listen = free_address();
    let mut pebble = Pebble::start(listen.port(), 9);
    let rules = fetching(&pebble, listen, &upstream, state.path(), AcmeChallenge::TlsAlpn01);
    let gate = Gated::start(rules.clone());
    wait_for_certificate(&gate).await;
    let first = shown(gate.address(), &["http/1.1"]).await.unwrap();
    for name in NAMES {
        let leaf = rustls::server::ParsedCertificate::try_from(&first).unwrap();
        rustls::client::verify_server_name(&leaf, &name.try_into().unwrap()).unwrap();
    }
    assert_eq!(shown(gate.address(), &["acme-tls/1"]).await, None, "no challenge is open any more");
    for file in fs::read_dir(state.path().join("acme")).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    let records = gate.records();
    assert!(records.iter().any(|record| record["event"]["action"] == "certificate-loaded"), "{records:#?}");

    // A directory that is down changes nothing for a gate that has a certificate, not even over a restart.
    pebble.kill();
    let again = Gated::start(rules);
    assert_eq!(shown(again.address(), &["http/1.1"]).await.unwrap(), first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_fetched_by_a_document_on_the_plain_listener_which_answers_nothing_else() {
    if !is_installed() {
        return;
    }
    let (upstream, state) = (Upstream::answering(StatusCode::OK, "hello"), tempfile::tempdir().unwrap());
    let (listen, plain) = (free_address(), free_address());
    let pebble = Pebble::start(9, plain.port());
    let mut rules = fetching(&pebble, listen, &upstream, state.path(), AcmeChallenge::Http01);
    rules.server.redirect_from = Some(plain);
    let gate = Gated::start(rules);
    wait_for_certificate(&gate).await;
    let asked = "GET /.well-known/acme-challenge/guess HTTP/1.1\r\nHost: api.test.example\r\n\r\n";
    assert_eq!(exchange(gate.redirect_address(), asked).await.status, 308);
    let answered = gate.events().iter().filter(|event| event["http"]["response"]["status_code"] == 200).count();
    assert!(answered >= NAMES.len(), "the authority's questions are events like any other: {answered}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_before_it_ends_and_no_handshake_is_lost_on_the_way() {
    if !is_installed() {
        return;
    }
    let (upstream, state) = (Upstream::answering(StatusCode::OK, "hello"), tempfile::tempdir().unwrap());
    let listen = free_address();
    let pebble = Pebble::issuing_for(Duration::from_secs(12), listen.port(), 9);
    let gate = Gated::start(fetching(&pebble, listen, &upstream, state.path(), AcmeChallenge::TlsAlpn01));
    wait_for_certificate(&gate).await;
    let first = shown(gate.address(), &["http/1.1"]).await.unwrap();
    let (mut handshakes, end) = (0, Instant::now() + Duration::from_secs(40));
    loop {
        let now = shown(gate.address(), &["http/1.1"]).await.expect("a handshake was lost");
        handshakes += 1;
        let (_, parsed) = X509Certificate::from_der(&now).unwrap();
        assert!(parsed.validity().is_valid(), "after {handshakes} handshakes: {:?}", parsed.validity());
        if now != first {
            break;
        }
        assert!(Instant::now() < end, "it is never renewed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(handshakes > 20, "{handshakes}");
    let kept = fs::read_to_string(state.path().join("acme/api.test.example.pem")).unwrap();
    let records = gate.records();
    let loaded: Vec<_> = records.iter().filter(|it| it["event"]["action"] == "certificate-loaded").collect();
    assert_eq!(loaded.len(), 2, "both are told of: {loaded:#?}");
    assert!(kept.contains("PRIVATE KEY") && kept.contains("CERTIFICATE"), "what a restart would show");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_exists_already_is_bound_and_one_that_was_forgotten_is_made_again() {
    if !is_installed() {
        return;
    }
    let (upstream, state) = (Upstream::answering(StatusCode::OK, "hello"), tempfile::tempdir().unwrap());
    let listen = free_address();
    let mut pebble = Pebble::demanding_accounts(listen.port(), 9);
    let mut acme = order(&pebble, state.path(), AcmeChallenge::TlsAlpn01);
    let key = Secret::new(URL_SAFE_NO_PAD.decode(EXTERNAL_ACCOUNT_KEY).unwrap());
    acme.external_account = Some(ExternalAccount { key_id: "kid-1".to_owned(), key });
    let mut rules = fetching(&pebble, listen, &upstream, state.path(), AcmeChallenge::TlsAlpn01);
    rules.server.tls = Tls::Acme { acme: Arc::new(acme), min_version: TlsVersion::Tls12 };
    let gate = Gated::start(rules.clone());
    wait_for_certificate(&gate).await;
    drop(gate.records());

    // The certificate is lost, and the authority has forgotten the account.
    fs::remove_file(state.path().join("acme/api.test.example.pem")).unwrap();
    pebble.restart();
    let gate = Gated::start(rules);
    wait_for_certificate(&gate).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_the_first_certificate_handshakes_are_refused_and_the_reason_is_told() {
    if !is_installed() {
        return;
    }
    let (upstream, state) = (Upstream::answering(StatusCode::OK, "hello"), tempfile::tempdir().unwrap());
    let listen = free_address();
    // The authority checks at a port where nobody answers.
    let pebble = Pebble::start(9, 9);
    let gate = Gated::start(fetching(&pebble, listen, &upstream, state.path(), AcmeChallenge::TlsAlpn01));
    assert_eq!(shown(gate.address(), &["http/1.1"]).await, None);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(shown(gate.address(), &["http/1.1"]).await, None);
    let records = gate.records();
    let told = records.iter().find(|record| record["event"]["action"] == "certificate-refused");
    let told = told.unwrap_or_else(|| panic!("{records:#?}"));
    assert!(told.to_string().contains("could not confirm"), "{told:#?}");
}

/// Takes any certificate: what is looked at is whose it is.
#[derive(Debug)]
struct Looking;

impl ServerCertVerifier for Looking {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}
