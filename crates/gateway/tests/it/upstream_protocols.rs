//! What is spoken to upstreams: HTTP/2 with and without TLS, certificates on both sides, sockets in the file system.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bartizan_gateway::config::{
    CertificateFiles, Endpoint, EndpointAddress, Protocol, TlsVersion, Upstream as Group, UpstreamTls,
};
use bartizan_testkit::Certificate;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio_rustls::TlsAcceptor;

use crate::harness::Gated;
use crate::upstream_groups::{before, group};

/// Says in which version it was asked, for whom, and repeats the body.
async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let host = head.uri.authority().map(ToString::to_string);
    let host = host.or_else(|| head.headers.get("host").map(|host| host.to_str().unwrap().to_owned()));
    let body = body.collect().await.unwrap().to_bytes();
    let text = format!("{:?} {} {}", head.version, host.unwrap_or_default(), String::from_utf8_lossy(&body));
    Ok(Response::new(Full::from(text)))
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin + 'static + Send, is_http2: bool) {
    let (stream, service) = (TokioIo::new(stream), service_fn(echo));
    if is_http2 {
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection(stream, service).await;
    } else {
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await;
    }
}

async fn h2c_server() -> (SocketAddr, Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections: Arc<std::sync::atomic::AtomicUsize> = Arc::default();
    let counted = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            tokio::spawn(answer(stream, true));
        }
    });
    (address, connections)
}

/// A TLS server for `names`, which asks for a client certificate where one is to be trusted.
async fn tls_server(certificate: &Certificate, client: Option<&Certificate>, alpn: &[&[u8]]) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider.clone());
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(client.der.clone()).unwrap();
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes()).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(certificate.pem.as_bytes()).unwrap()];
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = alpn.iter().map(|it| it.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                answer(stream, is_http2).await;
            });
        }
    });
    address
}

fn written(directory: &TempDir, name: &str, certificate: &Certificate) -> CertificateFiles {
    let files = CertificateFiles {
        certificate: directory.path().join(format!("{name}.crt")),
        key: directory.path().join(format!("{name}.key")),
        ocsp: None,
    };
    std::fs::write(&files.certificate, &certificate.pem).unwrap();
    std::fs::write(&files.key, &certificate.key_pem).unwrap();
    files
}

fn over_tls(address: SocketAddr, tls: UpstreamTls) -> Group {
    Group { tls: Some(tls), ..group(&[address]) }
}

#[tokio::test]
async fn many_requests_share_one_connection_of_h2c() {
    let (address, connections) = h2c_server().await;
    let gate = Gated::start(before(Group { protocol: Protocol::H2c, ..group(&[address]) }));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let url = gate.url("/x");
        tasks.spawn(async move {
            let body = format!("body {number}");
            let request = crate::harness::request(Method::POST, &url, &[("host", "localhost")], &body);
            let answer = bartizan_testkit::HttpClient::plain().send(request).await.unwrap();
            assert_eq!((answer.status, answer.text()), (StatusCode::OK, format!("HTTP/2.0 localhost {body}").as_str()));
        });
    }
    tasks.join_all().await;
    assert_eq!(connections.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn by_tls_both_sides_agree_on_the_version() {
    let certificate = Certificate::for_names(&["127.0.0.1"]);
    let directory = tempfile::tempdir().unwrap();
    let authorities = Some(written(&directory, "server", &certificate).certificate);
    let tls = UpstreamTls { authorities, ..UpstreamTls::default() };
    for (alpn, protocol, expected) in [
        (&[&b"h2"[..], b"http/1.1"][..], Protocol::Auto, "HTTP/2.0"),
        (&[&b"http/1.1"[..]][..], Protocol::Auto, "HTTP/1.1"),
        (&[&b"h2"[..], b"http/1.1"][..], Protocol::Http1, "HTTP/1.1"),
        (&[&b"h2"[..]][..], Protocol::Http2, "HTTP/2.0"),
        (&[&b"http/1.1"[..]][..], Protocol::Http2, "upstream-unreachable"),
    ] {
        let address = tls_server(&certificate, None, alpn).await;
        let gate = Gated::start(before(Group { protocol, ..over_tls(address, tls.clone()) }));
        for _ in 0..2 {
            let answer = gate.get("/x").await;
            assert!(answer.text().contains(expected), "{protocol:?}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn an_upstream_has_to_prove_its_name_and_so_has_the_gate() {
    let server = Certificate::for_names(&["ledger.internal"]);
    let (gate_own, stranger) = (Certificate::for_names(&["gate"]), Certificate::for_names(&["stranger"]));
    let directory = tempfile::tempdir().unwrap();
    let authorities = Some(written(&directory, "server", &server).certificate);
    let own = written(&directory, "gate", &gate_own);
    let others = written(&directory, "stranger", &stranger);
    let address = tls_server(&server, Some(&gate_own), &[b"http/1.1"]).await;
    let name = Some(Arc::from("ledger.internal"));
    for (server_name, client_certificate, expected) in [
        (name.clone(), Some(own.clone()), StatusCode::OK),
        (name.clone(), None, StatusCode::BAD_GATEWAY),
        (name, Some(others), StatusCode::BAD_GATEWAY),
        (Some("other.internal".into()), Some(own.clone()), StatusCode::BAD_GATEWAY),
        (None, Some(own), StatusCode::BAD_GATEWAY),
    ] {
        let tls = UpstreamTls {
            authorities: authorities.clone(),
            server_name: server_name.clone(),
            client_certificate,
            min_version: TlsVersion::Tls13,
            uri_names: Vec::new(),
        };
        let gate = Gated::start(before(over_tls(address, tls)));
        assert_eq!(gate.get("/x").await.status, expected, "{server_name:?}");
    }
}

#[tokio::test]
async fn a_workload_is_known_by_its_uri_name_alone() {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::default();
    parameters.subject_alt_names = vec![rcgen::SanType::URI("spiffe://example.org/ledger".try_into().unwrap())];
    let made = parameters.self_signed(&key).unwrap();
    let certificate = Certificate { pem: made.pem(), key_pem: key.serialize_pem(), der: made.der().clone() };
    let directory = tempfile::tempdir().unwrap();
    let authorities = Some(written(&directory, "ledger", &certificate).certificate);
    let address = tls_server(&certificate, None, &[b"h2"]).await;
    for (uri, expected) in
        [("spiffe://example.org/ledger", StatusCode::OK), ("spiffe://example.org/other", StatusCode::BAD_GATEWAY)]
    {
        let tls =
            UpstreamTls { authorities: authorities.clone(), uri_names: vec![uri.into()], ..UpstreamTls::default() };
        let gate = Gated::start(before(over_tls(address, tls)));
        assert_eq!(gate.get("/x").await.status, expected, "{uri}");
    }
}

#[tokio::test]
async fn a_socket_in_the_file_system_is_an_endpoint() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, false));
        }
    });
    let endpoint = |path| Endpoint { address: EndpointAddress::Unix(path), weight: std::num::NonZeroU16::MIN };
    let gate = Gated::start(before(Group { endpoints: vec![endpoint(path)], ..group(&[]) }));
    assert!(gate.get("/x").await.text().starts_with("HTTP/1.1"));
    let nowhere = directory.path().join("gone.sock");
    let gate = Gated::start(before(Group { endpoints: vec![endpoint(nowhere)], ..group(&[]) }));
    assert_eq!(gate.get("/x").await.status, StatusCode::BAD_GATEWAY);
}
