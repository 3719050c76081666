//! Callers that are machines: certificates, webhooks, and tokens that their issuer is asked about.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bartizan_policy::Subject;
use bartizan_token::CertificateThumbprint;
use bartizan_vault::Secret;
use http::Uri;

/// Whom a client's certificate speaks for. A certificate that no rule fits speaks for nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRule {
    /// Which certificates.
    pub name: CertificateName,
    /// The subject of requests made with them; without it, the name by which the certificate was found.
    pub subject: Option<Subject>,
    /// Roles.
    pub roles: Vec<Arc<str>>,
    /// Scopes.
    pub scopes: Vec<Arc<str>>,
}

/// The name by which a certificate is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CertificateName {
    /// The subject's distinguished name (`RFC 4514`), compared byte for byte.
    Subject(Arc<str>),
    /// One of the DNS names, in lower case; a wildcard in the certificate stands only for itself.
    Dns(Arc<str>),
    /// One of the URIs, such as a SPIFFE ID.
    Uri(Arc<str>),
    /// One of the URIs below this one, which ends in `/`.
    UriBelow(Arc<str>),
    /// One of the mail addresses.
    Email(Arc<str>),
    /// This certificate and no other.
    Thumbprint(CertificateThumbprint),
}

/// How an issuer is asked about its tokens (`RFC 7662`).
#[derive(Clone)]
pub struct Introspection {
    /// Where: `https`, or `http` on loopback.
    pub endpoint: Uri,
    /// Who asks.
    pub client_id: Arc<str>,
    /// The secret that goes with it (`client_secret_basic`).
    pub client_secret: Arc<Secret<Vec<u8>>>,
    /// How long what it said counts, at most; a token's own end comes first.
    pub cache: Duration,
    /// What its opaque tokens begin with; without it, every token that is no JWT is taken for one of this issuer's.
    pub prefix: Option<Arc<str>>,
    /// PEM file of the authorities to trust instead of the system's.
    pub authorities: Option<PathBuf>,
}
