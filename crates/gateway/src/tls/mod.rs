//! TLS on the public listener: versions, key exchange, which certificate for which name, and whose certificates are asked for.

mod client;
mod development;
mod handshake;
mod ocsp;
mod resolver;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion};

pub use self::development::{DevelopmentCertificate, development_certificate};
use self::resolver::{ByName, Shown};
use crate::acme::{AcmeCertificates, Managed};
use crate::config::{CertificateFiles, ClientCertificates, Server, Tls, TlsVersion};

pub(crate) use self::handshake::{Accepted, accept};

/// Certificates loaded and ready to be shown.
pub(crate) struct Certificates {
    pub(crate) config: Arc<ServerConfig>,
    /// Answers a certificate authority that checks whether a name is ours.
    challenge: Option<Arc<ServerConfig>>,
    /// The certificate that is fetched, where one is.
    pub(crate) managed: Option<Arc<Managed>>,
    infos: Vec<CertificateInfo>,
}

/// What an operator compares with what a client sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// Where it was read from.
    pub file: PathBuf,
    /// SHA-256 of the leaf, as browsers and `openssl x509 -fingerprint -sha256` show it.
    pub fingerprint: String,
    /// Whether the gate made it itself.
    pub is_self_signed: bool,
}

/// Why TLS cannot be spoken as configured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("{file}: {cause}")]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        cause: String,
    },
    /// A certificate that could not be made.
    #[error("self-signed certificate: {0}")]
    SelfSigned(#[from] rcgen::Error),
    /// Versions and cipher suites.
    #[error("TLS: {0}")]
    Config(#[from] rustls::Error),
    /// A configuration that fetches certificates, on a node that was started without what fetches them.
    #[error("certificates are to be fetched by ACME, but nothing here fetches them")]
    NoAcme,
}

impl Certificates {
    /// The certificates in use.
    pub(crate) fn infos(&self) -> Vec<CertificateInfo> {
        self.infos.iter().cloned().chain(self.managed.as_ref().and_then(|managed| managed.info())).collect()
    }
}

/// Loads what the configuration names; `None` where TLS is off.
pub(crate) fn load(server: &Server, acme: Option<&Arc<AcmeCertificates>>) -> Result<Option<Certificates>, TlsError> {
    let provider = Arc::new(provider());
    let (files, min_version, is_self_signed) = match &server.tls {
        Tls::Off => return Ok(None),
        Tls::SelfSigned { directory, min_version } => {
            let host = server.public_url.host().unwrap_or("localhost");
            let made = development_certificate(directory, host, SystemTime::now())?;
            (vec![made.files], *min_version, true)
        }
        Tls::Files { certificates, min_version } => (certificates.clone(), *min_version, false),
        Tls::Acme { acme: rules, min_version } => {
            let managed = acme.ok_or(TlsError::NoAcme)?.manage(rules);
            let config = server_config(&provider, *min_version, managed.clone(), server)?;
            let challenge = Arc::new(challenge_config(&provider, &managed)?);
            let (infos, challenge) = (Vec::new(), Some(challenge));
            return Ok(Some(Certificates { config: Arc::new(config), challenge, managed: Some(managed), infos }));
        }
    };
    let mut infos = Vec::new();
    let mut shown = Vec::new();
    for files in files {
        let key = certified_key(&files, &provider)?;
        infos.push(CertificateInfo { fingerprint: fingerprint(&key), file: files.certificate, is_self_signed });
        shown.push(Shown::new(key, files.ocsp.as_deref())?);
    }
    let config = server_config(&provider, min_version, Arc::new(ByName(shown)), server)?;
    Ok(Some(Certificates { config: Arc::new(config), challenge: None, managed: None, infos }))
}

fn server_config(
    provider: &Arc<CryptoProvider>,
    min_version: TlsVersion,
    certificates: Arc<dyn ResolvesServerCert>,
    server: &Server,
) -> Result<ServerConfig, TlsError> {
    let asked_for = server.listening.client_certificates.as_ref();
    let verifier = match asked_for {
        Some(rules) => client::verifier(rules, provider)?,
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions(min_version))?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Every suite is strong; whoever can make a client prefer one gains nothing by it.
    config.ignore_client_order = true;
    resume(&mut config, asked_for)?;
    Ok(config)
}

/// How a client that comes back is spared half of the handshake.
///
/// By tickets, which the client keeps: any worker takes them, no memory grows and no lock is shared. Their keys are made by rustls in
/// this process, never leave it, and are replaced every six hours. A resumed session of TLS 1.3 makes new keys by (EC)DHE all the same,
/// so that a stolen ticket key reads nothing of it; of TLS 1.2 it would read what was recorded in its time, which the guide says.
///
/// Where certificates are asked for, nobody resumes: rustls takes the certificate of a resumed session from the ticket, and neither
/// its end nor a revocation since then would be seen.
fn resume(config: &mut ServerConfig, client_certificates: Option<&ClientCertificates>) -> Result<(), TlsError> {
    config.session_storage = Arc::new(NoServerSessionStorage {});
    if client_certificates.is_some() {
        config.send_tls13_tickets = 0;
    } else {
        config.ticketer = Ticketer::new()?;
    }
    Ok(())
}

/// For handshakes of `acme-tls/1` alone, which end with the handshake: nothing is served, no certificate is asked for.
fn challenge_config(provider: &Arc<CryptoProvider>, managed: &Arc<Managed>) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions(TlsVersion::Tls12))?
        .with_no_client_auth()
        .with_cert_resolver(managed.challenges());
    config.alpn_protocols = vec![handshake::ACME_TLS.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// aws-lc-rs with rustls' own choice of suites (all with forward secrecy and AEAD) and X25519MLKEM768 preferred, so that what is
/// recorded today cannot be read by a quantum computer later.
fn provider() -> CryptoProvider {
    default_provider()
}

fn versions(lowest: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    const FROM_1_2: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];
    const FROM_1_3: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
    match lowest {
        TlsVersion::Tls12 => FROM_1_2,
        TlsVersion::Tls13 => FROM_1_3,
    }
}

fn certified_key(files: &CertificateFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|cause| fault(&files.key, cause.to_string()))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|cause| {
        fault(&files.key, format!("does not belong to the certificate in {}: {cause}", files.certificate.display()))
    })
}

/// The certificates of a PEM file: at least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| fault(file, cause.to_string()))?;
    if chain.is_empty() {
        return Err(fault(file, "holds no certificate in PEM form".to_owned()));
    }
    Ok(chain)
}

fn fault(file: &Path, cause: String) -> TlsError {
    TlsError::File { file: file.to_owned(), cause }
}

pub(crate) fn fingerprint(key: &CertifiedKey) -> String {
    let Ok(leaf) = key.end_entity_cert() else { return String::new() };
    let hex: Vec<String> = digest(&SHA256, leaf).as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    hex.join(":")
}
