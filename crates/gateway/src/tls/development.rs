use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use x509_parser::pem::Pem;

use super::TlsError;
use crate::config::CertificateFiles;

const DAY: Duration = Duration::from_hours(24);
/// Apple's systems refuse what lives longer than 825 days, also under an authority that the user added.
const LIFETIME: Duration = DAY.saturating_mul(800);
/// With less left than this, a start makes another.
const LEAST_LEFT: Duration = DAY.saturating_mul(7);
/// A machine whose clock is behind accepts it all the same.
const EARLIER: Duration = DAY;

/// The certificate of `tls = "self-signed"`.
#[derive(Clone, Debug)]
pub struct DevelopmentCertificate {
    /// What the gate shows, and its key.
    pub files: CertificateFiles,
    /// The authority's certificate: what a browser has to know.
    pub authority: PathBuf,
}

/// The development certificate of a host below a directory: made once, so that it stays what the developer trusted.
///
/// It is signed by an authority that signs nothing else: its key is never written and gone when this returns, so that no thief can turn the
/// trust of a developer's browser against other sites.
///
/// # Errors
///
/// A file that cannot be written, or a host that no certificate can name.
pub fn development_certificate(
    directory: &Path,
    host: &str,
    now: SystemTime,
) -> Result<DevelopmentCertificate, TlsError> {
    let made = DevelopmentCertificate::of(directory, host);
    if !made.lasts(now) {
        made.make(directory, host, now)?;
    }
    Ok(made)
}

impl DevelopmentCertificate {
    /// Where the certificate of a host is, or will be.
    pub fn of(directory: &Path, host: &str) -> Self {
        let name: String = host.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
        let file = |end: &str| directory.join(format!("self-signed-{name}{end}"));
        let files = CertificateFiles { certificate: file(".crt"), key: file(".key"), ocsp: None };
        Self { files, authority: file("-authority.crt") }
    }

    fn lasts(&self, now: SystemTime) -> bool {
        if !self.files.key.exists() || !self.authority.exists() {
            return false;
        }
        let text = fs::read(&self.files.certificate).unwrap_or_default();
        let Some(Ok(leaf)) = Pem::iter_from_buffer(&text).next() else { return false };
        let Ok(leaf) = leaf.parse_x509() else { return false };
        let ends = u64::try_from(leaf.validity().not_after.timestamp()).unwrap_or_default();
        UNIX_EPOCH + Duration::from_secs(ends) > now + LEAST_LEFT
    }

    fn make(&self, directory: &Path, host: &str, now: SystemTime) -> Result<(), TlsError> {
        let names = names(host);
        let authority = CertifiedIssuer::self_signed(authority(host, &names, now), KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let leaf = leaf(names, now).signed_by(&key, &authority)?;
        let write = |file: &Path, text: &str, mode: u32| {
            write_new(directory, file, text, mode)
                .map_err(|cause| TlsError::File { file: file.to_owned(), cause: format!("cannot be written: {cause}") })
        };
        write(&self.files.key, &key.serialize_pem(), 0o600)?;
        write(&self.authority, &authority.pem(), 0o644)?;
        write(&self.files.certificate, &format!("{}{}", leaf.pem(), authority.pem()), 0o644)
    }
}

/// The public address's host, and this machine.
fn names(host: &str) -> Vec<SanType> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let own = match bare.parse::<IpAddr>() {
        Ok(address) => Some(SanType::IpAddress(address)),
        Err(_) => bare.try_into().ok().map(SanType::DnsName),
    };
    let localhost = "localhost".try_into().ok().map(SanType::DnsName);
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].map(SanType::IpAddress);
    let mut names = Vec::new();
    for name in own.into_iter().chain(localhost).chain(loopback) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn authority(host: &str, names: &[SanType], now: SystemTime) -> CertificateParams {
    let mut parameters = named(&format!("Bartizan development authority for {host}"), now);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    // The key is thrown away; who looks at the certificate sees that even with it no other site could be impersonated.
    let permitted_subtrees = names.iter().filter_map(subtree).collect();
    parameters.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    parameters
}

fn leaf(names: Vec<SanType>, now: SystemTime) -> CertificateParams {
    let mut parameters = named("Bartizan development certificate", now);
    parameters.use_authority_key_identifier_extension = true;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.subject_alt_names = names;
    parameters
}

fn named(common_name: &str, now: SystemTime) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    parameters.not_before = (now - EARLIER).into();
    parameters.not_after = (now + LIFETIME).into();
    parameters
}

fn subtree(name: &SanType) -> Option<GeneralSubtree> {
    match name {
        SanType::DnsName(name) => Some(GeneralSubtree::DnsName(name.to_string())),
        SanType::IpAddress(IpAddr::V4(address)) => {
            Some(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix((*address).into(), 32)))
        }
        SanType::IpAddress(IpAddr::V6(address)) => {
            Some(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix((*address).into(), 128)))
        }
        _ => None,
    }
}

fn write_new(directory: &Path, file: &Path, text: &str, mode: u32) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut open = fs::OpenOptions::new();
    let mut written = open.write(true).create(true).truncate(true).mode(mode).open(file)?;
    io::Write::write_all(&mut written, text.as_bytes())?;
    written.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_stays_until_its_end_is_near_and_its_authoritys_key_is_nowhere() {
        let directory = tempfile::tempdir().unwrap();
        let now = UNIX_EPOCH + DAY * 20_000;
        let made = |now| {
            let made = development_certificate(directory.path(), "gate.example", now).unwrap();
            (fs::read_to_string(made.files.certificate).unwrap(), fs::read_to_string(made.authority).unwrap())
        };
        let (chain, authority) = made(now);
        assert!(chain.ends_with(&authority));
        assert_eq!(made(now + LIFETIME - LEAST_LEFT - DAY), (chain.clone(), authority.clone()));
        assert_ne!(made(now + LIFETIME - LEAST_LEFT), (chain, authority));
        let keys = fs::read_dir(directory.path()).unwrap().filter(|file| {
            let text = fs::read_to_string(file.as_ref().unwrap().path()).unwrap();
            text.contains("PRIVATE KEY")
        });
        assert_eq!(keys.count(), 1, "the leaf's");
    }

    #[test]
    fn the_authority_may_speak_for_the_gate_and_this_machine_alone() {
        let directory = tempfile::tempdir().unwrap();
        let now = UNIX_EPOCH + DAY * 20_000;
        let made = development_certificate(directory.path(), "gate.example", now).unwrap();
        let text = fs::read(made.authority).unwrap();
        let pem = Pem::iter_from_buffer(&text).next().unwrap().unwrap();
        let authority = pem.parse_x509().unwrap();
        let constraints = authority.name_constraints().unwrap().unwrap();
        assert!(constraints.critical);
        let permitted = constraints.value.permitted_subtrees.as_ref().unwrap();
        let permitted: Vec<_> = permitted.iter().map(|tree| tree.base.to_string()).collect();
        assert_eq!(permitted.len(), 4, "{permitted:?}");
        assert!(permitted.iter().any(|name| name.contains("gate.example")), "{permitted:?}");
    }
}
