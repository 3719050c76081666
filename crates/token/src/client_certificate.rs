//! A client's certificate as the gate reads it: names, validity and thumbprint. Whether its chain holds is the TLS library's to
//! judge, and judged before anything here is asked.

mod name;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::net::IpAddr;

use bartizan_policy::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use crate::CertificateThumbprint;

/// The largest certificate that is looked at. Real ones stay under 8 KiB.
const MAX_BYTES: usize = 64 * 1024;
/// The most names of each kind that are kept; a certificate with more is refused, since a name that is not seen cannot be held
/// against a rule.
const MAX_NAMES: usize = 64;

/// The leaf certificate of a client, after the handshake verified its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    thumbprint: CertificateThumbprint,
    subject: Box<str>,
    common_name: Option<Box<str>>,
    issuer: Box<str>,
    serial: Box<str>,
    dns_names: Vec<Box<str>>,
    uris: Vec<Box<str>>,
    emails: Vec<Box<str>>,
    addresses: Vec<IpAddr>,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// Why a certificate names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Longer than 64 KiB.
    #[error("the certificate is longer than 64 KiB")]
    TooLong,
    /// Not one certificate in DER, or an extension of it is malformed or there twice.
    #[error("the certificate is malformed")]
    Malformed,
    /// A name that cannot be compared safely: control characters (`good.example\0.evil.example`), or of no text at all.
    #[error("the certificate holds a name that is no plain text")]
    UnfitName,
    /// More than 64 names of one kind.
    #[error("the certificate holds more than 64 names of one kind")]
    TooManyNames,
}

impl CertificateError {
    /// A stable name for events and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "certificate-too-long",
            Self::Malformed => "certificate-malformed",
            Self::UnfitName => "certificate-name-unfit",
            Self::TooManyNames => "certificate-names-too-many",
        }
    }
}

impl ClientCertificate {
    /// Reads a certificate in DER (`RFC 5280 §4.1`).
    ///
    /// # Errors
    /// A [`CertificateError`], naming the fault.
    pub fn parse(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_BYTES {
            return Err(CertificateError::TooLong);
        }
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() {
            return Err(CertificateError::Malformed);
        }
        let mut read = Self {
            thumbprint: CertificateThumbprint::of(der),
            subject: name::text(certificate.subject())?.into(),
            common_name: name::common_name(certificate.subject())?.map(Into::into),
            issuer: name::text(certificate.issuer())?.into(),
            serial: serial(certificate.raw_serial()).into(),
            dns_names: Vec::new(),
            uris: Vec::new(),
            emails: Vec::new(),
            addresses: Vec::new(),
            not_before: Timestamp::from_unix(certificate.validity().not_before.timestamp()),
            not_after: Timestamp::from_unix(certificate.validity().not_after.timestamp()),
        };
        let alternative = certificate.subject_alternative_name().map_err(|_| CertificateError::Malformed)?;
        for name in alternative.iter().flat_map(|extension| &extension.value.general_names) {
            read.add(name)?;
        }
        Ok(read)
    }

    fn add(&mut self, name: &GeneralName<'_>) -> Result<(), CertificateError> {
        match name {
            GeneralName::DNSName(name) => push(&mut self.dns_names, ascii(name)?.to_ascii_lowercase().into()),
            GeneralName::URI(uri) => push(&mut self.uris, ascii(uri)?.into()),
            GeneralName::RFC822Name(email) => push(&mut self.emails, ascii(email)?.into()),
            GeneralName::IPAddress(bytes) => push(&mut self.addresses, address(bytes)?),
            GeneralName::Invalid(..) => Err(CertificateError::UnfitName),
            // Kinds that no rule asks for.
            GeneralName::OtherName(..)
            | GeneralName::X400Address(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::RegisteredID(_) => Ok(()),
        }
    }

    /// `x5t#S256`.
    pub const fn thumbprint(&self) -> CertificateThumbprint {
        self.thumbprint
    }

    /// The subject's distinguished name as text (`RFC 4514`): most specific first, `CN=billing,O=Example`.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The last common name of the subject, unescaped.
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// The issuer's distinguished name, as [`ClientCertificate::subject`].
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The serial number in lower-case hexadecimal, without leading zeros; unique only together with the issuer.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// DNS names among the subject's alternative names, in lower case.
    pub fn dns_names(&self) -> impl Iterator<Item = &str> {
        self.dns_names.iter().map(AsRef::as_ref)
    }

    /// URIs among the subject's alternative names: a SPIFFE ID is one.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        self.uris.iter().map(AsRef::as_ref)
    }

    /// Mail addresses among the subject's alternative names.
    pub fn emails(&self) -> impl Iterator<Item = &str> {
        self.emails.iter().map(AsRef::as_ref)
    }

    /// IP addresses among the subject's alternative names.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// The first second in which it is valid.
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last second in which it is valid (`RFC 5280 §4.1.2.5`).
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

fn push<T>(names: &mut Vec<T>, name: T) -> Result<(), CertificateError> {
    if names.len() >= MAX_NAMES {
        return Err(CertificateError::TooManyNames);
    }
    names.push(name);
    Ok(())
}

/// Names go into logs, fields and comparisons: a NUL or a line break in one was an attack whenever it was seen (CVE-2009-2408).
fn plain(name: &str) -> Result<&str, CertificateError> {
    if name.is_empty() || name.chars().any(char::is_control) { Err(CertificateError::UnfitName) } else { Ok(name) }
}

/// These names are `IA5String` (`RFC 5280 §4.2.1.6`): a letter that only looks like another is none of it.
fn ascii(name: &str) -> Result<&str, CertificateError> {
    if name.is_ascii() { plain(name) } else { Err(CertificateError::UnfitName) }
}

fn address(bytes: &[u8]) -> Result<IpAddr, CertificateError> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Ok(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(bytes).map(IpAddr::from).map_err(|_| CertificateError::UnfitName)
}

/// One spelling of each number: DER puts a zero before one whose first bit is set.
fn serial(bytes: &[u8]) -> String {
    let mut text = String::new();
    add_hexadecimal(&mut text, bytes);
    let short = text.trim_start_matches('0');
    if short.is_empty() { "0".to_owned() } else { short.to_owned() }
}

fn add_hexadecimal(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
}
