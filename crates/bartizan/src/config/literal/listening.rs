use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OneOrMany, SecretSource};
use crate::config::units::Url;

/// Whether proxies say which client they speak for before the first byte of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyProtocol {
    /// No PROXY header is read.
    #[default]
    Off,
    /// Every connection begins with one (HAProxy's PROXY protocol, version 1 or 2), and comes from `trusted_proxies`; others are
    /// closed.
    Required,
}

/// Certificates that clients show (mutual TLS).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificates {
    /// PEM file of the authorities that issue them.
    pub ca: PathBuf,
    /// Whether a client without one is let in.
    #[serde(default)]
    pub mode: CertificateMode,
    /// Revocation lists, PEM or DER. With them, every certificate of a chain is looked up; they are read again when they change.
    #[serde(default)]
    pub crl: Vec<PathBuf>,
    /// What is done with a certificate whose issuer has no list here, or only one that is out of date. `"accept"` lets in whom
    /// a newer list would have named.
    #[serde(default)]
    pub unknown_revocation: UnknownRevocation,
}

/// Whether a client without a certificate is let in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateMode {
    /// The handshake fails without one.
    #[default]
    Required,
    /// A client without one is let in as nobody; one that does not hold fails the handshake all the same.
    Optional,
}

/// What is done with a certificate of which the revocation lists say nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownRevocation {
    /// The handshake fails.
    #[default]
    Refuse,
    /// It counts as not revoked.
    Accept,
}

/// A certificate that the gate fetches by itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Fetched by ACME")]
pub struct AcmeTls {
    /// From whom, and for which names.
    pub acme: Acme,
}

/// A certificate that the gate fetches, and renews, by ACME (RFC 8555).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acme {
    /// Whom the authority writes to when something is wrong: a mail address, or a list of them.
    pub email: OneOrMany<String>,
    /// `"agreed"`: you have read the authority's terms of service and agree to them. Nobody can do that for you.
    pub terms: Terms,
    /// The authority's directory. Without it, Let's Encrypt's; its staging one, for trying, is
    /// `https://acme-staging-v02.api.letsencrypt.org/directory`.
    pub directory: Option<Url>,
    /// DNS names of the certificate. Without it, the host of `public_url`.
    #[serde(default)]
    pub domains: Vec<String>,
    /// How the authority is shown that the names are yours.
    #[serde(default)]
    pub challenge: Challenge,
    /// An account that you have with the authority already, where it asks for one (external account binding; ZeroSSL, Google).
    pub account: Option<ExternalAccount>,
    /// PEM file of the authorities to trust for the directory itself instead of the system's: for an authority of your own.
    pub ca: Option<PathBuf>,
}

/// That the authority's terms of service are agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Terms {
    /// They are.
    Agreed,
}

/// How an authority is shown that a name is yours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Challenge {
    /// By a TLS handshake on the public listener: port 443 of each name has to lead there.
    #[default]
    #[serde(rename = "tls-alpn-01")]
    TlsAlpn01,
    /// By a document on `redirect_from`: port 80 of each name has to lead there.
    #[serde(rename = "http-01")]
    Http01,
}

/// An account that exists with the authority already.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalAccount {
    /// The key's id, as the authority shows it.
    pub kid: String,
    /// The key, as the authority shows it: base64url.
    pub hmac: SecretSource,
}
