//! TLS on the public listener, HTTP/2 over it, and the plain listener that only redirects.

use std::sync::Arc;
use std::time::Duration;

use bartizan_gateway::config::{CertificateFiles, Config, Tls, TlsVersion};
use bartizan_testkit::{Answer, Certificate, HttpClient, Protocol, Upstream};
use bytes::Bytes;
use http::{Method, Response, StatusCode, Version};
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, NamedGroup, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{Gated, config, eventually, request, route};
use crate::wire::{Wire, exchange};

/// The same configuration over TLS with these certificates, whose files live as long as the directory.
pub(crate) fn over_tls(mut config: Config, certificates: &[&Certificate]) -> (Config, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let files = certificates.iter().enumerate().map(|(number, certificate)| {
        let files = CertificateFiles {
            certificate: directory.path().join(format!("{number}.crt")),
            key: directory.path().join(format!("{number}.key")),
            ocsp: None,
        };
        std::fs::write(&files.certificate, &certificate.pem).unwrap();
        std::fs::write(&files.key, &certificate.key_pem).unwrap();
        files
    });
    config.server.tls = Tls::Files { certificates: files.collect(), min_version: TlsVersion::Tls12 };
    config.server.public_url = "https://api.test".parse().unwrap();
    (config, directory)
}

/// A connection by a client that offers just this.
pub(crate) async fn handshake(
    gate: &Gated,
    certificate: &Certificate,
    name: &str,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut provider = default_provider();
    provider.kx_groups = vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1];
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(versions).unwrap();
    let mut client = builder.with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(gate.address()).await?;
    TlsConnector::from(Arc::new(client)).connect(ServerName::try_from(name.to_owned()).unwrap(), stream).await
}

pub(crate) const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

fn hello_over_tls(names: &[&str]) -> (Gated, Certificate, Upstream, TempDir) {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let certificate = Certificate::for_names(names);
    let (rules, files) = over_tls(config(vec![route("/", upstream.address())]), &[&certificate]);
    (Gated::start(rules), certificate, upstream, files)
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_with_http_1_and_http_2() {
    let (gate, certificate, _upstream, _files) = hello_over_tls(&["localhost"]);
    let versions =
        [(&rustls::version::TLS12, ProtocolVersion::TLSv1_2), (&rustls::version::TLS13, ProtocolVersion::TLSv1_3)];
    for (offered, spoken) in versions {
        for (alpn, chosen) in [(&["h2", "http/1.1"][..], "h2"), (&["http/1.1"], "http/1.1")] {
            let stream = handshake(&gate, &certificate, "localhost", &[offered], alpn).await.unwrap();
            let (_, session) = stream.get_ref();
            assert_eq!(session.protocol_version(), Some(spoken));
            assert_eq!(session.alpn_protocol(), Some(chosen.as_bytes()));
        }
    }
    let url = format!("https://localhost:{}/", gate.address().port());
    for (protocol, version) in [(Protocol::Http1, Version::HTTP_11), (Protocol::Http2, Version::HTTP_2)] {
        let client = HttpClient::trusting(&certificate.der).over(protocol).connecting_to(gate.address());
        let answer = client.get(&url).await.unwrap();
        assert_eq!((answer.status, answer.version, answer.text()), (StatusCode::OK, version, "hello"));
        assert!(answer.header("strict-transport-security").is_some());
    }
    let versions: Vec<String> =
        gate.events().iter().map(|event| format!("{} {}", event["http"]["version"], event["tls"]["version"])).collect();
    assert_eq!(versions, [r#""1.1" "1.3""#, r#""2" "1.3""#]);
}

#[tokio::test]
async fn a_client_that_offers_a_key_exchange_safe_from_quantum_computers_gets_it() {
    let (gate, certificate, _upstream, _files) = hello_over_tls(&["localhost"]);
    let stream = handshake(&gate, &certificate, "localhost", BOTH, &[]).await.unwrap();
    let group = stream.get_ref().1.negotiated_key_exchange_group().map(rustls::crypto::SupportedKxGroup::name);
    assert_eq!(group, Some(NamedGroup::X25519MLKEM768));
}

#[tokio::test]
async fn a_lowest_version_of_1_3_refuses_1_2() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let certificate = Certificate::for_names(&["localhost"]);
    let (mut rules, _files) = over_tls(config(vec![route("/", upstream.address())]), &[&certificate]);
    if let Tls::Files { min_version, .. } = &mut rules.server.tls {
        *min_version = TlsVersion::Tls13;
    }
    let gate = Gated::start(rules);
    assert!(handshake(&gate, &certificate, "localhost", &[&rustls::version::TLS12], &[]).await.is_err());
    assert!(handshake(&gate, &certificate, "localhost", &[&rustls::version::TLS13], &[]).await.is_ok());
    let records = gate.records();
    assert!(records.iter().any(|record| record["event"]["code"] == "tls-handshake"), "{records:#?}");
}

#[tokio::test]
async fn each_name_gets_its_certificate_and_unknown_names_get_the_first() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let (one, other) = (Certificate::for_names(&["one.test"]), Certificate::for_names(&["*.other.test"]));
    let (rules, _files) = over_tls(config(vec![route("/", upstream.address())]), &[&one, &other]);
    let gate = Gated::start(rules);
    assert!(handshake(&gate, &one, "one.test", BOTH, &[]).await.is_ok());
    assert!(handshake(&gate, &other, "a.other.test", BOTH, &[]).await.is_ok());
    let fault = handshake(&gate, &one, "unknown.test", BOTH, &[]).await.unwrap_err();
    assert!(fault.to_string().contains("not valid for name"), "shows the first certificate: {fault}");
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_closed_cleanly() {
    let (gate, ..) = hello_over_tls(&["localhost"]);
    let mut wire = Wire::open(gate.address()).await;
    wire.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(wire.until("hello").await.is_none(), "the connection ends without an answer");
    let records = gate.records();
    assert_eq!(records.iter().filter(|record| record["event"]["action"] == "connection-failed").count(), 1);
}

#[tokio::test]
async fn a_self_signed_certificate_is_made_once_and_its_fingerprint_stays() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let state = tempfile::tempdir().unwrap();
    let mut rules = config(vec![route("/", upstream.address())]);
    rules.server.tls = Tls::SelfSigned { directory: state.path().join("tls"), min_version: TlsVersion::Tls12 };
    let fingerprint = |gate: &Gated| gate.certificates()[0].fingerprint.clone();
    let first = Gated::start(rules.clone());
    let second = Gated::start(rules);
    assert_eq!(fingerprint(&first), fingerprint(&second));
    assert_eq!(fingerprint(&first).len(), 95, "SHA-256 in hexadecimal pairs");
}

#[tokio::test]
async fn the_plain_listener_redirects_to_the_configured_host_and_to_no_other() {
    let upstream = Upstream::answering(StatusCode::OK, "hello");
    let certificate = Certificate::for_names(&["api.test"]);
    let (mut rules, _files) = over_tls(config(vec![route("/", upstream.address())]), &[&certificate]);
    rules.server.redirect_from = Some("127.0.0.1:0".parse().unwrap());
    let gate = Gated::start(rules);
    let cases = [
        ("GET /a/b?c=d HTTP/1.1\r\nHost: evil.test\r\n\r\n", "https://api.test/a/b?c=d"),
        ("GET //evil.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n", "https://api.test//evil.test/"),
        ("GET http://evil.test/x HTTP/1.1\r\nHost: evil.test\r\n\r\n", "https://api.test/x"),
        ("OPTIONS * HTTP/1.1\r\nHost: api.test\r\n\r\n", "https://api.test/"),
        ("POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 1\r\n\r\nx", "https://api.test/"),
    ];
    for (bytes, location) in cases {
        let reply = exchange(gate.redirect_address(), bytes).await;
        assert_eq!((reply.status, reply.field("location")), (308, Some(location)), "{bytes}");
        assert_eq!(reply.field("strict-transport-security"), None, "not over plain HTTP (RFC 6797 §7.2)");
    }
    assert!(upstream.received().is_empty());
    assert_eq!(gate.events().len(), cases.len(), "a redirect is a request like any other");
}

#[tokio::test]
async fn many_requests_share_one_http_2_connection() {
    let (gate, certificate, upstream, _files) = hello_over_tls(&["localhost"]);
    let client = HttpClient::trusting(&certificate.der).over(Protocol::Http2).connecting_to(gate.address());
    let url = format!("https://localhost:{}/", gate.address().port());
    let mut connection = client.connect(&url.parse().unwrap()).await.unwrap();
    for number in 0..50 {
        let cookies = [("cookie", "a=1"), ("cookie", "b=2")];
        let answer = connection.send(request(Method::POST, &url, &cookies, &number.to_string())).await.unwrap();
        assert_eq!(answer.text(), "hello");
    }
    let received = upstream.received();
    assert_eq!(received.len(), 50);
    assert!(received.iter().all(|request| request.headers["cookie"] == "a=1; b=2"), "{:?}", received[0].headers);
    assert_eq!(received[49].body, "49");
    assert_eq!(received[0].headers["host"], format!("localhost:{}", gate.address().port()).as_str());
}

#[tokio::test]
async fn a_client_that_resets_its_http_2_stream_leaves_one_event_with_499() {
    let upstream = Upstream::start(|_| Answer::Hang);
    let certificate = Certificate::for_names(&["localhost"]);
    let (rules, _files) = over_tls(config(vec![route("/", upstream.address())]), &[&certificate]);
    let gate = Gated::start(rules);
    let client = HttpClient::trusting(&certificate.der).over(Protocol::Http2).connecting_to(gate.address());
    let url = format!("https://localhost:{}/", gate.address().port());
    let mut connection = client.connect(&url.parse().unwrap()).await.unwrap();
    let asked = request(Method::GET, &url, &[], "");
    let leaving = tokio::spawn(async move { connection.send(asked).await });
    eventually("the request reaches the upstream", || upstream.received().len() == 1).await;
    leaving.abort();
    eventually("the gate notices", || gate.recorder().metrics().render().contains("cancelled")).await;
    assert_eq!(gate.only_event()["http"]["response"]["status_code"], 499);
}

#[tokio::test]
async fn trailers_reach_an_http_2_client_but_none_that_would_act_as_a_field() {
    let upstream = Upstream::start(|_| {
        let trailers = [("grpc-status", "0"), ("set-cookie", "a=1")];
        Answer::Stream {
            head: Response::builder().header("trailer", "grpc-status, set-cookie").body(()).unwrap(),
            pieces: vec![(Duration::ZERO, Bytes::from("message"))],
            trailers: trailers
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .into_iter()
                .collect(),
        }
    });
    let certificate = Certificate::for_names(&["localhost"]);
    let (rules, _files) = over_tls(config(vec![route("/", upstream.address())]), &[&certificate]);
    let gate = Gated::start(rules);
    let client = HttpClient::trusting(&certificate.der).over(Protocol::Http2).connecting_to(gate.address());
    let url = format!("https://localhost:{}/", gate.address().port());
    let answer = client.send(request(Method::POST, &url, &[("te", "trailers")], "call")).await.unwrap();
    assert_eq!(answer.text(), "message");
    let trailers = answer.trailers.unwrap();
    assert_eq!((trailers.len(), &trailers["grpc-status"]), (1, &"0".parse().unwrap()));
    assert_eq!(upstream.only_request().headers["te"], "trailers");
}
