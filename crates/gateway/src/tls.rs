//! TLS on the public listener: versions, key exchange, and which certificate for which name.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SanType};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion};

use crate::config::{CertificateFiles, Server, Tls, TlsVersion};

/// Certificates loaded and ready to be shown.
pub(crate) struct Certificates {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) infos: Vec<CertificateInfo>,
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
}

/// Loads what the configuration names; `None` where TLS is off.
pub(crate) fn load(server: &Server) -> Result<Option<Certificates>, TlsError> {
    let provider = Arc::new(provider());
    let (files, min_version, is_self_signed) = match &server.tls {
        Tls::Off => return Ok(None),
        Tls::SelfSigned { directory, min_version } => {
            let host = server.public_url.host().unwrap_or("localhost");
            (vec![self_signed(directory, host)?], *min_version, true)
        }
        Tls::Files { certificates, min_version } => (certificates.clone(), *min_version, false),
    };
    let mut infos = Vec::new();
    let mut keys = Vec::new();
    for files in files {
        let key = certified_key(&files, &provider)?;
        infos.push(CertificateInfo { file: files.certificate, fingerprint: fingerprint(&key), is_self_signed });
        keys.push(Arc::new(key));
    }
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions(min_version))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByName(keys)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Tickets would make every worker keep keys that decrypt past sessions; the in-memory cache gives resumption without them.
    Ok(Some(Certificates { config: Arc::new(config), infos }))
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
    let fault = |file: &Path, cause: String| TlsError::File { file: file.to_owned(), cause };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|cause| fault(&files.certificate, cause.to_string()))?;
    if chain.is_empty() {
        return Err(fault(&files.certificate, "holds no certificate in PEM form".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|cause| fault(&files.key, cause.to_string()))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|cause| {
        fault(&files.key, format!("does not belong to the certificate in {}: {cause}", files.certificate.display()))
    })
}

fn fingerprint(key: &CertifiedKey) -> String {
    let Ok(leaf) = key.end_entity_cert() else { return String::new() };
    let hex: Vec<String> = digest(&SHA256, leaf).as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    hex.join(":")
}

/// The certificate whose names include the one that the client asks for; the first for a client that asks for none of them.
#[derive(Debug)]
struct ByName(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| self.0.iter().find(|key| is_for(key, name)));
        named.or(self.0.first()).cloned()
    }
}

fn is_for(key: &CertifiedKey, name: &str) -> bool {
    let Ok(name) = rustls::pki_types::ServerName::try_from(name) else { return false };
    key.end_entity_cert()
        .and_then(ParsedCertificate::try_from)
        .and_then(|certificate| rustls::client::verify_server_name(&certificate, &name))
        .is_ok()
}

/// The development certificate: made once, so that its fingerprint stays what the developer trusted.
fn self_signed(directory: &Path, host: &str) -> Result<CertificateFiles, TlsError> {
    let name: String = host.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    let files = CertificateFiles {
        certificate: directory.join(format!("self-signed-{name}.crt")),
        key: directory.join(format!("self-signed-{name}.key")),
        ocsp: None,
    };
    if files.certificate.exists() && files.key.exists() {
        return Ok(files);
    }
    let key = KeyPair::generate()?;
    let certificate = parameters(host).self_signed(&key)?;
    let write = |file: &Path, text: &str, mode: u32| {
        write_new(directory, file, text, mode)
            .map_err(|cause| TlsError::File { file: file.to_owned(), cause: format!("cannot be written: {cause}") })
    };
    write(&files.key, &key.serialize_pem(), 0o600)?;
    write(&files.certificate, &certificate.pem(), 0o644)?;
    Ok(files)
}

fn parameters(host: &str) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, "Bartizan development certificate");
    parameters.not_before = rcgen::date_time_ymd(2024, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2044, 1, 1);
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let own = match bare.parse::<IpAddr>() {
        Ok(address) => Some(SanType::IpAddress(address)),
        Err(_) => bare.try_into().ok().map(SanType::DnsName),
    };
    let localhost = "localhost".try_into().ok().map(SanType::DnsName);
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].map(SanType::IpAddress);
    let names = own.into_iter().chain(localhost).chain(loopback);
    for name in names {
        if !parameters.subject_alt_names.contains(&name) {
            parameters.subject_alt_names.push(name);
        }
    }
    parameters
}

fn write_new(directory: &Path, file: &Path, text: &str, mode: u32) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut open = fs::OpenOptions::new();
    let mut written = open.write(true).create(true).truncate(true).mode(mode).open(file)?;
    io::Write::write_all(&mut written, text.as_bytes())?;
    written.sync_all()
}
