use std::path::PathBuf;
use std::sync::Arc;

use bartizan_vault::Secret;
use http::Uri;

/// A certificate that the gate fetches, and renews, by ACME (`RFC 8555`).
pub struct Acme {
    /// The authority's directory.
    pub directory: Uri,
    /// PEM file of the authorities to trust for the directory itself instead of the system's.
    pub authorities: Option<PathBuf>,
    /// Whom the authority writes to when something is wrong; a mail address each.
    pub contacts: Vec<Arc<str>>,
    /// The names that the certificate is for: DNS names, at least one.
    pub domains: Vec<Arc<str>>,
    /// How the authority is shown that the names are ours.
    pub challenge: AcmeChallenge,
    /// An account that exists with the authority already, where it asks for one (`RFC 8555 §7.3.4`).
    pub external_account: Option<ExternalAccount>,
    /// Where the account's key and the certificates are kept, readable by the gate's user only.
    pub state: PathBuf,
}

/// How the authority is shown that the names are ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AcmeChallenge {
    /// By a handshake on the public listener itself (`RFC 8737`): port 443 has to lead there.
    #[default]
    TlsAlpn01,
    /// By a document on the plain listener (`RFC 8555 §8.3`): port 80 has to lead to `redirect_from`.
    Http01,
}

/// An account that exists with the authority already.
pub struct ExternalAccount {
    /// Its name there.
    pub key_id: String,
    /// The key that was given with it, decoded.
    pub key: Secret<Vec<u8>>,
}

impl Acme {
    /// What makes two of them the same, so that a reload goes on with the certificate that it has.
    pub(crate) fn identity(&self) -> String {
        let external = self.external_account.as_ref().map(|account| &account.key_id);
        format!(
            "{} {:?} {:?} {:?} {:?} {external:?} {}",
            self.directory,
            self.authorities,
            self.contacts,
            self.domains,
            self.challenge,
            self.state.display()
        )
    }
}
