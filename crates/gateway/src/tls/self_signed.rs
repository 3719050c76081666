use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, SanType};

use super::TlsError;
use crate::config::CertificateFiles;

/// The development certificate: made once, so that its fingerprint stays what the developer trusted.
pub(super) fn self_signed(directory: &Path, host: &str) -> Result<CertificateFiles, TlsError> {
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
