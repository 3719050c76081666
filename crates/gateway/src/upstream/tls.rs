//! TLS to upstreams: whom to trust, which name has to be proved, and what the gate shows of itself.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::config::{CertificateFiles, Protocol, TlsVersion, UpstreamTls};

/// Whom to trust for TLS: the authorities in a file, or the system's.
///
/// # Errors
/// The file cannot be read, or there is no authority at all: a handshake could then never succeed, or, worse, be made to.
pub(crate) fn authorities(file: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let rules = UpstreamTls { authorities: file.map(Path::to_owned), ..UpstreamTls::default() };
    client(&rules, Protocol::Http1).map(Arc::new)
}

/// The TLS client of an upstream.
///
/// # Errors
/// A file that cannot be used, named.
pub(super) fn client(rules: &UpstreamTls, protocol: Protocol) -> Result<ClientConfig, String> {
    let roots = roots(rules.authorities.as_deref())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions: &[_] = match rules.min_version {
        TlsVersion::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::Tls13 => &[&rustls::version::TLS13],
    };
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .map_err(|cause| cause.to_string())?;
    let builder = if rules.uri_names.is_empty() {
        builder.with_root_certificates(roots)
    } else {
        let verifier = ByUriName::new(roots, rules.uri_names.clone(), &provider);
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    };
    let mut config = match &rules.client_certificate {
        None => builder.with_no_client_auth(),
        Some(files) => {
            let (chain, key) = identity(files)?;
            let fault = |cause: Error| format!("`{}`: {cause}", files.certificate.display());
            builder.with_client_auth_cert(chain, key).map_err(fault)?
        }
    };
    config.alpn_protocols = match protocol {
        Protocol::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        Protocol::Http2 | Protocol::H2c => vec![b"h2".to_vec()],
        Protocol::Http1 => vec![b"http/1.1".to_vec()],
    };
    Ok(config)
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(file) => {
            for certificate in chain(file)? {
                roots.add(certificate).map_err(|cause| format!("`{}`: {cause}", file.display()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        let place = file.map_or("the system".into(), |file| file.display().to_string());
        return Err(format!("no certificate authority in {place}"));
    }
    Ok(roots)
}

fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let fault = |cause| format!("`{}`: {cause}", file.display());
    let certificates = CertificateDer::pem_file_iter(file).map_err(fault)?;
    certificates.map(|certificate| certificate.map_err(fault)).collect()
}

fn identity(files: &CertificateFiles) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|cause| format!("`{}`: {cause}", files.key.display()))?;
    Ok((chain(&files.certificate)?, key))
}

/// The name that a backend's certificate must be for.
pub(crate) fn server_name(host: &str) -> Option<ServerName<'static>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(bare.to_owned()).ok()
}

/// Accepts a certificate by a URI name in place of a host name: a SPIFFE identity stays the same wherever its workload runs.
#[derive(Debug)]
struct ByUriName {
    roots: RootCertStore,
    names: Vec<Arc<str>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ByUriName {
    fn new(roots: RootCertStore, names: Vec<Arc<str>>, provider: &CryptoProvider) -> Self {
        Self { roots, names, algorithms: provider.signature_verification_algorithms }
    }
}

impl ServerCertVerifier for ByUriName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        let algorithms = self.algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, algorithms)?;
        let refused = Error::InvalidCertificate(CertificateError::NotValidForName);
        let Ok(leaf) = webpki::EndEntityCert::try_from(certificate) else { return Err(refused) };
        // SPIFFE X509-SVID §2: exactly one URI name. With two, the authority vouches for two identities at once.
        let mut uris = leaf.valid_uri_names();
        match (uris.next(), uris.next()) {
            (Some(uri), None) if self.names.iter().any(|name| **name == *uri) => Ok(ServerCertVerified::assertion()),
            _ => Err(refused),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
